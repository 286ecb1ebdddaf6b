"""Users: what they write about, what they like, how they write and how they rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from meter.world.attributes import VALUES
from meter.world.text import phrases
from meter.world.text.sentences import Style, random_style

_PROFILES = 4
_OWN_SHARE = 0.2
"""Share of the variance of taste that is a user's own and not the profile's."""

_INDIFFERENT = 0.4
"""Taste within this distance of zero, in standard deviations, leaves a user unmoved."""

_DECISIVENESS = 1.0
"""What a difference of one in taste adds to the logarithm of the odds of a choice."""

_LENIENCE = 0.45
"""Standard deviation over users of the shift of their ratings, in stars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """One user of the world.

    interests: feature -> weight of writing about it.
    taste: feature -> value -> how much the user likes it, about standard normal over users and values.
    lenience: what the user adds to every rating, in stars.
    close_up: whether the user photographs details, where there are any, and not the whole.
    """

    name: str
    interests: dict[str, float]
    taste: dict[str, dict[str, float]]
    style: Style
    lenience: float
    close_up: bool

    def choice(self, feature: str, offered: Sequence[str]) -> Float[np.ndarray, " V"]:
        """The probability of taking each of the offered values: softmax of the user's taste."""
        taste = np.asarray([self.taste[feature][value] for value in offered])
        weights = np.exp(_DECISIVENESS * (taste - taste.max()))
        return weights / weights.sum()

    def expected_taste(self, feature: str, offered: Sequence[str]) -> float:
        """The mean of taste over the user's choices among the offered values."""
        taste = np.asarray([self.taste[feature][value] for value in offered])
        return float(self.choice(feature, offered) @ taste)

    def sentiment(self, feature: str, value: str) -> str:
        """``phrases.LIKED``, ``DISLIKED`` or ``UNMOVED``."""
        liking = self.taste[feature][value]
        if abs(liking) < _INDIFFERENT:
            return phrases.UNMOVED
        return phrases.LIKED if liking > 0 else phrases.DISLIKED


def random_users(
    count: int, close_ups: float, generator: np.random.Generator, photographers: np.random.Generator
) -> list[User]:
    """Draws users whose taste is mostly one of a few profiles (low rank), and partly their own.

    close_ups: share of users who photograph details. photographers: draws who they are.
    """
    takes_details = photographers.permutation(count) < round(close_ups * count)
    profiles = [_random_taste(generator) for _ in range(_PROFILES)]
    users = []
    for number in range(count):
        profile, own = profiles[generator.integers(_PROFILES)], _random_taste(generator)
        taste = {
            feature: {
                value: (1 - _OWN_SHARE) ** 0.5 * profile[feature][value]
                + _OWN_SHARE**0.5 * own[feature][value]
                for value in values
            }
            for feature, values in VALUES.items()
        }
        interests = generator.gamma(1.0, size=len(VALUES)) + 0.1
        users.append(
            User(
                name=f"guest-{number:0{len(str(count - 1))}}",
                interests={feature: float(weight) for feature, weight in zip(VALUES, interests, strict=True)},
                taste=taste,
                style=random_style(generator),
                lenience=float(generator.normal(0, _LENIENCE)),
                close_up=bool(takes_details[number]),
            )
        )
    return users


def _random_taste(generator: np.random.Generator) -> dict[str, dict[str, float]]:
    return {
        feature: {value: float(generator.standard_normal()) for value in values}
        for feature, values in VALUES.items()
    }
