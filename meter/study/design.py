"""Who sees what, in which order, and on which side: drawn from a seed, and balanced."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations

import numpy as np


class Kind(Enum):
    """What a trial is for."""

    pair = "pair"
    """Two systems on one record."""
    repeat = "repeat"
    """A pair that this rater has seen, with its sides exchanged: for self-agreement."""
    check = "check"
    """A pair with an obviously right answer: for attention."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Two cards that a rater sees side by side.

    number: which pair, or which check. first_left: whether the pair's first system, or the check's right card, is on
    the left.
    """

    kind: Kind
    number: int
    first_left: bool


def pairs_of_systems(num_systems: int, num_pairs: int) -> list[tuple[int, int]]:
    """The two systems of every pair: all combinations in turn, so that each comes equally often, give or take one."""
    all_pairs = list(combinations(range(num_systems), 2))
    return [all_pairs[number % len(all_pairs)] for number in range(num_pairs)]


def sheets(
    systems: Sequence[tuple[int, int]],
    *,
    num_sheets: int,
    pairs_per_sheet: int,
    num_checks: int,
    num_repeats: int,
    generator: np.random.Generator,
) -> list[list[Trial]]:
    """The trials of every rater, in the order in which they are shown.

    Every pair is on as many sheets as any other, give or take one. On a sheet the first of two systems is on the left
    as often as on the right, give or take one; over the sheets each pair changes sides. A repeat comes at least a
    third of the pairs after its first showing. Checks are spread over the whole sheet.

    systems: the two systems of every pair, as ``pairs_of_systems`` deals them.
    """
    excess = np.zeros(len(systems))
    made = []
    for sheet in range(num_sheets):
        own = [(sheet * pairs_per_sheet + place) % len(systems) for place in range(pairs_per_sheet)]
        trials = _sides(own, systems, excess, generator)
        order = [trials[place] for place in generator.permutation(len(trials))]
        made.append(_with_checks(_with_repeats(order, num_repeats, generator), num_checks, generator))
    return made


def _sides(
    own: Sequence[int],
    systems: Sequence[tuple[int, int]],
    excess: np.ndarray,
    generator: np.random.Generator,
) -> list[Trial]:
    """Half of the trials of each two systems get the first on the left: those pairs where it was there least often.

    excess: by pair, on how many more sheets the first was on the left than on the right; brought up to date.
    """
    trials = []
    for both in sorted({systems[number] for number in own}):
        numbers = [number for number in own if systems[number] == both]
        numbers.sort(key=dict(zip(numbers, generator.random(len(numbers)), strict=True)).__getitem__)
        numbers.sort(key=lambda number: excess[number])
        num_left = (len(numbers) + int(generator.integers(2))) // 2
        trials += [
            Trial(kind=Kind.pair, number=number, first_left=place < num_left)
            for place, number in enumerate(numbers)
        ]
    for trial in trials:
        excess[trial.number] += 1 if trial.first_left else -1
    return trials


def _with_repeats(order: Sequence[Trial], num_repeats: int, generator: np.random.Generator) -> list[Trial]:
    """Pairs of the first third come again within the last third, their sides exchanged."""
    third = len(order) // 3
    repeated = generator.choice(third, num_repeats, replace=False) if num_repeats else []
    late = [
        *order[len(order) - third :],
        *(
            replace(order[place], kind=Kind.repeat, first_left=not order[place].first_left)
            for place in repeated
        ),
    ]
    return [*order[: len(order) - third], *(late[place] for place in generator.permutation(len(late)))]


def _with_checks(order: Sequence[Trial], num_checks: int, generator: np.random.Generator) -> list[Trial]:
    """One check at a random place of each of as many equal stretches; the right card changes sides."""
    lefts = (np.arange(num_checks) + generator.integers(2)) % 2 == 0
    checks = [
        Trial(kind=Kind.check, number=int(number), first_left=bool(left))
        for number, left in zip(generator.permutation(num_checks), lefts, strict=True)
    ]
    ends = np.linspace(0, len(order), num_checks + 1).round().astype(int)
    trials = list(order)
    for check, start, end in reversed(list(zip(checks, ends[:-1], ends[1:], strict=True))):
        trials.insert(int(generator.integers(start, end + 1)), check)
    return trials
