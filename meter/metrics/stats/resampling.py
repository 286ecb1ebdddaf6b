"""Paired tests of many metrics at once: two systems over the same examples, resampled together.

N examples, S seeds of each system, R resamples, K sums. The example is the unit: whatever is drawn for it holds for
all its seeds, and a system's value is the mean over its seeds. A metric that depends on its examples through sums
(a mean, RMSE, BLEU) costs one matrix product for all resamples; one that counts types (``occurrence``) a sparse one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from meter.errors import InputError
from meter.metrics.stats.type_counts import TypeMetric, TypePair

INTERVAL = (0.025, 0.975)
NORMAL_QUANTILE = 1.959963984540054
CELLS = 4_000_000
"""Numbers in memory for one block of resamples."""


@dataclass(kw_only=True, slots=True)
class SumMetric:
    """A metric that is a function of sums over examples."""

    rows: Float64[np.ndarray, "S N K"]
    """What each example adds, by seed; an example that adds nothing but zeros is not counted."""
    value: Callable[[Float64[np.ndarray, "*R K"]], Float64[np.ndarray, "*R"]]
    """The metric of K sums, for any number of resamples at once."""

    @property
    def shape(self) -> tuple[int, int]:
        """Seeds and examples."""
        return self.rows.shape[0], self.rows.shape[1]


Metric = SumMetric | TypeMetric


@dataclass(kw_only=True, slots=True)
class PairedTest:
    """How the first of two systems differs from the second over the same examples."""

    first: float
    second: float
    difference: float
    """first − second."""
    low: float
    """Lower end of the 95 % interval of the difference."""
    high: float
    p_bootstrap: float | None
    """Two-sided, the paired bootstrap's percentile interval turned round; None for counts of types."""
    p_randomization: float
    """Two-sided, approximate randomization."""
    effect: float | None
    """Cohen's d_z; None where all examples differ by the same amount."""
    effect_low: float | None
    effect_high: float | None
    num_examples: int
    num_resamples: int
    interval: str
    """How the interval was made: ``bootstrap`` or ``jackknife``."""


@dataclass(kw_only=True, slots=True)
class Spread:
    """Jackknife of a difference. values: pseudo-values of the counted examples. deviation: their sd."""

    counted: np.ndarray
    values: Float64[np.ndarray, "M"]
    deviation: float


@dataclass(kw_only=True, slots=True)
class Ends:
    """The 95 % intervals of a difference and of its effect, and what the bootstrap says of chance."""

    low: float
    high: float
    p_bootstrap: float | None
    effect_low: float | None
    effect_high: float | None
    interval: str


def mean_of(scores: Float64[np.ndarray, "S N"]) -> SumMetric:
    """The mean of per-example scores; NaN where an example has none."""
    has = np.isfinite(scores)
    return SumMetric(rows=np.stack([np.where(has, scores, 0.0), has.astype(np.float64)], axis=2), value=ratio)


