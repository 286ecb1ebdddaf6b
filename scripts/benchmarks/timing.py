"""Times several ways of doing the same, in turn, so that a slow minute of the machine hits them all."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch


@dataclass(kw_only=True, slots=True)
class Side:
    """One way of doing it.

    run: what is timed; what it returns is let go.
    before: what must happen before each run and is not timed.
    repeats: timed runs.
    """

    run: Callable[[], object]
    before: Callable[[], object] | None = None
    repeats: int


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds of each timed run."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    @property
    def most(self) -> float:
        return max(self.seconds)


def interleaved(sides: Mapping[str, Side], device: torch.device) -> dict[str, Timing]:
    """Runs each side once to warm up, then A B A B …; a side with fewer repeats drops out when it has had its own."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        timed(side, device)
    for turn in range(max(side.repeats for side in sides.values())):
        for name, side in sides.items():
            if turn < side.repeats:
                seconds[name].append(timed(side, device))
    return {name: Timing(each) for name, each in seconds.items()}


def timed(side: Side, device: torch.device) -> float:
    """Seconds of one run, the device's work included."""
    if side.before is not None:
        side.before()
    wait_for(device)
    started = time.perf_counter()
    side.run()
    wait_for(device)
    return time.perf_counter() - started


def wait_for(device: torch.device) -> None:
    """Waits until an accelerator has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def summed(timings: Sequence[Timing], weights: Sequence[float]) -> Timing:
    """The weighted sum of equally many runs, run by run: parts timed one by one, or scaled to a larger case."""
    runs = zip(*(timing.seconds for timing in timings), strict=True)
    return Timing([sum(weight * each for weight, each in zip(weights, run, strict=True)) for run in runs])
