"""What a run tells a tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8


@dataclass(kw_only=True, slots=True)
class Picture:
    """An image and what stands below it."""

    caption: str
    pixels: UInt8[np.ndarray, "height width 3"]


@runtime_checkable
class Tracker(Protocol):
    """A place that metrics are sent to."""

    def log(self, values: Mapping[str, float], step: int, prefix: str = "") -> None:
        """Values of a training at one of its steps. prefix: begins their names; each has steps of its own."""

    def summarise(self, values: Mapping[str, float | str]) -> None:
        """What the run has reached, by name."""

    def show(self, name: str, pictures: Sequence[Picture]) -> None:
        """Pictures that belong together."""

    def tabulate(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table."""

    def finish(self) -> None:
        """Everything was sent."""