def ratio(sums: Float64[np.ndarray, "*R 2"]) -> Float64[np.ndarray, "*R"]:
    """The first sum over the second; NaN where that is 0."""
    whole = sums[..., 1]
    return np.divide(sums[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole != 0)


def paired_tests(
    first: Mapping[str, Metric], second: Mapping[str, Metric], *, num_resamples: int = 10_000, seed: int = 0
) -> dict[str, PairedTest]:
    """Tests every metric of two systems over the same N examples, row by row the same.

    **Approximate randomization** (Noreen 1989): under the hypothesis that it does not matter which system made which
    output, the outputs of each example are swapped with probability ½ and the metric is made anew. For a mean this
    flips the signs of the differences. p = (1 + resamples that differ at least as much) / (1 + resamples). Riezler and
    Maxwell (2005) find it the better behaved test for metrics of a whole corpus.

    **Paired bootstrap** (Efron and Tibshirani 1993, ch. 13 and 15; for BLEU Koehn 2004): examples are drawn with
    replacement, the same for both systems; the interval holds the middle 95 % of the differences, and p is the level at
    which it just touches 0.
    Drawing an example twice makes no new sentence, so for counts of types the bootstrap is biased. They get the
    **jackknife**'s normal interval instead, leaving out each example in turn, which is conservative (Efron and Stein
    1981), and no p_bootstrap.

    **Cohen's d_z** (Cohen 1988): the mean difference in standard deviations of the differences. For a metric that is no
    mean, an example's difference is its jackknife pseudo-value N·d − (N − 1)·d without it (Tukey 1958), which for a
    mean is the difference itself. Its interval is from the same bootstrap (jackknife for counts of types).

    The draws depend on N and ``seed`` alone: the same metrics get the same numbers in whatever company.

    Raises:
        InputError: fewer than two examples, or systems that do not fit together.
    """
    num_examples = _check(first, second)
    sums = SumPairs([(name, one, second[name]) for name, one in first.items() if isinstance(one, SumMetric)])
    types = {
        name: TypePair(one, other)
        for name, one in first.items()
        if isinstance(one, TypeMetric) and isinstance(other := second[name], TypeMetric)
    }
    observed = {**sums.observed(), **{name: pair.observed() for name, pair in types.items()}}
    spreads = {**sums.spreads(), **{name: _spread_of_types(pair) for name, pair in types.items()}}
    as_extreme = dict.fromkeys(first, 0)
    generator = np.random.default_rng(seed)
    for swaps in _swaps(generator, num_examples, num_resamples):
        swapped = {**sums.swapped(swaps), **{name: pair.swapped(swaps) for name, pair in types.items()}}
        for name, differences in swapped.items():
            least = abs(observed[name][0] - observed[name][1]) * (1 - 1e-9)  # rounding breaks no tie
            as_extreme[name] += int((np.abs(differences) >= least).sum())
    drawn = sums.bootstrap(generator, num_resamples, spreads)
    found = {}
    for name in first:
        one, other = observed[name]
        ends = _bootstrapped(*drawn[name]) if name in drawn else _normal(one - other, spreads[name])
        found[name] = PairedTest(
            first=one,
            second=other,
            difference=one - other,
            low=ends.low,
            high=ends.high,
            p_bootstrap=ends.p_bootstrap,
            p_randomization=(1 + as_extreme[name]) / (1 + num_resamples),
            effect=_effect(one - other, spreads[name].deviation),
            effect_low=ends.effect_low,
            effect_high=ends.effect_high,
            num_examples=int(spreads[name].counted.sum()),
            num_resamples=num_resamples,
            interval=ends.interval,
        )
    return found


class SumPairs:
    """All metrics of sums side by side: the columns of one matrix for each system."""

    def __init__(self, pairs: Sequence[tuple[str, SumMetric, Metric]]) -> None:
        self.metrics: dict[str, SumMetric] = {}
        self.places: dict[str, slice] = {}
        first, second, start = [], [], 0
        for name, one, other in pairs:
            assert isinstance(other, SumMetric)
            columns = one.rows.shape[0] * one.rows.shape[2]
            self.metrics[name], self.places[name] = one, slice(start, start + columns)
            first.append(_columns(one))
            second.append(_columns(other))
            start += columns
        self.first = np.concatenate(first, axis=1) if pairs else np.zeros((0, 0))
        self.second = np.concatenate(second, axis=1) if pairs else np.zeros((0, 0))

    def values(self, name: str, sums: Float64[np.ndarray, "R C"]) -> Float64[np.ndarray, "R"]:
        """The metric of each row of sums, mean over seeds."""
        metric = self.metrics[name]
        seeds, _, width = metric.rows.shape
        return metric.value(sums[:, self.places[name]].reshape(len(sums), seeds, width)).mean(axis=1)

    def observed(self) -> dict[str, tuple[float, float]]:
        totals = self.first.sum(axis=0)[None], self.second.sum(axis=0)[None]
        return {
            name: (float(self.values(name, totals[0])[0]), float(self.values(name, totals[1])[0]))
            for name in self.metrics
        }

    def swapped(self, swaps: Float64[np.ndarray, "N R"]) -> dict[str, Float64[np.ndarray, "R"]]:
        """The differences after swapping the outputs of the examples marked 1."""
        if not self.metrics:
            return {}
        moved = swaps.T @ (self.second - self.first)
        first, second = self.first.sum(axis=0) + moved, self.second.sum(axis=0) - moved
        return {name: self.values(name, first) - self.values(name, second) for name in self.metrics}

    def spreads(self) -> dict[str, Spread]:
        """The jackknife of every metric."""
        found, observed = {}, self.observed()
        for name, place in self.places.items():
            counted = (self.first[:, place] != 0).any(axis=1) | (self.second[:, place] != 0).any(axis=1)
            left = [self.values(name, rows.sum(axis=0) - rows[counted]) for rows in (self.first, self.second)]
            one, other = observed[name]
            found[name] = _spread(one - other, left[0] - left[1], counted)
        return found

    def bootstrap(
        self, generator: np.random.Generator, num_resamples: int, spreads: Mapping[str, Spread]
    ) -> dict[str, tuple[Float64[np.ndarray, "R"], Float64[np.ndarray, "R"]]]:
        """Differences and effects of resamples of the examples."""
        differences: dict[str, list[np.ndarray]] = {name: [] for name in self.metrics}
        effects: dict[str, list[np.ndarray]] = {name: [] for name in self.metrics}
        if not self.metrics:
            return {}
        moments = np.concatenate([_moments(spreads[name], len(self.first)) for name in self.metrics], axis=1)
        for weights in _weights(generator, len(self.first), num_resamples):
            first, second, powers = weights @ self.first, weights @ self.second, weights @ moments
            for place, name in enumerate(self.metrics):
                count, total, squares = powers[:, 3 * place : 3 * place + 3].T
                difference = self.values(name, first) - self.values(name, second)
                with np.errstate(invalid="ignore", divide="ignore"):
                    deviation = np.sqrt(np.maximum(squares - total**2 / count, 0) / (count - 1))
                    effects[name].append(difference / deviation)
                differences[name].append(difference)
        return {
            name: (np.concatenate(differences[name]), np.concatenate(effects[name])) for name in self.metrics
        }


def _check(first: Mapping[str, Metric], second: Mapping[str, Metric]) -> int:
    if set(first) != set(second):
        raise InputError(f"two systems with other metrics: {sorted(first)} and {sorted(second)}")
    shapes = {metric.shape for metric in (*first.values(), *second.values())}
    if len(shapes) != 1:
        raise InputError(f"a paired test wants the same seeds and examples, found {sorted(shapes)}")
    ((_, num_examples),) = shapes
    if num_examples < 2:
        raise InputError(f"a paired test wants two examples at least, found {num_examples}")
    return num_examples


def _columns(metric: SumMetric) -> Float64[np.ndarray, "N C"]:
    return metric.rows.transpose(1, 0, 2).reshape(metric.rows.shape[1], -1)


def _blocks(num_examples: int, num_resamples: int) -> Iterator[int]:
    size = min(max(CELLS // num_examples, 16), 512)
    for start in range(0, num_resamples, size):
        yield min(size, num_resamples - start)


def _swaps(
    generator: np.random.Generator, num_examples: int, num_resamples: int
) -> Iterator[Float64[np.ndarray, "N R"]]:
    for size in _blocks(num_examples, num_resamples):
        yield generator.integers(0, 2, size=(num_examples, size), dtype=np.int8).astype(np.float64)


def _weights(
    generator: np.random.Generator, num_examples: int, num_resamples: int
) -> Iterator[Float64[np.ndarray, "R N"]]:
    """How often each resample draws each example."""
    for size in _blocks(num_examples, num_resamples):
        weights = np.empty((size, num_examples))
        for row in weights:
            drawn = generator.integers(0, num_examples, size=num_examples, dtype=np.int32)
            row[:] = np.bincount(drawn, minlength=num_examples)
        yield weights


def _spread(difference: float, left: Float64[np.ndarray, "M"], counted: np.ndarray) -> Spread:
    values = len(left) * difference - (len(left) - 1) * left
    values = values[np.isfinite(values)]
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    # What rounding leaves of equal differences is no spread.
    noise = 1e-9 * max(float(np.abs(values).max(initial=0)), 1e-300)
    return Spread(counted=counted, values=values, deviation=deviation if deviation > noise else 0.0)


def _spread_of_types(pair: TypePair) -> Spread:
    left = pair.without_each()
    one, other = pair.observed()
    return _spread(one - other, left, np.ones(len(left), dtype=bool))


def _moments(spread: Spread, num_examples: int) -> Float64[np.ndarray, "N 3"]:
    """Count, pseudo-value and its square of every example: the sums that a resample's deviation is made of."""
    moments = np.zeros((num_examples, 3))
    if spread.counted.sum() == len(spread.values):
        centred = spread.values - spread.values.mean()
        moments[spread.counted] = np.stack([np.ones_like(centred), centred, centred**2], axis=1)
    return moments


def _effect(difference: float, deviation: float) -> float | None:
    if deviation > 0:
        return difference / deviation
    return 0.0 if difference == 0 else None


def _bootstrapped(differences: Float64[np.ndarray, "R"], effects: Float64[np.ndarray, "R"]) -> Ends:
    differences, effects = differences[np.isfinite(differences)], effects[np.isfinite(effects)]
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    low, high = np.quantile(differences, INTERVAL).tolist()
    if len(effects) > 0:
        least, most = np.quantile(effects, INTERVAL).tolist()
    else:
        least = most = None if differences.any() else 0.0
    return Ends(
        low=low,
        high=high,
        p_bootstrap=min(1.0, float(2 * (1 + beyond) / (1 + len(differences)))),
        effect_low=least,
        effect_high=most,
        interval="bootstrap",
    )


def _normal(difference: float, spread: Spread) -> Ends:
    half = NORMAL_QUANTILE * spread.deviation / len(spread.values) ** 0.5
    low, high = difference - half, difference + half
    return Ends(
        low=low,
        high=high,
        p_bootstrap=None,
        effect_low=_effect(low, spread.deviation),
        effect_high=_effect(high, spread.deviation),
        interval="jackknife",
    )
