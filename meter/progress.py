"""Progress of long work on the terminal: how much of it is done, while it lasts."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Value = TypeVar("Value")


def tracked(
    values: Iterable[Value], what: str, total: int | None, console: "Console | None", done: int = 0
) -> Iterator[Value]:
    """Yields the values, and shows on ``console`` how many of ``total`` are done; nothing where it is None.

    total: None where it is unknown.  done: how many were done before the first of ``values``.
    """
    with _bar(console) as bar:
        yield from bar.track(values, total=total, completed=done, description=what)


@contextmanager
def training_progress(
    what: str, steps: int, console: "Console | None", done: int = 0
) -> Iterator[Callable[[int, str], None]]:
    """Shows a training on ``console`` while the block runs; nothing where it is None.

    The block calls what it is given with the number of steps that are done and a text: losses, speed.

    done: how many of ``steps`` were done before.
    """
    with _bar(console, "{task.fields[text]}") as bar:
        task = bar.add_task(what, total=steps, completed=done, text="")
        yield lambda step, text: bar.update(task, completed=step, text=text)


def _bar(console: "Console | None", *texts: str) -> "Progress":
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        *(progress.TextColumn(text) for text in texts),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console,
        disable=console is None,
        transient=True,
    )
