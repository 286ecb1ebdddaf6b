"""All trackers of a run as one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meter.tracking.config import LogConfig, Wandb
from meter.tracking.tracker import Picture, Tracker


class Trackers:
    """Tells each of several trackers, or none, the same."""

    def __init__(self, trackers: Sequence[Tracker] = ()) -> None:
        self.trackers = list(trackers)

    def __len__(self) -> int:
        return len(self.trackers)

    def log(self, values: Mapping[str, float], step: int, prefix: str = "") -> None:
        for tracker in self.trackers:
            tracker.log(values, step, prefix)

    def summarise(self, values: Mapping[str, float | str]) -> None:
        for tracker in self.trackers:
            tracker.summarise(values)

    def show(self, name: str, pictures: Sequence[Picture]) -> None:
        for tracker in self.trackers:
            tracker.show(name, pictures)

    def tabulate(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        for tracker in self.trackers:
            tracker.tabulate(name, columns, rows)

    def finish(self) -> None:
        for tracker in self.trackers:
            tracker.finish()


def check_trackers(config: LogConfig) -> None:
    """Raises InputError where a package or a key is missing, before anything was computed for them."""
    if config.wandb is not Wandb.disabled:
        from meter.tracking.weights_and_biases import wandb_library

        wandb_library(config)
    if config.tensorboard:
        from meter.tracking.event_files import writer_class

        writer_class()


def open_trackers(
    config: LogConfig, folder: Path, settings: dict[str, Any], *, first_step: int | None = None
) -> Trackers:
    """The trackers that a run asks for; it goes on where an earlier process of the same run has sent to them.

    folder: of the run.  settings: its config as plain values.
    first_step: of the training that is to come; None where nothing is trained any more.

    Raises InputError where a package or a key is missing.
    """
    trackers: list[Tracker] = []
    if config.wandb is not Wandb.disabled:
        from meter.tracking.weights_and_biases import WandbTracker

        group = config.group or "/".join(
            filter(None, [_of(settings, "dataset", "name"), settings.get("name")])
        )
        job_type = str(settings.get("system", ""))
        trackers.append(WandbTracker(config, folder, settings, group=group, job_type=job_type))
    if config.tensorboard:
        from meter.tracking.event_files import TensorBoardTracker

        trackers.append(TensorBoardTracker(folder, first_step))
    return Trackers(trackers)


def _of(settings: Mapping[str, Any], section: str, name: str) -> str:
    return str(settings.get(section, {}).get(name, ""))
