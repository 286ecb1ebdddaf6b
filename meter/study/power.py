"""How many raters a difference needs: studies of the same kind, simulated from the fitted effect.

Every simulated answer is drawn from Davidson's model, whose difference in log-strength varies from rater to rater and
from item to item (two normal distributions, crossed). Each simulated study is scored as a real one, with the
pigeonhole bootstrap; its power is the share of studies whose interval of the win rate leaves out one half.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from meter.study.pigeonhole import INTERVAL, draw, resampled_sums

NUMBERS_OF_RATERS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Among which the smallest that suffices is sought, by halving."""
NUM_DRAWS = 200
"""Resamples of each simulated study."""
WANTED = 0.8
"""Power that is asked for."""


@dataclass(kw_only=True, slots=True)
class Effect:
    """What is simulated.

    log_ratio: log π_first − log π_second. log_nu: of the ties. rater_sd, item_sd: how the log-ratio varies.
    """

    log_ratio: float
    log_nu: float
    rater_sd: float
    item_sd: float


@dataclass(kw_only=True, slots=True)
class Power:
    """raters_needed: the smallest number with a power of .8; None where even the largest has less.

    tried: power by number of raters, rising.
    """

    raters_needed: int | None
    tried: dict[int, float]


def chances(log_ratio: Float[np.ndarray, "*S"], log_nu: float) -> Float64[np.ndarray, "3 *S"]:
    """P(first preferred), P(tie), P(second preferred) in Davidson's model."""
    logits = np.stack([log_ratio / 2, np.full_like(log_ratio, log_nu), -log_ratio / 2])
    weights = np.exp(logits - logits.max(axis=0))
    return weights / weights.sum(axis=0)


def estimate_effect(
    scores: Float[np.ndarray, "R I"],
    counts: Float[np.ndarray, "R I"],
    log_ratio: float,
    log_nu: float,
) -> Effect:
    """The spreads over raters and items by the method of moments, brought to the scale of the log-ratio.

    The products of deviations of two answers that share a rater, but not an item, average to the variance over
    raters; and the other way round. scores: sums of answers (1 preferred, ½ tie, 0) by rater and item. counts: how
    many there are.
    """
    won, tied, _ = chances(np.array(log_ratio), log_nu)
    mean = scores.sum() / counts.sum()
    deviations = scores - mean * counts
    expected = won + tied / 2
    slope = won + tied / 4 - expected**2
    slope = max(float(slope), 0.02)
    return Effect(
        log_ratio=log_ratio,
        log_nu=log_nu,
        rater_sd=_spread(deviations, counts) / slope,
        item_sd=_spread(deviations.T, counts.T) / slope,
    )


def power(
    effect: Effect,
    seen: Bool[np.ndarray, "S P"],
    items: Int[np.ndarray, "P"],
    *,
    num_studies: int,
    seed: int,
) -> Power:
    """The power by number of raters.

    seen: which pairs each sheet shows; rater r has sheet r modulo S. items: the item of each pair, from 0.
    """
    tried: dict[int, float] = {}

    def suffices(num_raters: int) -> bool:
        shown = seen[np.arange(num_raters) % len(seen)]
        generator = np.random.default_rng([seed, num_raters])
        tried[num_raters] = _power(effect, shown, items, num_studies, generator)
        return tried[num_raters] >= WANTED

    place = len(NUMBERS_OF_RATERS) - 1
    if suffices(NUMBERS_OF_RATERS[place]):
        place = bisect_left(NUMBERS_OF_RATERS, True, hi=place, key=suffices)
    needed = NUMBERS_OF_RATERS[place] if tried[NUMBERS_OF_RATERS[-1]] >= WANTED else None
    return Power(raters_needed=needed, tried=dict(sorted(tried.items())))


def _power(
    effect: Effect,
    shown: Bool[np.ndarray, "R P"],
    items: Int[np.ndarray, "P"],
    num_studies: int,
    generator: np.random.Generator,
) -> float:
    num_raters, num_items = len(shown), int(items.max()) + 1
    of_item = np.eye(num_items)[items]
    counts = shown @ of_item
    draws = draw(NUM_DRAWS, num_raters, num_items, generator)
    totals = resampled_sums(counts[..., None], draws)[:, 0]
    usable = totals > 0
    found = 0
    for _ in range(num_studies):
        of_raters = generator.normal(scale=effect.rater_sd, size=(num_raters, 1))
        of_items = generator.normal(scale=effect.item_sd, size=num_items)[items]
        won, tied, _ = chances(effect.log_ratio + of_raters + of_items, effect.log_nu)
        drawn = generator.random(shown.shape)
        scores = np.where(drawn < won, 1.0, np.where(drawn < won + tied, 0.5, 0.0)) * shown
        sums = resampled_sums((scores @ of_item)[..., None], draws)[:, 0]
        low, high = np.quantile(sums[usable] / totals[usable], INTERVAL)
        found += int(low > 0.5 or high < 0.5)
    return found / num_studies


def _spread(deviations: Float[np.ndarray, "G O"], counts: Float[np.ndarray, "G O"]) -> float:
    """The standard deviation between groups, from products of answers of one group that share nothing else; 0 at
    least."""
    products = (deviations.sum(axis=1) ** 2 - (deviations**2).sum(axis=1)).sum()
    num_products = (counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)).sum()
    return float(np.sqrt(max(products / num_products, 0.0))) if num_products else 0.0
