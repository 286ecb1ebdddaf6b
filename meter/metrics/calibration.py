"""Whether a probability means what it says: of all pairs scored .8, are eight in ten true?

Equal bins and the expected calibration error of Naeini et al. (2015), as in Guo et al. (2017), for a yes-or-no
question.
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
    said: float | None
    """Mean probability of being true."""
    true: float | None
    """Share that is true."""


@dataclass(kw_only=True, slots=True)
class Reliability:
    """Probabilities beside what came true."""

    error: float
    """Expected calibration error: mean over pairs of the distance between said and true in the pair's bin."""
    bins: list[Bin]
    count: int
    signature: str


def reliability(
    positive: Float[np.ndarray, "P"], negative: Float[np.ndarray, "Q"], num_bins: int = 10
) -> Reliability:
    """Sets probabilities of true pairs (``positive``) and of false ones beside what they are.

    Raises:
        InputError: there are no pairs, or a value is no probability.
    """
    said = np.concatenate([positive, negative]).astype(np.float64)
    if len(said) == 0 or not ((said >= 0) & (said <= 1)).all():
        raise InputError(
            f"a reliability wants probabilities of one pair at least, found {len(said)} values, "
            f"from {said.min(initial=np.nan)} to {said.max(initial=np.nan)}"
        )
    true = np.repeat([1.0, 0.0], [len(positive), len(negative)])
    places = np.minimum((said * num_bins).astype(np.int64), num_bins - 1)
    counts = np.bincount(places, minlength=num_bins)
    sums_said, sums_true = (np.bincount(places, values, minlength=num_bins) for values in (said, true))
    return Reliability(
        error=float(np.abs(sums_said - sums_true).sum() / len(said)),
        bins=[
            Bin(
                low=place / num_bins,
                high=(place + 1) / num_bins,
                count=int(count),
                said=float(sums_said[place] / count) if count else None,
                true=float(sums_true[place] / count) if count else None,
            )
            for place, count in enumerate(counts)
        ],
        count=len(said),
        signature=signature("reliability", bins=num_bins),
    )
