"""Hotels and restaurants: their values, how good they are, and which features the reviews keep to themselves."""

from dataclasses import dataclass

import numpy as np

from meter.world.attributes import VALUES
from meter.world.images.drawing import random_values

_APPEAL = 0.55
"""Standard deviation over places of what their values' common appeal adds to the rating, in stars."""

_SERVICE = 0.25
"""Standard deviation over places of what no photo shows and every guest feels, in stars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One item of the world.

    values: feature -> value.
    hidden: features that no review outside the split ``unseen`` names.
    quality: what the place adds to every rating, in stars.
    """

    name: str
    kind: str
    values: dict[str, str]
    hidden: list[str]
    quality: float


def random_places(counts: dict[str, int], num_hidden: int, generator: np.random.Generator) -> list[Place]:
    """Places of each kind (kind -> how many), every feature's value drawn evenly and by itself."""
    appeal = {feature: _random_appeal(values, generator) for feature, values in VALUES.items()}
    places = []
    for kind, count in counts.items():
        for number in range(count):
            values = random_values(kind, generator)
            liked = sum(appeal[feature][value] for feature, value in values.items()) / len(values) ** 0.5
            places.append(
                Place(
                    name=f"{kind}-{number:0{len(str(count - 1))}}",
                    kind=kind,
                    values=values,
                    hidden=generator.permutation(list(values))[:num_hidden].tolist(),
                    quality=float(_APPEAL * liked + generator.normal(0, _SERVICE)),
                )
            )
    return places


def _random_appeal(values: list[str], generator: np.random.Generator) -> dict[str, float]:
    """How much people at large like each value, about standard normal, with a mean of zero over the values."""
    drawn = generator.standard_normal(len(values))
    centred = (drawn - drawn.mean()) * (len(values) / (len(values) - 1)) ** 0.5
    return dict(zip(values, centred.tolist(), strict=True))
