"""Progress of long work on the terminal: how much of it is done, while it lasts."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

Value = TypeVar("Value")


def tracked(
    values: Iterable[Value], what: str, total: int | None, console: "Console | None", done: int = 0
) -> Iterator[Value]:
    """Yields the values, and shows on ``console`` how many of ``total`` are done; nothing where it is None.

    total: None where nobody knows.  done: how many were done before the first of ``values``.
    """
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=console is None, transient=True) as bar:
        yield from bar.track(values, total=total, completed=done, description=what)
