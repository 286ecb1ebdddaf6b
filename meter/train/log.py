"""What a training says: a journal on disk, a progress bar in the terminal, W&B when asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.storage.journal import Journal

if TYPE_CHECKING:
    from meter.train.loop import Position


class Wandb(Enum):
    """Whether metrics go to Weights & Biases."""

    disabled = "disabled"
    offline = "offline"
    """Files in the run folder, to be synced later."""
    online = "online"


@dataclass(kw_only=True, slots=True)
class LogConfig(EnumFields):
    """Where metrics go besides the run folder."""

    wandb: Wandb = Wandb.disabled
    """W&B off, offline or online."""
    project: str = "meter"
    """W&B project."""


class TrainingLog:
    """Writes ``metrics.jsonl``, moves the progress bar and feeds W&B; silent on all but the first process."""

    def __init__(
        self, folder: Path, console: Console, config: LogConfig, settings: dict[str, Any], quiet: bool
    ) -> None:
        self.journal = Journal(folder / "metrics.jsonl")
        self.console = console
        self.quiet = quiet
        self.bar: Progress | None = None
        self.wandb = None if quiet else _start_wandb(folder, config, settings)

    @contextmanager
    def progress(self, epochs: int, steps_per_epoch: int, position: "Position") -> Iterator[None]:
        """Shows the training while the block runs."""
        columns = (
            TextColumn("joint training"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, disable=self.quiet, transient=True) as bar:
            self.bar = bar
            self.task = bar.add_task(
                "joint", total=epochs * steps_per_epoch, completed=position.step, losses=""
            )
            yield
            self.bar = None
        if self.wandb is not None:
            self.wandb.finish()

    def train(self, position: "Position", means: dict[str, float], words_per_second: float) -> None:
        """One line for the steps since the last."""
        if self.quiet:
            return
        self.journal.write(
            kind="train",
            step=position.step,
            epoch=position.epoch,
            **means,
            words_per_second=words_per_second,
        )
        if self.bar is not None:
            shown = " ".join(f"{name} {value:.3f}" for name, value in means.items() if name != "total")
            losses = f"{shown} [dim]{words_per_second:,.0f} words/s[/dim]"
            self.bar.update(self.task, completed=position.step, losses=losses)
        self._send("train", means, position.step)

    def validation(self, position: "Position", means: dict[str, float]) -> None:
        """One line for a validation."""
        if self.quiet:
            return
        best = position.best_epoch == position.epoch
        self.journal.write(kind="validation", step=position.step, epoch=position.epoch, best=best, **means)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.console.print(f"epoch {position.epoch + 1:3d}  {shown}{'  [green]best[/green]' if best else ''}")
        self._send("validation", means, position.step)

    def _send(self, kind: str, means: dict[str, float], step: int) -> None:
        if self.wandb is not None:
            self.wandb.log({f"{kind}/{name}": value for name, value in means.items()}, step=step)


def _start_wandb(folder: Path, config: LogConfig, settings: dict[str, Any]) -> Any:
    if config.wandb is Wandb.disabled:
        return None
    try:
        import wandb
    except ImportError as absent:
        raise InputError(
            f"log.wandb={config.wandb.name} needs the package wandb: pip install wandb"
        ) from absent
    return wandb.init(
        project=config.project,
        mode=config.wandb.name,
        dir=str(folder),
        name=folder.name,
        id=folder.name,
        resume="allow",
        config=settings,
    )
