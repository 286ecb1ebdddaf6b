"""Stars: what a guest gives a place, and exactly what can be known of it beforehand."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from meter.world.items import Place
from meter.world.users import Guest

STARS = np.arange(1, 6, dtype=np.float64)

_AVERAGE = 3.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What can be known of a rating before it is given, both in stars and exact: its mean and its variance."""

    mean: float
    variance: float


def inclination(guest: Guest, place: Place, taste_strength: float) -> float:
    """The guest's mean opinion of the place, in stars, before mood and rounding.

    taste_strength: standard deviation over pairs of what taste adds.
    """
    taste = (
        sum(guest.taste[feature][value] for feature, value in place.values.items()) / len(place.values) ** 0.5
    )
    return _AVERAGE + place.quality + guest.lenience + taste_strength * taste


def give_stars(inclined: float, noise: float, generator: np.random.Generator) -> int:
    """The inclination and a normal mood of standard deviation ``noise``, rounded to 1..5."""
    return int(np.clip(np.floor(inclined + generator.normal(0, noise) + 0.5), 1, 5))


def outlook(inclined: float, noise: float) -> Outlook:
    """Mean and variance of ``give_stars``, by the normal distribution function over its five outcomes."""
    chances = star_chances(inclined, noise)
    mean = float(chances @ STARS)
    return Outlook(mean=mean, variance=float(chances @ np.square(STARS - mean)))


def star_chances(inclined: float, noise: float) -> Float[np.ndarray, "5"]:
    """The probability of each number of stars, 1 to 5."""
    thresholds = [1.5, 2.5, 3.5, 4.5]
    if noise == 0:
        below = [float(inclined < threshold) for threshold in thresholds]
    else:
        below = [
            0.5 * (1 + math.erf((threshold - inclined) / (noise * math.sqrt(2)))) for threshold in thresholds
        ]
    return np.diff([0.0, *below, 1.0])
