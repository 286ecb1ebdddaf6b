"""How far the predicted ratings are from the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real

from meter.errors import InputError
from meter.metrics.version import signature

Ratings = Real[np.ndarray, "N"] | Sequence[float]


@dataclass(kw_only=True, slots=True)
class RatingMetrics:
    """Errors in units of the rating scale."""

    rmse: float
    """Root mean square error."""
    mae: float
    """Mean absolute error."""
    count: int
    """Records scored."""
    signature: str


def rating_metrics(ratings: Ratings, predictions: Ratings) -> RatingMetrics:
    """RMSE √(1/N Σ (r − r̂)²) and MAE 1/N Σ |r − r̂| of the predictions as they are.

    Raises:
        InputError: no rating, unequal numbers, or a prediction that is not a finite number.
    """
    return _errors(*_checked(ratings, predictions), clipped="no")


def rating_metrics_peter_compat(
    ratings: Ratings, predictions: Ratings, lowest: float, highest: float
) -> RatingMetrics:
    """The same after moving predictions beyond the scale to its nearest end, as PETER's evaluation does.

    Args:
        ratings: true ratings.
        predictions: predicted ratings.
        lowest: least rating in the data set (PETER takes it over all splits).
        highest: greatest rating in the data set.

    Raises:
        InputError: as ``rating_metrics``.
    """
    true, predicted = _checked(ratings, predictions)
    return _errors(true, np.clip(predicted, lowest, highest), clipped=f"{lowest:g}-{highest:g}")


def _checked(ratings: Ratings, predictions: Ratings) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    true = np.asarray(ratings, dtype=np.float64)
    predicted = np.asarray(predictions, dtype=np.float64)
    if len(true) == 0 or len(true) != len(predicted):
        raise InputError(f"expected as many predictions as ratings, found {len(predicted)} and {len(true)}")
    bad = np.flatnonzero(~np.isfinite(predicted) | ~np.isfinite(true))
    if len(bad):
        raise InputError(
            f"{len(bad)} ratings or predictions are not finite numbers, the first at index {bad[0]}"
        )
    return true, predicted


def _errors(true: Float[np.ndarray, "N"], predicted: Float[np.ndarray, "N"], clipped: str) -> RatingMetrics:
    error = predicted - true
    return RatingMetrics(
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        count=len(error),
        signature=signature("rating", clipped=clipped),
    )
