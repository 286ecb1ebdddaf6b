"""What a pretraining says while it runs: means over a window of steps, and a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

if TYPE_CHECKING:
    from rich.console import Console


class Window:
    """What happened since the last line of the journal; kept on the device, so that no step waits for it."""

    def __init__(self, num_codes: int, device: torch.device) -> None:
        self.totals: dict[str, tuple[Tensor, int]] = {}
        self.counts = torch.zeros(num_codes, dtype=torch.long, device=device)
        self.first_bad = torch.tensor(-1, device=device)
        self.revived = 0

    def add(self, values: dict[str, Tensor], counts: Int[Tensor, "K"], step: int) -> None:
        """Adds a step's losses and choices of codes; remembers the first step whose loss is not finite."""
        for name, value in values.items():
            total, steps = self.totals.get(name, (0.0, 0))
            self.totals[name] = (total + value, steps + 1)
        self.counts += counts
        good = torch.stack([value.isfinite() for value in values.values()]).all()
        self.first_bad = torch.where(good | (self.first_bad >= 0), self.first_bad, step)


@contextmanager
def shown_progress(
    console: "Console | None", steps: int, batch_size: int
) -> Iterator[Callable[[int, str], None]]:
    """Shows the training while the block runs, which calls what it gets with every step done and the losses."""
    from rich import progress

    columns = (
        progress.TextColumn("VQ-GAN"),
        progress.BarColumn(bar_width=24),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[losses]} [dim]{task.fields[speed]}[/dim]"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=console is None, transient=True) as bar:
        task = bar.add_task("VQ-GAN", total=steps, losses="", speed="")

        def show(step: int, losses: str) -> None:
            speed = (bar.tasks[0].speed or 0.0) * batch_size
            bar.update(task, completed=step, losses=losses, speed=f"{speed:,.0f} images/s")

        yield show
