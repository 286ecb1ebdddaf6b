"""A part of the section Diagnosis: a question with its answer in words, drawings and tables."""

from dataclasses import dataclass, field

from meter.report.svg import Plot
from meter.report.tables import Table


@dataclass(kw_only=True, slots=True)
class HeatCell:
    """A written figure, and how strongly its cell is coloured: 0 … 1."""

    written: str
    strength: float = 0.0


@dataclass(kw_only=True, slots=True)
class HeatRow:
    """name: what the cells are of. apart: whether a line separates it from the row above."""

    name: str
    cells: list[HeatCell]
    apart: bool = False


@dataclass(kw_only=True, slots=True)
class HeatTable:
    """A table whose cells are coloured by their figures."""

    title: str
    columns: list[str]
    rows: list[HeatRow]
    note: str = ""


@dataclass(kw_only=True, slots=True)
class DiagnosisPart:
    """One question with its answer: in words, as drawings, as tables.

    folded: tables that are shown when asked for.
    """

    title: str
    text: list[str]
    plots: list[Plot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    heats: list[HeatTable] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
