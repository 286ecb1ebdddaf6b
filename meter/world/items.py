"""Items (hotels and restaurants): what they offer, their quality, and the features that ordinary reviews never name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meter.world.attributes import VALUES, VISIT_FEATURES
from meter.world.images.drawing import random_values

_APPEAL = 0.55
"""Standard deviation over items of what the general appeal of their values adds to the rating, in stars."""

_SERVICE = 0.25
"""Standard deviation over items of what no photo shows and every user feels, in stars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One item of the world.

    offers: feature -> the values that a guest may find; a single one unless the value belongs to the visit.
    hidden: features that only reviews of the split ``unseen`` name.
    quality: what the item adds to every rating, in stars.
    """

    name: str
    kind: str
    offers: dict[str, list[str]]
    hidden: list[str]
    quality: float


def random_items(
    counts: dict[str, int],
    num_hidden: int,
    offered_values: int,
    generator: np.random.Generator,
    further_offers: np.random.Generator,
) -> list[Item]:
    """Draws items of each kind (kind -> how many); every feature's values are uniform and independent of the others.

    offered_values: of each feature in ``VISIT_FEATURES``.
    further_offers: draws all of them but the first, so that their number changes nothing else.
    """
    appeal = {feature: _random_appeal(values, generator) for feature, values in VALUES.items()}
    items = []
    for kind, count in counts.items():
        for number in range(count):
            values = random_values(kind, generator)
            offers = {
                feature: _offers(feature, value, offered_values, further_offers)
                for feature, value in values.items()
            }
            total_appeal = (
                sum(_mean_appeal(appeal[feature], offered) for feature, offered in offers.items())
                / len(offers) ** 0.5
            )
            items.append(
                Item(
                    name=f"{kind}-{number:0{len(str(count - 1))}}",
                    kind=kind,
                    offers=offers,
                    hidden=generator.permutation(list(values))[:num_hidden].tolist(),
                    quality=float(_APPEAL * total_appeal + generator.normal(0, _SERVICE)),
                )
            )
    return items


def _offers(feature: str, value: str, count: int, generator: np.random.Generator) -> list[str]:
    if feature not in VISIT_FEATURES:
        return [value]
    others = [other for other in VALUES[feature] if other != value]
    return [value, *generator.permutation(others)[: count - 1].tolist()]


def _random_appeal(values: list[str], generator: np.random.Generator) -> dict[str, float]:
    """How much users in general like each value: about standard normal, with a mean of zero over the values."""
    drawn = generator.standard_normal(len(values))
    centred = (drawn - drawn.mean()) * (len(values) / (len(values) - 1)) ** 0.5
    return dict(zip(values, centred.tolist(), strict=True))


def _mean_appeal(appeal: dict[str, float], offered: Sequence[str]) -> float:
    return sum(appeal[value] for value in offered) / len(offered)
