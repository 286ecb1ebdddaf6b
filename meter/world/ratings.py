"""Ratings: what a user gives an item, and the exact distribution of it."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from meter.world.items import Item
from meter.world.users import User

RATINGS = np.arange(1, 6, dtype=np.float64)

_AVERAGE = 3.5


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedRating:
    """Mean (in stars) and variance of a rating before it is given; both are exact."""

    mean: float
    variance: float


def mean_opinion(user: User, item: Item, taste_strength: float) -> float:
    """The user's mean opinion of the item, in stars, before mood and rounding.

    Where the item offers several values of a feature, taste counts as it is expected before the user chooses. So the
    mean rating depends on user and item only, whatever was chosen.

    taste_strength: standard deviation over pairs of user and item of what taste adds if single values are offered.
    """
    taste = sum(user.expected_taste(feature, offered) for feature, offered in item.offers.items())
    taste /= len(item.offers) ** 0.5
    return _AVERAGE + item.quality + user.lenience + taste_strength * taste


def draw_rating(opinion: float, noise: float, generator: np.random.Generator) -> int:
    """The mean opinion plus a normal mood of standard deviation ``noise``, rounded to 1..5."""
    return int(np.clip(np.floor(opinion + generator.normal(0, noise) + 0.5), 1, 5))


def expected_rating(opinion: float, noise: float) -> ExpectedRating:
    """Mean and variance of ``draw_rating``, from the probabilities of its five outcomes."""
    probabilities = rating_probabilities(opinion, noise)
    mean = float(probabilities @ RATINGS)
    return ExpectedRating(mean=mean, variance=float(probabilities @ np.square(RATINGS - mean)))


def rating_probabilities(opinion: float, noise: float) -> Float[np.ndarray, "5"]:
    """The probability of each rating, 1 to 5."""
    thresholds = [1.5, 2.5, 3.5, 4.5]
    if noise == 0:
        below = [float(opinion < threshold) for threshold in thresholds]
    else:
        below = [
            0.5 * (1 + math.erf((threshold - opinion) / (noise * math.sqrt(2)))) for threshold in thresholds
        ]
    return np.diff([0.0, *below, 1.0])
