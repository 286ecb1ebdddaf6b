"""What was read and what was measured, as tables in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from meter.data import Prepared, overview


def print_overview(prepared: Prepared, console: Console) -> None:
    """What was read, dropped and why."""
    table = Table(title="data", title_justify="left", header_style="bold")
    for name in ("", "what", "count", "share", "first place"):
        table.add_column(name, justify="right" if name in ("count", "share") else "left")
    last = ""
    for row in overview(prepared.stage.summary):
        if last and row.group != last:
            table.add_section()
        table.add_row(row.group if row.group != last else "", row.what, row.count, row.share, row.note)
        last = row.group
    console.print(table)


RESULTS: tuple[tuple[str, str, str, str], ...] = (
    ("rating", "rmse", "rating RMSE", ".3f"),
    ("rating", "mae", "rating MAE", ".3f"),
    ("rating_floor", "ratio", "RMSE / noise floor", ".3f"),
    ("text", "bleu_1", "BLEU-1", ".2f"),
    ("text", "bleu_4", "BLEU-4", ".2f"),
    ("text", "rouge_1.f", "ROUGE-1 F", ".2f"),
    ("text", "rouge_2.f", "ROUGE-2 F", ".2f"),
    ("text", "rouge_l.f", "ROUGE-L F", ".2f"),
    ("diversity", "usr", "USR (unique sentences)", ".3f"),
    ("diversity_of_references", "usr", "USR of the true sentences", ".3f"),
    ("diversity", "usn", "USN", "d"),
    ("diversity", "fmr", "FMR", ".3f"),
    ("diversity", "fcr", "FCR", ".3f"),
    ("diversity", "div", "DIV", ".3f"),
    ("diversity", "distinct_1", "distinct-1", ".4f"),
    ("diversity", "distinct_2", "distinct-2", ".4f"),
    ("match", "recall_at_1", "match R@1 of 100", ".3f"),
    ("match", "recall_at_5", "match R@5 of 100", ".3f"),
    ("match_of_true_pairs", "recall_at_1", "R@1 of true pairs", ".3f"),
    ("match_of_true_pairs", "recall_at_5", "R@5 of true pairs", ".3f"),
    ("truth", "sentence_truth", "sentence truth", ".3f"),
    ("truth", "picture_truth", "picture truth", ".3f"),
    ("truth", "agreement", "sentence–picture agreement", ".3f"),
)
"""Section, metric, name and format of what the terminal shows; metrics.json and the report hold all."""


def lookup(metrics: dict[str, Any], *path: str) -> Any:
    """The value at a path of nested dicts, dots within a step included; None where it is absent."""
    value: Any = metrics
    for step in ".".join(path).split("."):
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def print_results(metrics: dict[str, Any], console: Console) -> None:
    """The results, a column for every split."""
    splits = [
        name for name, sections in metrics.items() if isinstance(sections, dict) and "rating" in sections
    ]
    table = Table(title="results", title_justify="left", header_style="bold")
    table.add_column("metric")
    for split in splits:
        table.add_column(split, justify="right")
    last = ""
    for section, metric, label, style in RESULTS:
        values = [lookup(metrics, split, section, metric) for split in splits]
        if all(value is None for value in values):
            continue
        family = section.split("_")[0]
        if last and family != last:
            table.add_section()
        table.add_row(label, *("" if value is None else format(value, style) for value in values))
        last = family
    if "vq" in metrics:
        table.add_section()
        for name, value in metrics["vq"].items():
            if isinstance(value, float):
                table.add_row(f"VQ-GAN {name}", f"{value:.3f}")
    console.print(table)
