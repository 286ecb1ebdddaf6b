"""python -m meter.compare runs='[A,B,…]': a table of finished runs, with tests, as text, Markdown, HTML and JSON."""

import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from meter.cli import command
from meter.compare.comparison import compare
from meter.compare.page import comparison_html
from meter.compare.results import Comparison
from meter.compare.text import markdown, print_comparison
from meter.storage.atomic import write_text
from meter.storage.fingerprint import plain


@dataclass(kw_only=True, slots=True)
class CompareConfig:
    """What to compare."""

    runs: list[str] = field(default_factory=list)
    """Run folders or patterns (``runs/synthetic/peter-*``); those that differ in their seeds only are one system."""
    baseline: str = ""
    """Label, name or a run folder of the system that the others are held against; the first given by default."""
    splits: list[str] = field(default_factory=list)
    """Evaluated splits; all by default."""
    metrics: list[str] = field(default_factory=list)
    """Metrics (``text.bleu_4``) or sections (``truth``); all by default. Fewer questions, less correction."""
    num_resamples: int = 10_000
    """Of the bootstrap and of the randomization each."""
    seed: int = 0
    """Of the resamples."""
    out: str = ""
    """Folder of the results; by default ``compare-<hash>`` beside the first run."""


def run(config: CompareConfig) -> Path:
    """Compares, prints the tables, writes ``compare.{json,md,html}`` and returns their folder."""
    console = Console()
    with console.status("") as status:
        comparison = compare(
            config.runs,
            baseline=config.baseline,
            splits=config.splits,
            metrics=config.metrics,
            num_resamples=config.num_resamples,
            seed=config.seed,
            progress=status.update,
        )
    print_comparison(comparison, console)
    beside = Path(comparison.systems[0].runs[0]).parent
    folder = Path(config.out) if config.out else beside / f"compare-{comparison.hash[:8]}"
    write(folder, comparison, shlex.join(["python", "-m", "meter.compare", *sys.argv[1:]]))
    console.print(f"\ncomparison: [bold]{escape(str(folder / 'compare.html'))}[/bold]")
    return folder


def write(folder: Path, comparison: Comparison, line: str) -> None:
    """Writes the three files. line: the command, with which a reader makes them again."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = json.dumps({**plain(comparison), "command": line}, indent=1, ensure_ascii=False)
    write_text(folder / "compare.json", numbers + "\n")
    write_text(folder / "compare.md", markdown(comparison, line))
    write_text(folder / "compare.html", comparison_html(comparison, line))


if __name__ == "__main__":
    command(run, CompareConfig, "compare")
