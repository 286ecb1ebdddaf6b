"""The nested figures of metrics.json as tables: a row for each metric, a column for each split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meter.metrics.labels import (
    NOT_MEASURABLE,
    Label,
    as_words,
    is_measurable,
    label_of,
    number,
    section_and_variant,
    section_title,
)

SIGNATURE = "signature"
WITH_PICTURE = "count_with_picture"
LONG = 8
"""A list of more values is counted, not written out."""


@dataclass(kw_only=True, slots=True)
class TableRow:
    """A metric: its name, which way it improves (``"↑"``, ``"↓"`` or ``""``), its written values by column."""

    name: str
    direction: str
    cells: list[str]


@dataclass(kw_only=True, slots=True)
class Table:
    """One section of the metrics.

    columns: (split, variant) of each; both empty where there is but one column.
    signatures: which definitions made the numbers, as the metrics themselves say.
    wide: whether it needs the whole width of a page.
    """

    title: str
    columns: list[tuple[str, str]]
    rows: list[TableRow] = field(default_factory=list)
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
    sections = dict.fromkeys(section_and_variant(name)[0] for entry in splits.values() for name in entry)
    tables = [table for section in sections for table in _section(section, splits)]
    tables += [_table(name, section_title(name), {("", ""): entry}) for name, entry in alone.items()]
    if figures:
        tables.append(_table("", "Further figures", {("", ""): figures}))
    return tables


def _holds_dicts(entry: Any) -> bool:
    return isinstance(entry, Mapping) and any(isinstance(value, Mapping) for value in entry.values())


def _sections(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    sections = {name: value for name, value in entry.items() if isinstance(value, Mapping)}
    figures = {name: value for name, value in entry.items() if name not in sections}
    return {**sections, "further_figures": figures} if figures else sections


def _section(section: str, splits: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Table]:
    columns: dict[tuple[str, str], Mapping[str, Any]] = {}
    breakdowns = []
    for split, entry in splits.items():
        for name, values in entry.items():
            base, variant = section_and_variant(name)
            if base != section:
                continue
            parts = {key: value for key, value in values.items() if _holds_dicts(value)}
            columns[split, variant] = {key: value for key, value in values.items() if key not in parts}
            for key, part in parts.items():
                of = " · ".join(filter(None, [as_words(key).lower(), split, variant]))
                breakdowns.append(_breakdown(section, f"{section_title(section)}, {of}", part))
    whole = [_table(section, section_title(section), columns)] if any(columns.values()) else []
    return whole + breakdowns


def _table(section: str, title: str, columns: Mapping[tuple[str, str], Mapping[str, Any]]) -> Table:
    flat = [_flatten(values) for values in columns.values()]
    keys = dict.fromkeys(key for column in flat for key in column if key != SIGNATURE)
    labels = {key: label_of(f"{section}.{key}" if section else key) for key in keys}
    return Table(
        title=title,
        columns=list(columns),
        rows=[
            TableRow(
                name=label.full_name,
                direction=label.better.value,
                cells=[_cell(column, key, label) for column in flat],
            )
            for key, label in labels.items()
        ],
        wide=len(columns) > 4,
        signatures=list(dict.fromkeys(str(column[SIGNATURE]) for column in flat if SIGNATURE in column)),
    )


def _breakdown(section: str, title: str, parts: Mapping[str, Any]) -> Table:
    rows = {
        name: _flatten(part, "" if isinstance(part, Mapping) else "value") for name, part in parts.items()
    }
    keys = dict.fromkeys(key for row in rows.values() for key in row)
    if all(row.get(WITH_PICTURE) == row.get("count") for row in rows.values()):
        # Where every record has a picture, a column that says so only takes the room.
        keys.pop(WITH_PICTURE, None)
    labels = {key: label_of(f"{section}.{key}") for key in keys}
    return Table(
        title=title,
        columns=[(label.name, "") for label in labels.values()],
        rows=[
            TableRow(name=name, direction="", cells=[_cell(row, key, label) for key, label in labels.items()])
            for name, row in rows.items()
        ],
    )


def _flatten(entry: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        return {prefix: entry}
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        flat.update(_flatten(value, f"{prefix}.{name}" if prefix else str(name)))
    return flat


def _cell(column: Mapping[str, Any], key: str, label: Label) -> str:
    if key not in column:
        return ""
    value = column[key]
    if not is_measurable(column, label):
        return NOT_MEASURABLE
    if not isinstance(value, (list, tuple)):
        return label.write(value)
    return ", ".join(number(entry) for entry in value) if len(value) <= LONG else f"{len(value):,} values"
