"""The cards of a study: what each is made from, and all pictures of one size."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from meter.errors import InputError
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import decode_pictures
from meter.report.card import Card
from meter.run_folder import RunFolder


class Pictures(Enum):
    """Which pictures the cards show."""

    equal = "equal"
    """All, or none where no run has any; runs with and without pictures are refused, since raters could tell them
    apart."""
    mixed = "mixed"
    """Whatever a run has: to ask whether a picture helps, which cannot be blind."""
    none = "none"
    """None: rating and sentence alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a card is made from. generation: for a wrong card, that of a record with another one's sentence and
    codes."""

    run: int
    generation: Generation


@dataclass(frozen=True, kw_only=True, slots=True)
class Two:
    """The two cards of a pair or a check, the first system's or the right one first."""

    first: Source
    second: Source

    @property
    def rated(self) -> bool:
        """Whether both cards can show a rating."""
        return None not in (self.first.generation.predicted_rating, self.second.generation.predicted_rating)

    def without_ratings(self) -> "Two":
        """The same two cards, neither with a rating."""
        first, second = (
            replace(source, generation=replace(source.generation, predicted_rating=None))
            for source in (self.first, self.second)
        )
        return Two(first=first, second=second)


def make_cards(sources: Sequence[Source], runs: Sequence[RunFolder], pictures: Pictures) -> list[Card]:
    """Cards that tell nothing of their system: rating, sentence and picture, all pictures of one size.

    Where no rating is shown, nothing stands in its place.
    """
    images = _images(sources, runs, pictures)
    return [
        Card(
            user=source.generation.user,
            item=source.generation.item,
            feature=source.generation.feature,
            rating=source.generation.predicted_rating,
            text=source.generation.text,
            image=image,
            best_rating=round(runs[0].names.highest_rating),
        )
        for source, image in zip(sources, images, strict=True)
    ]


def _images(
    sources: Sequence[Source], runs: Sequence[RunFolder], pictures: Pictures
) -> list[UInt8[np.ndarray, "S S 3"] | None]:
    images: list[UInt8[np.ndarray, "S S 3"] | None] = [None] * len(sources)
    if pictures is Pictures.none:
        return images
    for number, run in enumerate(runs):
        places = [place for place, source in enumerate(sources) if source.run == number]
        decoded = decode_pictures([sources[place].generation for place in places], run.vq)
        for place, image in zip(places, decoded, strict=True):
            images[place] = image
    with_pictures = {source.run for source, image in zip(sources, images, strict=True) if image is not None}
    if pictures is Pictures.equal and with_pictures and len(with_pictures) < len(runs):
        without = next(number for number in range(len(runs)) if number not in with_pictures)
        raise InputError(
            f"{runs[min(with_pictures)]} has pictures and {runs[without]} has none, so raters could tell them apart: "
            "pictures=none compares rating and sentence; pictures=mixed shows what there is"
        )
    side = max((len(image) for image in images if image is not None), default=0)
    return [None if image is None else _resized(image, side) for image in images]


def _resized(image: UInt8[np.ndarray, "S S 3"], side: int) -> UInt8[np.ndarray, "{side} {side} 3"]:
    """The picture at the size that all have, so that neither size nor file format tells systems apart."""
    if len(image) == side:
        return image
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
