"""Weights & Biases."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.tracking.config import LogConfig, Wandb
from meter.tracking.tracker import Picture


class WandbTracker:
    """One run of ours is one run there, whichever processes send to it: its id is the name of the run folder.

    folder: of the run; its files lie there.  settings: what is shown as its config.  job_type: the system.

    Raises InputError where wandb is not installed, or online without a key; nothing is ever asked for.
    """

    def __init__(
        self, config: LogConfig, folder: Path, settings: dict[str, Any], *, group: str, job_type: str
    ) -> None:
        wandb = wandb_library(config)
        self.wandb = wandb
        self.run = wandb.init(
            project=config.project,
            group=group,
            job_type=job_type,
            mode=config.wandb.name,
            dir=str(folder),
            name=folder.name,
            id=folder.name,
            resume="allow",
            config=settings,
            settings=wandb.Settings(silent=True),
        )

    def log(self, values: Mapping[str, float], step: int, prefix: str = "") -> None:
        # A step of our own: W&B's must not fall, and a resumed training begins before the last one it has sent.
        axis = f"{prefix}step"
        self.run.define_metric(f"{prefix}*", step_metric=axis)
        self.run.log({axis: step, **{prefix + name: value for name, value in values.items()}})

    def summarise(self, values: Mapping[str, float | str]) -> None:
        self.run.summary.update(dict(values))

    def show(self, name: str, pictures: Sequence[Picture]) -> None:
        images = [self.wandb.Image(picture.pixels, caption=picture.caption) for picture in pictures]
        self.run.log({name: images})

    def tabulate(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.run.log({name: self.wandb.Table(columns=list(columns), data=[list(row) for row in rows])})

    def finish(self) -> None:
        self.run.finish()


def wandb_library(config: LogConfig) -> Any:
    """wandb, ready to send. Raises InputError where it is not installed, or online without a key."""
    try:
        import wandb
    except ImportError as absent:
        raise InputError(
            f"log.wandb={config.wandb.name} needs the package wandb: pip install wandb"
        ) from absent
    if config.wandb is Wandb.online and not wandb.login(prompt=False):
        raise InputError(
            "log.wandb=online needs a key, and none was found: run `wandb login` once, set WANDB_API_KEY, or set "
            "log.wandb=offline"
        )
    return wandb
