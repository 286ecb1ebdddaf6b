"""What a training reports: a journal on disk, a progress bar in the terminal, and trackers where asked for."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from meter.progress import training_progress
from meter.storage.journal import Journal
from meter.tracking import LogConfig, Trackers, open_trackers
from meter.train.files import TrainingFiles
from meter.train.state import TrainingProgress

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class RunningMeans:
    """What the steps since the last line of the journal measured, summed up; a checkpoint keeps the sums."""

    def __init__(self, sums: Mapping[str, float] | None = None) -> None:
        self.sums: defaultdict[str, float] = defaultdict(float, sums or {})

    def add(self, values: Mapping[str, float]) -> None:
        """Adds what one step measured."""
        for name, value in values.items():
            self.sums[name] += value
        self.sums["steps"] += 1

    def means(self, fabric: "Fabric") -> dict[str, float]:
        """The mean of every value over the steps and over all processes, which must call it together."""
        sums = dict(self.sums)
        if fabric.world_size > 1:
            own = torch.tensor(list(sums.values()), device=fabric.device)
            sums = dict(zip(sums, torch.as_tensor(fabric.all_reduce(own)).tolist(), strict=True))
        steps = sums.pop("steps")
        return {name: total / steps for name, total in sums.items()}

    def clear(self) -> None:
        """Starts the next interval."""
        self.sums.clear()


class TrainingLog:
    """Writes the journal, moves the progress bar and sends to the trackers; silent in all processes but the first.

    settings: what trackers show as the run's config.  quiet: whether this process is silent.
    name: what the training is called on the terminal.  prefix: begins what its losses are called by the trackers.
    """

    def __init__(
        self,
        files: TrainingFiles,
        console: Console,
        config: LogConfig,
        settings: dict[str, Any],
        *,
        quiet: bool,
        name: str = "training",
        prefix: str = "",
    ) -> None:
        self.journal = Journal(files.journal)
        self.files = files
        self.console = console
        self.config = config
        self.settings = settings
        self.quiet = quiet
        self.name = name
        self.prefix = prefix
        self.show: Callable[[int, str], None] | None = None
        self.trackers = Trackers()

    @contextmanager
    def shown(self, epochs: int, steps_per_epoch: int, progress: TrainingProgress) -> Iterator[None]:
        """Shows a progress bar while the block runs, and sends to the trackers."""
        console = None if self.quiet else self.console
        total = epochs * steps_per_epoch
        if not self.quiet:
            first = progress.step + 1
            self.trackers = open_trackers(self.config, self.files.run, self.settings, first_step=first)
        with training_progress(self.name, total, console, done=progress.step) as self.show:
            yield
        self.show = None
        self.trackers.finish()

    def train(self, progress: TrainingProgress, means: dict[str, float], words_per_second: float) -> None:
        """One line for the steps since the last."""
        if self.quiet:
            return
        self.journal.write(
            kind="train",
            step=progress.step,
            epoch=progress.epoch,
            **means,
            words_per_second=words_per_second,
        )
        if self.show is not None:
            losses = " ".join(f"{name} {value:.3f}" for name, value in means.items() if name != "total")
            self.show(progress.step, f"{losses} [dim]{words_per_second:,.0f} words/s[/dim]")
        self._send("train", means, progress.step)

    def validation(self, progress: TrainingProgress, means: dict[str, float]) -> None:
        """One line for a validation."""
        if self.quiet:
            return
        best = progress.best_epoch == progress.epoch
        self.journal.write(kind="validation", step=progress.step, epoch=progress.epoch, best=best, **means)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.console.print(f"epoch {progress.epoch + 1:3d}  {shown}{'  [green]best[/green]' if best else ''}")
        self._send("validation", means, progress.step)

    def _send(self, kind: str, means: dict[str, float], step: int) -> None:
        self.trackers.log({f"{kind}/{name}": value for name, value in means.items()}, step, self.prefix)
