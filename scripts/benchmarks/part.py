"""What a part of the benchmark is given and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from .arithmetic import Work
from .machine import Machine, Precision
from .timing import Side, Timing, interleaved


@dataclass(frozen=True, slots=True)
class Pairing:
    """The precisions of the reference and of ours in one row."""

    reference: Precision
    ours: Precision

    @property
    def name(self) -> str:
        if self.reference is self.ours:
            return self.ours.name
        return f"{self.ours.name} beside the reference's {self.reference.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How to measure.

    repeats: timed runs of a side; slow_repeats: of a side that takes minutes.
    quick: tiny sizes, which prove that everything runs and measure nothing.
    whole: measure what would otherwise be extrapolated.
    """

    device: torch.device
    machine: Machine
    repeats: int
    slow_repeats: int
    quick: bool
    whole: bool

    @property
    def precisions(self) -> list[Precision]:
        return list(Precision) if self.quick else self.machine.precisions

    @property
    def pairings(self) -> list[Pairing]:
        """Like beside like, and our bfloat16 beside the float32 that PETER was published with."""
        alike = [Pairing(each, each) for each in self.precisions]
        return alike if len(alike) == 1 else [*alike, Pairing(*self.precisions)]

    def side(self, run: Callable[[], object], before: Callable[[], object] | None = None) -> Side:
        return Side(run=run, before=before, repeats=self.repeats)

    def slow_side(self, run: Callable[[], object]) -> Side:
        return Side(run=run, repeats=self.slow_repeats)

    def timed(self, sides: Mapping[str, Side]) -> dict[str, Timing]:
        """The timed runs of each side, taken in turn."""
        return interleaved(sides, self.device)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table.

    reference: None where there is nothing to compare with.
    amount, unit: what one run makes or reads.
    reference_flops: operations as the reference does them.
    least, floor: the least work that gives the same, and the seconds it takes this machine at its peak.
    """

    part: str
    case: str
    ours: Timing
    reference: Timing | None = None
    amount: int
    unit: str
    reference_flops: int | None = None
    least: Work | None = None
    floor: float | None = None
    note: str | None = None

    @property
    def ratio(self) -> float | None:
        """The reference's median over ours: how many times faster ours is."""
        return None if self.reference is None else self.reference.median / self.ours.median

    @property
    def distance(self) -> float | None:
        """Our median over the floor: 1 is as fast as this machine can be."""
        return None if self.floor is None else self.ours.median / self.floor

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.amount / self.ours.median


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether both sides compute the same: the largest difference of what they gave, and what rounding may make."""

    part: str
    what: str
    difference: float
    allowed: float

    @property
    def same(self) -> bool:
        return self.difference <= self.allowed


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the benchmark.

    measure: times both sides; compare: runs both sides on tiny sizes and says how far they are apart.
    """

    measure: Callable[[Settings], list[Row]]
    compare: Callable[[torch.device], list[Comparison]]
