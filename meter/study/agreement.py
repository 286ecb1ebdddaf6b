"""Agreement of raters beyond chance: Krippendorff's alpha."""

from enum import Enum

import numpy as np
from jaxtyping import Float, Float64


class Level(Enum):
    """How far apart two values are: ``nominal`` the same or not, ``ordinal`` by the values that lie between them."""

    nominal = "nominal"
    ordinal = "ordinal"


def krippendorff_alpha(values: Float[np.ndarray, "R U"], level: Level) -> float | None:
    """α = 1 − observed / expected disagreement; 1 is perfect, 0 is chance, below 0 is systematic disagreement.

    Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). Any number of raters; values may be missing.

    values: of R raters for U units, NaN where a rater gave none.
    Returns None where alpha is undefined: no unit has two values, or all values are the same.
    """
    categories = np.unique(values[~np.isnan(values)])
    counts = (
        np.stack([(values == category).sum(axis=0) for category in categories], axis=1)
        if len(categories)
        else np.zeros((values.shape[1], 0))
    )
    counts = counts[counts.sum(axis=1) > 1].astype(float)
    if len(counts) == 0:
        return None
    sizes = counts.sum(axis=1, keepdims=True)
    coincidences = (counts / (sizes - 1)).T @ counts - np.diag((counts / (sizes - 1)).sum(axis=0))
    totals = coincidences.sum(axis=1)
    distances = _distances(totals, level)
    expected = (np.outer(totals, totals) * distances).sum() / (totals.sum() - 1)
    if expected == 0:
        return None
    return float(1 - (coincidences * distances).sum() / expected)


def _distances(totals: Float64[np.ndarray, "C"], level: Level) -> Float64[np.ndarray, "C C"]:
    """The squared difference of every two values; totals: how often each is given, in rising order of the values."""
    if level is Level.nominal:
        return 1.0 - np.eye(len(totals))
    middles = np.cumsum(totals) - totals / 2
    return (middles[:, None] - middles[None, :]) ** 2
