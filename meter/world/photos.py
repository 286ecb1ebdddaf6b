"""The photos of items: what each shows, the files, and which of them suit a review."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from meter.world.images.drawing import draw_detail_photo, draw_photo
from meter.world.items import Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """One photo.

    file: path inside the dataset's folder.
    label: the kind of the item if the photo is wide and shows all features; of a detail, the feature that it shows.
    shows: feature -> value.
    """

    item: str
    file: str
    label: str
    shows: Mapping[str, str]


def plan_photos(
    items: Iterable[Item], num_wide: int, num_details: int, generator: np.random.Generator
) -> list[Photo]:
    """Decides what the photos of all items show.

    num_wide: wide photos of each item. Each shows one visit; every offered value is on about as many as the others.
    num_details: details of each value that an item offers.
    """
    photos = []
    for item in items:
        visits = {
            feature: _balanced(offered, num_wide, generator) for feature, offered in item.offers.items()
        }
        for number in range(num_wide):
            shows = {feature: values[number] for feature, values in visits.items()}
            file = f"images/{item.name}-{number}.png"
            photos.append(Photo(item=item.name, file=file, label=item.kind, shows=shows))
        for feature, offered in item.offers.items():
            for value in offered:
                for number in range(num_details):
                    file = f"images/{item.name}-{feature}-{value}-{number}.png"
                    photos.append(Photo(item=item.name, file=file, label=feature, shows={feature: value}))
    return photos


def _balanced(offered: Sequence[str], count: int, generator: np.random.Generator) -> list[str]:
    """So many values in random order, every offered one as often as the others or once more."""
    values = [offered[number % len(offered)] for number in range(count)]
    return [values[number] for number in generator.permutation(count)]


def write_photos(
    photos: Iterable[Photo],
    size: int,
    wide_generator: np.random.Generator,
    detail_generator: np.random.Generator,
    folder: Path,
    *,
    variation: float,
) -> None:
    """Draws all photos, ``size`` pixels a side, into the dataset's folder.

    variation: of the viewpoints (``random_viewpoint``).
    """
    (folder / "images").mkdir(exist_ok=True)
    for photo in photos:
        if photo.label in photo.shows:
            value = photo.shows[photo.label]
            pixels = draw_detail_photo(photo.label, value, size, detail_generator, variation)
        else:
            pixels = draw_photo(photo.label, photo.shows, size, wide_generator, variation)
        Image.fromarray(pixels).save(folder / photo.file, compress_level=1)


class Album:
    """The photos of all items, to choose those that suit a review."""

    def __init__(self, photos: Iterable[Photo]) -> None:
        self._files: dict[tuple[str, str, str, bool], list[str]] = {}
        for photo in photos:
            for feature, value in photo.shows.items():
                key = photo.item, feature, value, photo.label == feature
                self._files.setdefault(key, []).append(photo.file)
        self._times_taken: Counter[tuple[str, ...]] = Counter()

    def suitable(self, item: str, feature: str, value: str, *, close_up: bool) -> list[str]:
        """The files of all details of this value, or of all wide photos that show it.

        The next call that finds the same files starts with another one of them, so that the first are used evenly.
        """
        files = self._files.get((item, feature, value, close_up), [])
        if not files:
            return []
        start = self._times_taken[tuple(files)] % len(files)
        self._times_taken[tuple(files)] += 1
        return files[start:] + files[:start]
