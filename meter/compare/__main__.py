"""python -m meter.compare: finished runs side by side, as text, Markdown, HTML and JSON.

``runs='[A,B,…]'`` shows systems with tests; ``sweep=PATTERN`` the points of a sweep, and the front of two metrics.
"""

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
from meter.compare.sweep import Sweep, read_sweep
from meter.compare.sweep_page import print_sweep, sweep_html, sweep_markdown
from meter.compare.text import markdown, print_comparison
from meter.errors import InputError
from meter.storage.atomic import write_text
from meter.storage.fingerprint import plain


@dataclass(kw_only=True, slots=True)
class CompareConfig:
    """What to compare."""

    runs: list[str] = field(default_factory=list)
    """Run folders or patterns (``runs/synthetic/peter-*``); those that differ in their seeds only are one system."""
    sweep: str = ""
    """In place of ``runs``: the runs of a sweep, as a pattern (``runs/synthetic/lambdas-*``)."""
    front: list[str] = field(default_factory=lambda: ["rating.rmse", "text.bleu_4"])
    """Of a sweep: the two metrics whose front is shown."""
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
    """Compares, prints the tables, writes ``compare.{json,md,html}`` or ``sweep.{…}`` and returns their folder."""
    console = Console()
    if config.sweep:
        if config.runs:
            raise InputError("expected either runs=… or sweep=…, found both")
        return show_sweep(config, console)
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
    line = command_line()
    folder = folder_of(comparison, config, beside=comparison.systems[0].runs[0])
    write(folder / "compare", comparison, line, markdown(comparison, line), comparison_html(comparison, line))
    console.print(f"\ncomparison: [bold]{escape(str(folder / 'compare.html'))}[/bold]")
    return folder


def show_sweep(config: CompareConfig, console: Console) -> Path:
    """The same of a sweep."""
    sweep = read_sweep([config.sweep], front=config.front, splits=config.splits, metrics=config.metrics)
    print_sweep(sweep, console)
    line = command_line()
    folder = folder_of(sweep, config, beside=sweep.points[0].runs[0])
    write(folder / "sweep", sweep, line, sweep_markdown(sweep, line), sweep_html(sweep, line))
    console.print(f"\nsweep: [bold]{escape(str(folder / 'sweep.html'))}[/bold]")
    return folder


def command_line() -> str:
    """The command, with which a reader makes the same again."""
    return shlex.join(["python", "-m", "meter.compare", *sys.argv[1:]])


def folder_of(found: Comparison | Sweep, config: CompareConfig, beside: str) -> Path:
    """``out``, or a folder beside the first run that is named by what was compared."""
    kind = "sweep" if isinstance(found, Sweep) else "compare"
    return Path(config.out) if config.out else Path(beside).parent / f"{kind}-{found.hash[:8]}"


def write(path: Path, found: Comparison | Sweep, line: str, markdown: str, html: str) -> None:
    """Writes three files, which differ in their endings. line: the command that made them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = json.dumps({**plain(found), "command": line}, indent=1, ensure_ascii=False)
    write_text(path.with_suffix(".json"), numbers + "\n")
    write_text(path.with_suffix(".md"), markdown)
    write_text(path.with_suffix(".html"), html)


if __name__ == "__main__":
    command(run, CompareConfig, "compare")
