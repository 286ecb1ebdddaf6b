"""The table as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .machine import Machine
from .part import Comparison, Row, Settings
from .timing import Timing

HEADINGS = (
    "part",
    "case",
    "reference",
    "ours",
    "times faster",
    "ours, a second",
    "GFLOP, reference",
    "GFLOP, least",
    "GB, least",
    "floor",
    "ours ÷ floor",
)
COMPARED = ("part", "what", "difference", "allowed", "same")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of time."""

    seconds: float
    name: str


UNITS = (Unit(1.0, "s"), Unit(1e-3, "ms"), Unit(1e-6, "µs"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was measured and how; comparisons only of a quick run."""

    settings: Settings
    rows: Sequence[Row]
    comparisons: Sequence[Comparison]

    @property
    def different(self) -> list[Comparison]:
        """Where both sides do not compute the same."""
        return [each for each in self.comparisons if not each.same]


def write(folder: Path, report: Report) -> str:
    """Writes ``benchmark.md`` and ``benchmark.json``; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(report)
    (folder / "benchmark.md").write_text(text, encoding="utf-8")
    values = json.dumps(plain(report), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "benchmark.json").write_text(values + "\n", encoding="utf-8")
    return text


def markdown(report: Report) -> str:
    """The machine, the table with its notes, and how far both sides are apart where that was checked."""
    rows, comparisons = report.rows, report.comparisons
    notes = list(dict.fromkeys(row.note for row in rows if row.note is not None))
    parts = [describe(report.settings.machine)]
    if report.settings.quick:
        parts.append("A quick run, at tiny sizes: its times mean nothing.")
    elif len(report.settings.precisions) == 1:
        parts.append("bfloat16 is left out: this machine multiplies it more slowly than float32.")
    parts.append(lines_of(HEADINGS, [cells(row, notes) for row in rows]))
    parts.append("Median of the runs (fastest–slowest), both sides in turn.")
    parts += [f"[{index}] {note}." for index, note in enumerate(notes, start=1)]
    if comparisons:
        parts.append(lines_of(COMPARED, [compared_cells(comparison) for comparison in comparisons]))
    return "\n\n".join(parts) + "\n"


def describe(machine: Machine) -> str:
    """What was measured of the machine."""
    where = f"{machine.accelerator}, host {machine.processor}" if machine.accelerator else machine.processor
    peaks = ", ".join(f"{number(peak / 1e9)} GFLOP/s in {name}" for name, peak in machine.peak.items())
    return (
        f"{where}; threads: {machine.threads}; torch {machine.torch}, float32 products "
        f"'{machine.float32_products}'. Measured peak: {peaks}; copying {number(machine.bandwidth / 1e9)} GB/s. "
        "A floor is the least work over that peak, or its bytes over that speed, whichever takes longer."
    )


def lines_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first two are numbers."""
    rule = ["---", "---", *("---:" for _ in headings[2:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *rows))


def cells(row: Row, notes: Sequence[str]) -> list[str]:
    """One line of the table; empty where there is nothing to say."""
    mark = "" if row.note is None else f" [{notes.index(row.note) + 1}]"
    least = row.least
    return [
        row.part,
        row.case + mark,
        "" if row.reference is None else spread(row.reference),
        spread(row.ours),
        number(row.ratio),
        f"{number(row.rate)} {row.unit}",
        number(None if row.reference_flops is None else row.reference_flops / 1e9),
        number(None if least is None else least.flops / 1e9),
        number(None if least is None else least.bytes / 1e9),
        "" if row.floor is None else duration(row.floor),
        number(row.distance),
    ]


def compared_cells(comparison: Comparison) -> list[str]:
    """One line of what was checked."""
    return [
        comparison.part,
        comparison.what,
        f"{comparison.difference:.2g}",
        f"{comparison.allowed:.2g}",
        "yes" if comparison.same else "NO",
    ]


def spread(timing: Timing) -> str:
    """Median, fastest and slowest, in the unit that suits the median."""
    size = unit_of(timing.median).seconds
    return f"{duration(timing.median)} ({number(timing.least / size)}–{number(timing.most / size)})"


def duration(seconds: float) -> str:
    """Three figures in the unit that suits."""
    unit = unit_of(seconds)
    return f"{number(seconds / unit.seconds)} {unit.name}"


def unit_of(seconds: float) -> Unit:
    """The largest unit that a duration has at least one of."""
    return next((unit for unit in UNITS if seconds >= unit.seconds), UNITS[-1])


def number(value: float | None) -> str:
    """Three figures, and all of a large whole part; empty for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plain(report: Report) -> dict[str, Any]:
    """Everything as JSON holds it; seconds in full."""
    return {
        "quick": report.settings.quick,
        "machine": asdict(report.settings.machine),
        "rows": [plain_row(row) for row in report.rows],
        "comparisons": [asdict(each) | {"same": each.same} for each in report.comparisons],
    }


def plain_row(row: Row) -> dict[str, Any]:
    """The row's own fields and what follows from them."""
    return {
        **asdict(row),
        "reference": None if row.reference is None else plain_timing(row.reference),
        "ours": plain_timing(row.ours),
        "reference_over_ours": row.ratio,
        "ours_over_floor": row.distance,
        "units_per_second": row.rate,
    }


def plain_timing(timing: Timing) -> dict[str, Any]:
    return {"median": timing.median, "seconds": list(timing.seconds)}
