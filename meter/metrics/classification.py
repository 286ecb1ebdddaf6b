"""How well a score tells true pairs from false ones: AUC, reliability diagram and expected calibration error.

AUC asks how pairs are ranked; the reliability whether a probability means what it says: of all pairs scored .8, are
eight in ten true? Its equal bins are those of Naeini et al. (2015) and Guo et al. (2017), for two classes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from meter.errors import InputError
from meter.metrics.version import signature


@dataclass(kw_only=True, slots=True)
class Bin:
    """The pairs whose probability lies in [low, high); the last bin holds 1 too. None where there are no pairs."""

    low: float
    high: float
    count: int
    predicted: float | None
    """Mean probability of being true."""
    observed: float | None
    """Share that is true."""


@dataclass(kw_only=True, slots=True)
class Reliability:
    """Predicted probabilities beside the observed shares."""

    error: float
    """Expected calibration error: mean over pairs of |predicted − observed| in the pair's bin."""
    bins: list[Bin]
    count: int
    signature: str


def area_under_curve(positive: Float[np.ndarray, "P"], negative: Float[np.ndarray, "Q"]) -> float:
    """Probability that a true pair scores above a false one, ties half: the Mann–Whitney U over P·Q, O(n log n).

    Raises:
        InputError: no positive, no negative, or a score that is not a number.
    """
    if len(positive) == 0 or len(negative) == 0 or np.isnan(positive).any() or np.isnan(negative).any():
        raise InputError(
            f"AUC needs scores of both kinds, none of them NaN; found {len(positive)} positive and {len(negative)} "
            "negative ones"
        )
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    not_above = np.searchsorted(ordered, positive, side="right")
    return float((below + not_above).mean() / (2 * len(negative)))


def reliability(
    positive: Float[np.ndarray, "P"], negative: Float[np.ndarray, "Q"], num_bins: int = 10
) -> Reliability:
    """Compares the probabilities of true pairs (``positive``) and of false ones with what they are.

    Raises:
        InputError: there are no pairs, or a value is no probability.
    """
    predicted = np.concatenate([positive, negative]).astype(np.float64)
    if len(predicted) == 0 or not ((predicted >= 0) & (predicted <= 1)).all():
        raise InputError(
            f"a reliability needs probabilities of at least one pair, found {len(predicted)} values, "
            f"from {predicted.min(initial=np.nan)} to {predicted.max(initial=np.nan)}"
        )
    true = np.repeat([1.0, 0.0], [len(positive), len(negative)])
    bins = np.minimum((predicted * num_bins).astype(np.int64), num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    sums_predicted, sums_true = (
        np.bincount(bins, values, minlength=num_bins) for values in (predicted, true)
    )
    return Reliability(
        error=float(np.abs(sums_predicted - sums_true).sum() / len(predicted)),
        bins=[
            Bin(
                low=index / num_bins,
                high=(index + 1) / num_bins,
                count=int(count),
                predicted=float(sums_predicted[index] / count) if count else None,
                observed=float(sums_true[index] / count) if count else None,
            )
            for index, count in enumerate(counts)
        ],
        count=len(predicted),
        signature=signature("reliability", bins=num_bins),
    )
