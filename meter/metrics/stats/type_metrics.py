"""Metrics that count types over a whole test split (different sentences, features, words), swapped without recounting.

N examples, S seeds, T types, R resamples. Which types a system has after a swap follows from how many examples bring
each type, and that is a sum: one sparse product for all resamples.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from meter.metrics.stats.jackknife import Jackknife

SETTLED = 64
"""A type that this many examples bring or lose is taken to stay: a resample would lose it with probability 2⁻⁶⁴."""


@dataclass(kw_only=True, slots=True)
class TypeMetric:
    """A count of types over a denominator."""

    types: list[list[Collection[Hashable]]]
    """S × N: the types that each example brings, each once."""
    sizes: Float64[np.ndarray, "S N"]
    """What each example adds to the size that the denominator is made of."""
    denominator: Callable[[Float64[np.ndarray, "*R"]], Float64[np.ndarray, "*R"]]
    """Of the size."""
    of_pairs: bool = False
    """False: each type counts once. True: once for every pair of examples that both bring it (DIV)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Seeds and examples."""
        seeds, examples = self.sizes.shape
        return seeds, examples


class TypePair:
    """Two systems' counts of types, seed by seed."""

    def __init__(self, first: TypeMetric, second: TypeMetric) -> None:
        self.seeds = [_SeedPair(first, second, seed) for seed in range(len(first.types))]

    def observed(self) -> tuple[float, float]:
        """The values of both systems, mean over seeds."""
        values = np.mean([seed.observed() for seed in self.seeds], axis=0)
        return float(values[0]), float(values[1])

    def swapped(self, swaps: Float64[np.ndarray, "N R"]) -> Float64[np.ndarray, "R"]:
        """The differences after swapping the outputs of the examples marked 1."""
        return np.mean([seed.swapped(swaps) for seed in self.seeds], axis=0)

    def without_each(self) -> Float64[np.ndarray, "N"]:
        """The difference that is left without each example."""
        return np.mean([seed.without_each() for seed in self.seeds], axis=0)

    def jackknife(self) -> Jackknife:
        """The jackknife of the difference; every example counts."""
        first, second = self.observed()
        without_each = self.without_each()
        return Jackknife.of(first - second, without_each, np.ones(len(without_each), dtype=bool))


@dataclass(kw_only=True, slots=True)
class _Incidence:
    """Which example brings which type: one entry for each pair of the two."""

    examples: Int64[np.ndarray, "O"]
    types: Int64[np.ndarray, "O"]

    @classmethod
    def number(cls, types: Sequence[Collection[Hashable]], numbers: dict[Hashable, int]) -> "_Incidence":
        """Numbers the types; new ones get the next numbers."""
        return cls(
            examples=np.repeat(np.arange(len(types)), [len(of_example) for of_example in types]),
            types=np.array(
                [numbers.setdefault(kind, len(numbers)) for of_example in types for kind in of_example],
                dtype=np.int64,
            ),
        )


class _SeedPair:
    """One seed of both systems, whose types are numbered together."""

    def __init__(self, first: TypeMetric, second: TypeMetric, seed: int) -> None:
        self.metric = first
        self.sizes = [first.sizes[seed], second.sizes[seed]]
        numbers: dict[Hashable, int] = {}
        self.incidences = [_Incidence.number(metric.types[seed], numbers) for metric in (first, second)]
        num_types = len(numbers)
        self.counts = [
            np.bincount(incidence.types, minlength=num_types).astype(np.float64)
            for incidence in self.incidences
        ]
        of_first, of_second = (
            incidence.examples * num_types + incidence.types for incidence in self.incidences
        )
        gained, lost = np.setdiff1d(of_second, of_first), np.setdiff1d(of_first, of_second)
        both = np.intersect1d(of_first, of_second)
        signs = np.repeat([1.0, -1.0], [len(gained), len(lost)])
        examples, types = np.divmod(np.concatenate([gained, lost]), max(num_types, 1))
        stays = np.zeros(num_types, dtype=bool)
        stays[both % max(num_types, 1)] = True
        self._sort(examples, types, signs, stays)

    def _sort(
        self,
        examples: Int64[np.ndarray, "O"],
        types: Int64[np.ndarray, "O"],
        signs: Float64[np.ndarray, "O"],
        stays: Bool[np.ndarray, "T"],
    ) -> None:
        """Finds the few types that must be counted in every resample, and sums up the others.

        examples, types, signs: what the first system gains (1) or loses (−1) when an example is swapped. stays:
        whether both outputs of some example have the type, so that no swap takes it from either system.
        """
        from scipy.sparse import csr_array

        num_examples, num_types = len(self.sizes[0]), len(stays)
        changes = np.bincount(types, minlength=num_types)
        counted, single = np.ones(num_types, dtype=bool), np.zeros(num_types, dtype=bool)
        if not self.metric.of_pairs:
            stays = stays | (changes >= SETTLED)
            single = ~stays & (changes == 1)  # moves with its one example: a sum like any other
            counted = ~stays & ~single
        alone = single[types]
        self.moving = np.bincount(examples[alone], weights=signs[alone], minlength=num_examples)
        self.fixed = [
            (stays.sum() + (signs[alone] == sign).sum()) if not self.metric.of_pairs else 0
            for sign in (-1, 1)
        ]
        # A counted type has few examples, whose number is exact in single precision.
        digits = np.float64 if self.metric.of_pairs else np.float32
        self.free = [counts[counted, None].astype(digits) for counts in self.counts]
        kept, index_of = counted[types], np.cumsum(counted) - 1
        self.changes: Any = csr_array(
            (signs[kept].astype(np.float32), (index_of[types[kept]], examples[kept])),
            shape=(int(counted.sum()), num_examples),
        )

    def observed(self) -> tuple[float, float]:
        values = [
            self._count(counts[:, None])[0] / self.metric.denominator(sizes.sum(keepdims=True))[0]
            for counts, sizes in zip(self.counts, self.sizes, strict=True)
        ]
        return values[0], values[1]

    def swapped(self, swaps: Float64[np.ndarray, "N R"]) -> Float64[np.ndarray, "R"]:
        moved = self.changes @ swaps.astype(np.float32)
        alone, grown = np.stack([self.moving, self.sizes[1] - self.sizes[0]]) @ swaps
        if self.metric.of_pairs:
            first, second = self._count(self.free[0] + moved), self._count(self.free[1] - moved)
        else:
            first = self.fixed[0] + alone + np.count_nonzero(moved > -self.free[0], axis=0)
            second = self.fixed[1] - alone + np.count_nonzero(moved < self.free[1], axis=0)
        sizes = self.sizes[0].sum() + grown, self.sizes[1].sum() - grown
        return first / self.metric.denominator(sizes[0]) - second / self.metric.denominator(sizes[1])

    def without_each(self) -> Float64[np.ndarray, "N"]:
        without = []
        for incidence, counts, sizes in zip(self.incidences, self.counts, self.sizes, strict=True):
            times = counts[incidence.types]
            own = times - 1.0 if self.metric.of_pairs else times == 1
            lost = np.bincount(incidence.examples, weights=own, minlength=len(sizes))
            count = self._count(counts[:, None]) - lost
            without.append(count / self.metric.denominator(sizes.sum() - sizes))
        return without[0] - without[1]

    def _count(self, counts: Float64[np.ndarray, "T R"]) -> Float64[np.ndarray, "R"]:
        if self.metric.of_pairs:
            return (counts * (counts - 1) / 2).sum(axis=0)
        return (counts > 0).sum(axis=0).astype(np.float64)
