"""Whether two systems differ: over the same examples, over seeds, and after asking many questions at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Float, Float64

from meter.errors import InputError
from meter.metrics.stats.resampling import PairedTest, paired_tests
from meter.metrics.stats.sum_metrics import mean_of

MAX_SPLITS = 200_000
"""More splits of the seeds than this are not listed one by one."""
MAX_FLIPPED = 20
"""The signs of more differences than this are not flipped in every way."""


@dataclass(kw_only=True, slots=True)
class SeedTest:
    """How two systems differ over the seeds of their training; the run is the unit."""

    difference: float
    """Mean of the first − mean of the second."""
    p_welch: float | None
    """Two-sided, Welch's t-test (1947); None where neither system varies."""
    p_permutation: float | None
    """Two-sided, exact: the share of all splits of the runs in two that differ at least as much (Fisher 1935). With
    3 and 3 seeds it cannot fall below .1. None above 200,000 splits."""
    cliffs_delta: float
    """P(a run of the first is higher) − P(it is lower) (Cliff 1993): −1 … 1; (δ + 1)/2 is the common-language effect
    (McGraw and Wong 1992), ties half."""
    num_seeds: tuple[int, int]


@dataclass(kw_only=True, slots=True)
class MatchedRunsTest:
    """How two systems differ over pairs of their runs that share world and seed; the pair is the unit."""

    difference: float
    """Mean of the first − the second."""
    p_paired_t: float | None
    """Two-sided, paired t-test (Student 1908); None where all pairs differ by the same."""
    p_sign_flip: float | None
    """Two-sided, exact: the share of all 2ⁿ ways to flip the signs of the differences that bring their mean at least as
    far from 0 (Fisher 1935). With 3 pairs it cannot fall below .25, with 15 below .00006. None above 20 pairs."""
    num_higher: int
    """Pairs in which the first is higher."""
    num_lower: int
    num_pairs: int


def paired_test(
    a: Float[np.ndarray, "N"] | Sequence[float],
    b: Float[np.ndarray, "N"] | Sequence[float],
    *,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> PairedTest:
    """Tests whether the means of two systems' scores of the same N examples differ; ``paired_tests`` says how.

    Where each system has several seeds, give each example's mean over them: the example is the unit.

    Args:
        a: scores of the first system.
        b: scores of the second, example by example.
        num_resamples: of the bootstrap and of the randomization each.
        seed: of the draws; the same seed, the same numbers.

    Raises:
        InputError: fewer than two examples, unequal numbers of them, or a score that is not a finite number.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise InputError(
            f"a paired test needs one score for each example, found {first.shape} and {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("a paired test needs finite scores; leave examples without a score out of both")
    tests = paired_tests(
        {"": mean_of(first[None])}, {"": mean_of(second[None])}, num_resamples=num_resamples, seed=seed
    )
    return tests[""]


def seed_test(a: Sequence[float], b: Sequence[float]) -> SeedTest:
    """Tests whether two systems differ over their seeds, given one value a run.

    Raises:
        InputError: fewer than two runs of either.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if min(len(first), len(second)) < 2:
        raise InputError(
            f"a test over seeds needs at least two runs of each system, found {len(first)} and {len(second)}"
        )
    return SeedTest(
        difference=float(first.mean() - second.mean()),
        p_welch=_welch(first, second),
        p_permutation=_permutation(first, second),
        cliffs_delta=cliffs_delta(first, second),
        num_seeds=(len(first), len(second)),
    )


def matched_runs_test(a: Sequence[float], b: Sequence[float]) -> MatchedRunsTest:
    """Tests whether two systems differ over pairs of runs, given one value a run, pair by pair.

    What the runs of a pair share, such as their world, cancels in their difference. It does not make the pairs of one
    world independent: where worlds disagree on the difference, only more worlds can tell.

    Raises:
        InputError: fewer than two pairs, or unequal numbers of runs.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if len(first) != len(second) or len(first) < 2:
        raise InputError(
            f"a test over matched runs needs at least two pairs of runs, found {len(first)} and {len(second)} runs"
        )
    differences = first - second
    differences[np.abs(differences) <= 1e-12 * max(np.abs(first).max(), np.abs(second).max())] = 0.0
    return MatchedRunsTest(
        difference=float(differences.mean()),
        p_paired_t=_paired_t(first, second),
        p_sign_flip=_sign_flip(differences),
        num_higher=int((differences > 0).sum()),
        num_lower=int((differences < 0).sum()),
        num_pairs=len(differences),
    )


def cliffs_delta(a: Float64[np.ndarray, "P"], b: Float64[np.ndarray, "Q"]) -> float:
    """P(a > b) − P(a < b) over all pairs (Cliff 1993)."""
    return float(np.sign(a[:, None] - b[None]).mean())


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's (1979) corrected p-values, in the order given: below α with a chance of at most α that any is wrong.

    The k-th smallest of m is multiplied by m − k + 1, and is never below the one before it. None stands for no test.
    """
    asked = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, index) in enumerate(asked):
        highest = max(highest, min(1.0, (len(asked) - rank) * p))
        corrected[index] = highest
    return corrected


def _welch(first: Float64[np.ndarray, "P"], second: Float64[np.ndarray, "Q"]) -> float | None:
    from scipy.stats import ttest_ind_from_stats

    deviations = first.std(ddof=1), second.std(ddof=1)
    if max(deviations) <= 1e-12 * np.abs([*first, *second]).max():  # rounding is no variance
        return None
    test = ttest_ind_from_stats(
        first.mean(), deviations[0], len(first), second.mean(), deviations[1], len(second), equal_var=False
    )
    return float(test.pvalue)


def _permutation(first: Float64[np.ndarray, "P"], second: Float64[np.ndarray, "Q"]) -> float | None:
    # scipy.stats.permutation_test gives the same numbers and takes seven times as long.
    together = np.concatenate([first, second])
    if comb(len(together), len(first)) > MAX_SPLITS:
        return None
    splits = np.array(list(combinations(range(len(together)), len(first))))
    chosen = together[splits].sum(axis=1)
    differences = chosen / len(first) - (together.sum() - chosen) / len(second)
    threshold = abs(first.mean() - second.mean()) - 1e-12 * np.abs(together).max()
    return float((np.abs(differences) >= threshold).mean())


def _paired_t(first: Float64[np.ndarray, "P"], second: Float64[np.ndarray, "P"]) -> float | None:
    from scipy.stats import ttest_rel

    if (first - second).std(ddof=1) <= 1e-12 * np.abs([*first, *second]).max():  # rounding is no variance
        return None
    return float(ttest_rel(first, second).pvalue)


def _sign_flip(differences: Float64[np.ndarray, "P"]) -> float | None:
    if len(differences) > MAX_FLIPPED:
        return None
    sums = differences[:1]  # to flip all signs changes no distance from 0: the first need not be flipped
    for difference in differences[1:]:
        sums = np.concatenate([sums + difference, sums - difference])
    threshold = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    return float((np.abs(sums) >= threshold).mean())
