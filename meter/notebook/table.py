"""Rows that show themselves as a table: in a notebook, in a terminal, as a pandas frame."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from meter.errors import InputError

if TYPE_CHECKING:
    import pandas
    from rich.table import Table as TerminalTable

Row = TypeVar("Row")
SHOWN = 20
"""Rows that a notebook or a terminal shows."""


class Table(Sequence[Row], Generic[Row]):
    """Rows of one dataclass.

    row_type: that dataclass; its fields are the columns.
    """

    def __init__(self, row_type: type[Row], rows: Iterable[Row]) -> None:
        self.row_type = row_type
        self.rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "Table[Row]": ...
    def __getitem__(self, index: int | slice) -> "Row | Table[Row]":
        if isinstance(index, slice):
            return Table(self.row_type, self.rows[index])
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in fields(self.row_type)]  # pyright: ignore[reportArgumentType]

    def to_pandas(self) -> "pandas.DataFrame":
        """The same as a frame. Raises InputError where pandas is not installed."""
        return frame(self.columns, [asdict(row) for row in self.rows])  # pyright: ignore[reportArgumentType]

    def written(self) -> list[list[str]]:
        """The first rows, as text."""
        return [[_written(getattr(row, name)) for name in self.columns] for row in self.rows[:SHOWN]]

    @property
    def rest(self) -> str:
        """What is said of the rows that are not shown; empty where there are none."""
        return f"{SHOWN} of {len(self):,} rows" if len(self) > SHOWN else ""

    def _repr_html_(self) -> str:
        from meter.report.rendering import render

        return render("table_notebook.html.j2", table=self)

    def __rich__(self) -> "TerminalTable":
        from rich.table import Table as TerminalTable
        from rich.text import Text

        from meter.report.terminal import visible

        shown = TerminalTable(caption=self.rest or None)
        for name in self.columns:
            shown.add_column(name.replace("_", " "))
        for row in self.written():
            shown.add_row(*(Text(visible(cell)) for cell in row))
        return shown

    def __repr__(self) -> str:
        return f"Table of {len(self):,} rows: {', '.join(self.columns)}"


def frame(columns: list[str], rows: list[dict[str, Any]]) -> "pandas.DataFrame":
    """A pandas frame. Raises InputError where pandas is not installed."""
    try:
        import pandas
    except ImportError as absent:
        raise InputError(
            "to_pandas needs the package pandas: pip install 'meter-explain[notebook]'"
        ) from absent
    return pandas.DataFrame(rows, columns=columns)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
