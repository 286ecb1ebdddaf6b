"""Items (hotels and restaurants): their values, their quality, and the features that ordinary reviews never name."""

from dataclasses import dataclass

import numpy as np

from meter.world.attributes import VALUES
from meter.world.images.drawing import random_values

_APPEAL = 0.55
"""Standard deviation over items of what the general appeal of their values adds to the rating, in stars."""

_SERVICE = 0.25
"""Standard deviation over items of what no photo shows and every user feels, in stars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One item of the world.

    values: feature -> value.
    hidden: features that only reviews of the split ``unseen`` name.
    quality: what the item adds to every rating, in stars.
    """

    name: str
    kind: str
    values: dict[str, str]
    hidden: list[str]
    quality: float


def random_items(counts: dict[str, int], num_hidden: int, generator: np.random.Generator) -> list[Item]:
    """Draws items of each kind (kind -> how many); every feature's value is uniform and independent."""
    appeal = {feature: _random_appeal(values, generator) for feature, values in VALUES.items()}
    items = []
    for kind, count in counts.items():
        for number in range(count):
            values = random_values(kind, generator)
            total_appeal = (
                sum(appeal[feature][value] for feature, value in values.items()) / len(values) ** 0.5
            )
            items.append(
                Item(
                    name=f"{kind}-{number:0{len(str(count - 1))}}",
                    kind=kind,
                    values=values,
                    hidden=generator.permutation(list(values))[:num_hidden].tolist(),
                    quality=float(_APPEAL * total_appeal + generator.normal(0, _SERVICE)),
                )
            )
    return items


def _random_appeal(values: list[str], generator: np.random.Generator) -> dict[str, float]:
    """How much users in general like each value: about standard normal, with a mean of zero over the values."""
    drawn = generator.standard_normal(len(values))
    centred = (drawn - drawn.mean()) * (len(values) / (len(values) - 1)) ** 0.5
    return dict(zip(values, centred.tolist(), strict=True))
