"""Event files for TensorBoard."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.tracking.tracker import Picture

FOLDER = "tensorboard"


class TensorBoardTracker:
    """Writes into ``tensorboard/`` of the run folder.

    first_step: the first that is still to come; what an earlier process wrote from there on is not shown twice.

    Raises InputError where tensorboard is not installed.
    """

    def __init__(self, folder: Path, first_step: int | None) -> None:
        self.writer = writer_class()(folder / FOLDER, purge_step=first_step)

    def log(self, values: Mapping[str, float], step: int, prefix: str = "") -> None:
        for name, value in values.items():
            self.writer.add_scalar(prefix + name, value, step)

    def summarise(self, values: Mapping[str, float | str]) -> None:
        for name, value in values.items():
            if isinstance(value, str):
                self.writer.add_text(name, escape(value))
            else:
                self.writer.add_scalar(name, value)

    def show(self, name: str, pictures: Sequence[Picture]) -> None:
        for index, picture in enumerate(pictures):
            self.writer.add_image(f"{name}/{index}", picture.pixels, dataformats="HWC")

    def tabulate(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        lines = [columns, ["---"] * len(columns), *rows]
        self.writer.add_text(name, "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines))

    def finish(self) -> None:
        self.writer.close()


def writer_class() -> Any:
    """torch's writer of event files. Raises InputError where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as absent:
        raise InputError(
            "log.tensorboard=true needs the package tensorboard: pip install 'meter-explain[tensorboard]'"
        ) from absent
    return SummaryWriter


def _cell(value: Any) -> str:
    """A value in a Markdown table, whatever is in it."""
    if isinstance(value, float):
        return f"{value:.3f}"
    return escape(str(value)).replace("|", "&#124;").replace("\n", " ")
