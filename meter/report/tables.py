"""The nested figures of metrics.json as tables: a row for each metric, a column for each split."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meter.report.rendering import number

VARIANTS = {
    "_peter_compat": "PETER’s way",
    "_of_references": "true sentences",
    "_of_true_pairs": "true pairs",
}
"""Sections whose name ends so stand beside the section without the ending."""
SECTIONS = {
    "rating": "Rating",
    "rating_floor": "Rating beside the noise floor",
    "text": "Text against the reference",
    "diversity": "Features and variety",
    "image": "Picture against the photo",
    "match": "Finding the picture of a sentence",
    "truth": "Truth in the known world",
    "vq": "VQ-GAN",
}
NAMES = {
    "rmse": "RMSE",
    "mae": "MAE",
    "usr": "USR, unique sentence ratio",
    "usn": "USN, unique sentences",
    "fmr": "FMR, feature matching ratio",
    "fcr": "FCR, feature coverage ratio",
    "div": "DIV, features two sentences share",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "count": "Records",
    "count_with_feature": "Records with a feature",
    "count_with_picture": "Records with a picture",
    "count_with_both": "Records with both",
    "num_features": "Features of the dataset",
    "num_candidates": "Candidates",
    "num_statements": "Statements",
    "num_values": "Values shown",
    "empty": "Empty sentences",
    "generated_length": "Words, generated",
    "reference_length": "Words, reference",
    "chance_at_1": "R@1 by chance",
    "silent": "Silent on the asked feature",
    "picture_truth_named": "Picture truth of the asked feature",
    "recall_at_1": "R@1",
    "recall_at_5": "R@5",
}
LOWER = {"rmse", "mae", "div", "silent", "ratio", "median_rank"}
HIGHER = re.compile(
    r"bleu|rouge|us[rn]$|f[mc]r$|distinct|psnr|ssim|recall_at|mean_rec|usage|perplexity|.*truth|agreement"
)
SIGNATURE = "signature"
WITH_PICTURE = "count_with_picture"
LONG = 8
"""A list of more values is counted, not written out."""


@dataclass(kw_only=True, slots=True)
class Row:
    """A metric: its name, whether more is better (``"↑"``, ``"↓"`` or ``""``), its written values by column."""

    name: str
    direction: str
    cells: list[str]


@dataclass(kw_only=True, slots=True)
class Table:
    """One section of the metrics.

    columns: (split, variant) of each; both empty where there is but one column.
    signatures: which definitions made the numbers, as the metrics themselves say.
    wide: whether it wants the whole width of a page.
    """

    title: str
    columns: list[tuple[str, str]]
    rows: list[Row] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    wide: bool = False


def metric_tables(metrics: Mapping[str, Any]) -> list[Table]:
    """Every figure of a metrics.json, in its order: nothing is left out, whatever its name.

    The top level holds splits (dicts of sections), sections of their own (dicts of figures) or figures.
    """
    splits = {name: _sections(entry) for name, entry in metrics.items() if _holds_dicts(entry)}
    alone = {
        name: entry for name, entry in metrics.items() if isinstance(entry, Mapping) and name not in splits
    }
    figures = {name: entry for name, entry in metrics.items() if not isinstance(entry, Mapping)}
    sections = dict.fromkeys(_variant(name)[0] for entry in splits.values() for name in entry)
    tables = [table for section in sections for table in _section(section, splits)]
    tables += [_table(_title(name), {("", ""): entry}) for name, entry in alone.items()]
    if figures:
        tables.append(_table("Further figures", {("", ""): figures}))
    return tables


def readable(key: str) -> str:
    """A key as words: ``rouge_1 · f`` becomes ``ROUGE-1 F``, ``num_pairs`` becomes ``Num pairs``."""
    if key in NAMES:
        return NAMES[key]
    words = re.sub(r"\b(bleu|rouge|distinct)_(\w+?)\b", lambda found: f"{found[1]}-{found[2]}", key)
    words = words.replace("_", " ").replace(" · ", " ")
    words = re.sub(r"\b(bleu|rouge(-l)?|psnr|ssim|rmse|vq)\b|\bf1?$", lambda found: found[0].upper(), words)
    return words[:1].upper() + words[1:]


def _holds_dicts(entry: Any) -> bool:
    return isinstance(entry, Mapping) and any(isinstance(value, Mapping) for value in entry.values())


def _sections(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    sections = {name: value for name, value in entry.items() if isinstance(value, Mapping)}
    figures = {name: value for name, value in entry.items() if name not in sections}
    return {**sections, "further_figures": figures} if figures else sections


def _variant(section: str) -> tuple[str, str]:
    for ending, variant in VARIANTS.items():
        if section.endswith(ending):
            return section.removesuffix(ending), variant
    return section, ""


def _title(section: str) -> str:
    return SECTIONS.get(section, readable(section))


def _section(section: str, splits: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Table]:
    columns: dict[tuple[str, str], Mapping[str, Any]] = {}
    breakdowns = []
    for split, entry in splits.items():
        for name, values in entry.items():
            base, variant = _variant(name)
            if base != section:
                continue
            parts = {key: value for key, value in values.items() if _holds_dicts(value)}
            columns[split, variant] = {key: value for key, value in values.items() if key not in parts}
            for key, part in parts.items():
                place = " · ".join(filter(None, [readable(key).lower(), split, variant]))
                breakdowns.append(_breakdown(f"{_title(section)}, {place}", part))
    whole = [_table(_title(section), columns)] if any(columns.values()) else []
    return whole + breakdowns


def _table(title: str, columns: Mapping[tuple[str, str], Mapping[str, Any]]) -> Table:
    flat = [_flatten(values) for values in columns.values()]
    keys = dict.fromkeys(key for column in flat for key in column if key != SIGNATURE)
    return Table(
        title=title,
        columns=list(columns),
        rows=[
            Row(name=readable(key), direction=_direction(key), cells=[_cell(column, key) for column in flat])
            for key in keys
        ],
        wide=len(columns) > 4,
        signatures=list(dict.fromkeys(str(column[SIGNATURE]) for column in flat if SIGNATURE in column)),
    )


def _breakdown(title: str, parts: Mapping[str, Any]) -> Table:
    rows = {
        name: _flatten(part, "" if isinstance(part, Mapping) else "value") for name, part in parts.items()
    }
    keys = dict.fromkeys(key for row in rows.values() for key in row)
    if all(row.get(WITH_PICTURE) == row.get("count") for row in rows.values()):
        # Where every record has a picture, a column that says so only takes the room.
        keys.pop(WITH_PICTURE, None)
    return Table(
        title=title,
        columns=[(readable(key), "") for key in keys],
        rows=[
            Row(name=name, direction="", cells=[_cell(row, key) for key in keys])
            for name, row in rows.items()
        ],
    )


def _flatten(entry: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        return {prefix: entry}
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        flat.update(_flatten(value, f"{prefix} · {name}" if prefix else str(name)))
    return flat


def _cell(column: Mapping[str, Any], key: str) -> str:
    if key not in column:
        return ""
    value = column[key]
    if not isinstance(value, (list, tuple)):
        return number(value)
    return ", ".join(number(entry) for entry in value) if len(value) <= LONG else f"{len(value):,} values"


def _direction(key: str) -> str:
    if key in LOWER:
        return "↓"
    return "↑" if HIGHER.match(key) else ""
