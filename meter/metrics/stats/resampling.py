"""Paired tests of many metrics at once: two systems over the same examples, resampled together.

N examples, S seeds of each system, R resamples. The example is the unit: whatever is drawn for it holds for all its
seeds, and a system's value is the mean over its seeds. Runs that saw other examples, since their world is another, are
another stratum: it is resampled by itself, and a system's value is the mean over all its runs.

``scipy.stats.bootstrap`` and ``permutation_test`` serve one statistic at a time and compute it anew from the examples
of every resample, which for BLEU or USR means counting thousands of sentences again; here all metrics share the draws
and a matrix product gives their sums.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from meter.errors import InputError
from meter.metrics.stats.jackknife import Jackknife
from meter.metrics.stats.sum_metrics import SumMetric, SumPairs
from meter.metrics.stats.type_metrics import TypeMetric, TypePair

INTERVAL = (0.025, 0.975)
"""Quantiles between which an interval lies."""
BLOCK_NUMBERS = 4_000_000
"""Numbers in memory for one block of resamples."""

Metric = SumMetric | TypeMetric


@dataclass(kw_only=True, slots=True)
class Stratum:
    """The metrics of two systems over the same N examples, which no other stratum has: S runs of each system."""

    first: Mapping[str, Metric]
    second: Mapping[str, Metric]


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
class Resamples:
    """What R bootstrap resamples give for one metric. variances: of the examples' differences in each of them."""

    differences: Float64[np.ndarray, "R"]
    variances: Float64[np.ndarray, "R"]

    @property
    def effects(self) -> Float64[np.ndarray, "R"]:
        """Cohen's d_z in each resample."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.differences / np.sqrt(self.variances)


@dataclass(kw_only=True, slots=True)
class Intervals:
    """The 95 % intervals of a difference and of its effect, and the bootstrap's p."""

    low: float
    high: float
    p_bootstrap: float | None
    effect_low: float | None
    effect_high: float | None
    interval: str


def paired_tests(
    first: Mapping[str, Metric], second: Mapping[str, Metric], *, num_resamples: int = 10_000, seed: int = 0
) -> dict[str, PairedTest]:
    """Tests every metric of two systems over the same N examples, given in the same order.

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

    The draws depend on N and ``seed`` alone: a metric gets the same numbers whatever is tested with it.

    Raises:
        InputError: fewer than two examples, or systems that do not fit together.
    """
    return stratified_tests([Stratum(first=first, second=second)], num_resamples=num_resamples, seed=seed)


def stratified_tests(
    strata: Sequence[Stratum], *, num_resamples: int = 10_000, seed: int = 0
) -> dict[str, PairedTest]:
    """``paired_tests`` over several strata, whose examples are swapped and drawn each within its own.

    A system's value is the mean over all its runs: every stratum weighs as many as it has runs, however many examples.
    Variances add up by the same weights, so d_z is in standard deviations of the differences within a stratum.

    Raises:
        InputError: fewer than two examples, systems that do not fit together, or strata with other metrics.
    """
    sides = [_Sides(stratum) for stratum in strata]
    names = list(strata[0].first)
    for stratum in strata[1:]:
        _check_names(strata[0].first, stratum.first, "strata")
    num_runs = sum(side.num_runs for side in sides)
    weights = [side.num_runs / num_runs for side in sides]
    first, second = (
        _weighted(
            [{name: values[system] for name, values in side.observed.items()} for side in sides], weights
        )
        for system in (0, 1)
    )
    jackknives = {
        name: Jackknife.over_strata([side.jackknives[name] for side in sides], weights) for name in names
    }
    generator = np.random.default_rng(seed)
    swapped = _weighted([_randomize(side, generator, num_resamples) for side in sides], weights)
    resamples = [
        _bootstrap(side.sums, side.jackknives, generator, side.num_examples, num_resamples) for side in sides
    ]
    tests = {}
    for name in names:
        jackknife, difference = jackknives[name], first[name] - second[name]
        if name in resamples[0]:
            intervals = _percentile_intervals(_over_strata([of[name] for of in resamples], weights))
        else:
            intervals = _normal_intervals(difference, jackknife)
        threshold = abs(difference) * (1 - 1e-9)  # a tie stays a tie after rounding
        as_extreme = int((np.abs(swapped[name]) >= threshold).sum())
        tests[name] = PairedTest(
            first=first[name],
            second=second[name],
            difference=difference,
            low=intervals.low,
            high=intervals.high,
            p_bootstrap=intervals.p_bootstrap,
            p_randomization=(1 + as_extreme) / (1 + num_resamples),
            effect=jackknife.effect(difference),
            effect_low=intervals.effect_low,
            effect_high=intervals.effect_high,
            num_examples=int(jackknife.counted.sum()),
            num_resamples=num_resamples,
            interval=intervals.interval,
        )
    return tests


