"""The pigeonhole bootstrap: raters and items are drawn anew, each by themselves.

Answers of one rater are alike, and so are answers about one item; resampling single answers would call both
independent. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007: an answer counts as often as
its rater was drawn times as often as its item was. The variance of a mean is never understated on average, and
slightly overstated.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

INTERVAL = (0.025, 0.975)
"""Quantiles between which an interval lies."""


@dataclass(kw_only=True, slots=True)
class Draws:
    """How often each of R raters and of I items is drawn in each of B resamples."""

    raters: Float64[np.ndarray, "B R"]
    items: Float64[np.ndarray, "B I"]


@dataclass(kw_only=True, slots=True)
class Interval:
    """A 95 % interval by percentiles."""

    low: float
    high: float


def draw(num_resamples: int, num_raters: int, num_items: int, generator: np.random.Generator) -> Draws:
    """As many raters and as many items as there are, with replacement, in every resample."""
    return Draws(
        raters=_counts(num_resamples, num_raters, generator),
        items=_counts(num_resamples, num_items, generator),
    )


def resampled_sums(cells: Float[np.ndarray, "R I C"], draws: Draws) -> Float64[np.ndarray, "B C"]:
    """The sums of C quantities over all answers, in every resample. cells: their sums by rater and item."""
    num_raters, num_items, num_quantities = cells.shape
    by_item = (draws.raters @ cells.reshape(num_raters, -1)).reshape(-1, num_items, num_quantities)
    return (draws.items[:, None, :] @ by_item)[:, 0]


def interval(values: Float[np.ndarray, "B"]) -> Interval:
    """The percentile interval of what the resamples gave; NaN, where a resample drew no answer, is left out."""
    low, high = np.nanquantile(values, INTERVAL)
    return Interval(low=float(low), high=float(high))


def _counts(num_resamples: int, size: int, generator: np.random.Generator) -> Float64[np.ndarray, "B N"]:
    return generator.multinomial(size, np.full(size, 1 / size), size=num_resamples).astype(np.float64)