class _Sides:
    """Two systems side by side in one stratum."""

    def __init__(self, stratum: Stratum) -> None:
        first, second = stratum.first, stratum.second
        self.num_runs, self.num_examples = _check(first, second)
        self.sums = SumPairs(_sum_metrics(first), _sum_metrics(second))
        of_second = _type_metrics(second)
        self.types = {
            name: TypePair(metric, of_second[name]) for name, metric in _type_metrics(first).items()
        }
        self.observed = {
            **self.sums.observed(),
            **{name: pair.observed() for name, pair in self.types.items()},
        }
        self.jackknives = {
            **self.sums.jackknives(),
            **{name: pair.jackknife() for name, pair in self.types.items()},
        }

    def swapped(self, swaps: Float64[np.ndarray, "N R"]) -> dict[str, Float64[np.ndarray, "R"]]:
        """The differences after swapping the outputs of the examples marked 1."""
        return {
            **self.sums.swapped(swaps),
            **{name: pair.swapped(swaps) for name, pair in self.types.items()},
        }


def _check(first: Mapping[str, Metric], second: Mapping[str, Metric]) -> tuple[int, int]:
    """The number of seeds and of examples."""
    _check_names(first, second, "systems")
    shapes = {metric.shape for metric in (*first.values(), *second.values())}
    if len(shapes) != 1:
        raise InputError(f"a paired test needs the same seeds and examples, found {sorted(shapes)}")
    ((num_seeds, num_examples),) = shapes
    if num_examples < 2:
        raise InputError(f"a paired test needs at least two examples, found {num_examples}")
    return num_seeds, num_examples


def _check_names(first: Mapping[str, Metric], second: Mapping[str, Metric], what: str) -> None:
    if set(first) != set(second):
        raise InputError(f"two {what} with other metrics: {sorted(first)} and {sorted(second)}")


def _sum_metrics(metrics: Mapping[str, Metric]) -> dict[str, SumMetric]:
    return {name: metric for name, metric in metrics.items() if isinstance(metric, SumMetric)}


def _type_metrics(metrics: Mapping[str, Metric]) -> dict[str, TypeMetric]:
    return {name: metric for name, metric in metrics.items() if isinstance(metric, TypeMetric)}


def _weighted(of_strata: Sequence[Mapping[str, Any]], weights: Sequence[float]) -> dict[str, Any]:
    """The weighted sum over strata, by name: of numbers or of one number a resample."""
    return {
        name: sum(weight * values[name] for weight, values in zip(weights, of_strata, strict=True))
        for name in of_strata[0]
    }


def _over_strata(of_strata: Sequence[Resamples], weights: Sequence[float]) -> Resamples:
    summed = _weighted(
        [{"differences": one.differences, "variances": one.variances} for one in of_strata], weights
    )
    return Resamples(**summed)


def _randomize(
    sides: _Sides, generator: np.random.Generator, num_resamples: int
) -> dict[str, Float64[np.ndarray, "R"]]:
    """The differences of every metric after random swaps."""
    blocks = []
    for size in _block_sizes(sides.num_examples, num_resamples):
        swaps = generator.integers(0, 2, size=(sides.num_examples, size), dtype=np.int8)
        blocks.append(sides.swapped(swaps.astype(np.float64)))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _bootstrap(
    sums: SumPairs,
    jackknives: Mapping[str, Jackknife],
    generator: np.random.Generator,
    num_examples: int,
    num_resamples: int,
) -> dict[str, Resamples]:
    """Differences and their variances in resamples of the examples, for every metric of sums."""
    if not sums.metrics:
        return {}
    moments = np.concatenate([_moments(jackknives[name]) for name in sums.metrics], axis=1)
    differences: dict[str, list[np.ndarray]] = {name: [] for name in sums.metrics}
    variances: dict[str, list[np.ndarray]] = {name: [] for name in sums.metrics}
    for size in _block_sizes(num_examples, num_resamples):
        weights = _draw_weights(generator, num_examples, size)
        of_moments = weights @ moments
        of_metrics = sums.differences(weights @ sums.first, weights @ sums.second)
        for index, (name, difference) in enumerate(of_metrics.items()):
            count, total, squares = of_moments[:, 3 * index : 3 * index + 3].T
            with np.errstate(invalid="ignore", divide="ignore"):
                variances[name].append(np.maximum(squares - total**2 / count, 0) / (count - 1))
            differences[name].append(difference)
    return {
        name: Resamples(
            differences=np.concatenate(differences[name]), variances=np.concatenate(variances[name])
        )
        for name in sums.metrics
    }


def _block_sizes(num_examples: int, num_resamples: int) -> Iterator[int]:
    size = min(max(BLOCK_NUMBERS // num_examples, 16), 512)
    for start in range(0, num_resamples, size):
        yield min(size, num_resamples - start)


def _draw_weights(
    generator: np.random.Generator, num_examples: int, num_resamples: int
) -> Float64[np.ndarray, "R N"]:
    """How often each resample draws each example."""
    weights = np.empty((num_resamples, num_examples))
    for row in weights:
        drawn = generator.integers(0, num_examples, size=num_examples, dtype=np.int32)
        row[:] = np.bincount(drawn, minlength=num_examples)
    return weights


def _moments(jackknife: Jackknife) -> Float64[np.ndarray, "N 3"]:
    """Count, pseudo-value and its square of every example: the sums that a resample's deviation is made of."""
    moments = np.zeros((len(jackknife.counted), 3))
    if jackknife.counted.sum() == len(jackknife.values):
        centred = jackknife.values - jackknife.values.mean()
        moments[jackknife.counted] = np.stack([np.ones_like(centred), centred, centred**2], axis=1)
    return moments


def _percentile_intervals(resamples: Resamples) -> Intervals:
    differences = resamples.differences[np.isfinite(resamples.differences)]
    effects = resamples.effects[np.isfinite(resamples.effects)]
    low, high = np.quantile(differences, INTERVAL).tolist()
    if len(effects) > 0:
        effect_low, effect_high = np.quantile(effects, INTERVAL).tolist()
    else:
        effect_low = effect_high = None if differences.any() else 0.0
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return Intervals(
        low=low,
        high=high,
        p_bootstrap=min(1.0, float(2 * (1 + beyond) / (1 + len(differences)))),
        effect_low=effect_low,
        effect_high=effect_high,
        interval="bootstrap",
    )


def _normal_intervals(difference: float, jackknife: Jackknife) -> Intervals:
    from scipy.special import ndtri

    half = float(ndtri(INTERVAL[1])) * jackknife.standard_error
    low, high = difference - half, difference + half
    return Intervals(
        low=low,
        high=high,
        p_bootstrap=None,
        effect_low=jackknife.effect(low),
        effect_high=jackknife.effect(high),
        interval="jackknife",
    )
