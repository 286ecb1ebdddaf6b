"""Raw files as large as the field's datasets, made up: what they say means nothing, how much they say is like them."""

import itertools
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

WORDS, FEATURES = 30_000, 200
DISTINCT_PHOTOS = 1000
"""Photos drawn; the others are links to them: each is opened and decoded all the same."""
BLOCK = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much there is of a dataset.

    format: ``peter`` or ``yelp``, as in ``dataset.format``.  words: mean length of a review.
    photo: sides of the photos, pixels.
    """

    name: str
    format: str
    reviews: int
    users: int
    items: int
    photos: int
    words: int
    photo: tuple[int, int] = (200, 150)

    def times(self, factor: float) -> "Size":
        """The same dataset, grown: reviews, users, items and photos alike."""
        return replace(
            self,
            reviews=round(self.reviews * factor),
            users=round(self.users * factor),
            items=round(self.items * factor),
            photos=round(self.photos * factor),
        )


SIZES = {
    size.name: size
    for size in (
        # Records, users and items as published for PETER's data (Li et al., ACL 2021); Yelp's photos as Yelp says.
        Size(
            name="tripadvisor",
            format="peter",
            reviews=320_023,
            users=9_765,
            items=6_280,
            photos=60_000,
            words=13,
        ),
        Size(
            name="yelp",
            format="yelp",
            reviews=1_293_247,
            users=27_147,
            items=20_266,
            photos=200_000,
            words=100,
        ),
    )
}


def write_dataset(folder: Path, size: Size, seed: int) -> None:
    """Fills ``folder`` with reviews and photos in the size's format."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    if size.format == "peter":
        _write_peter(folder, size, chance)
    else:
        _write_yelp(folder, size, chance)
    _write_photos(folder, size, chance)


def _write_peter(folder: Path, size: Size, chance: np.random.Generator) -> None:
    records = [
        {"user": user, "item": item, "rating": rating, "template": (feature, "fine", text, 1)}
        for user, item, rating, feature, text in _reviews(size, chance, sentences=1)
    ]
    with (folder / "reviews.pickle").open("wb") as file:
        pickle.dump(records, file)
    (folder / "1").mkdir()
    # The first record of everyone is in train: users and items come in turn there.
    tenth = size.reviews // 10
    ends = {"train": size.reviews - 2 * tenth, "validation": size.reviews - tenth, "test": size.reviews}
    start = 0
    for name, end in ends.items():
        (folder / "1" / f"{name}.index").write_text(" ".join(map(str, range(start, end))))
        start = end


def _write_yelp(folder: Path, size: Size, chance: np.random.Generator) -> None:
    with (folder / "yelp_academic_dataset_review.json").open("w", encoding="utf-8") as file:
        for user, item, rating, _, text in _reviews(size, chance, sentences=6):
            entry = {
                "user_id": user,
                "business_id": item,
                "stars": rating,
                "text": text,
                "date": "2018-01-01",
            }
            file.write(json.dumps(entry) + "\n")


def _reviews(
    size: Size, chance: np.random.Generator, sentences: int
) -> Iterator[tuple[str, str, int, str, str]]:
    """User, item, rating, feature and text; the text's last sentence says something of the feature."""
    words = np.array([f"w{number}" for number in range(WORDS)])
    often = 1 / np.arange(1, WORDS + 1)
    features = [f"{first}{second}thing" for first, second in itertools.product(_SYLLABLES, repeat=2)][
        :FEATURES
    ]
    spoken = size.words // sentences
    pool = [" ".join(line) for line in chance.choice(words, (BLOCK, spoken), p=often / often.sum())]
    for start in range(0, size.reviews, BLOCK):
        count = min(BLOCK, size.reviews - start)
        own = chance.choice(words, (count, spoken - 3), p=often / often.sum())
        before = chance.integers(0, len(pool), (count, sentences - 1))
        ratings = chance.integers(1, 6, count)
        about = chance.integers(0, FEATURES, count)
        for row in range(count):
            number, feature = start + row, features[about[row]]
            said = f"the {feature} was {' '.join(own[row])} ."
            text = " ".join([*(f"{pool[line]} ." for line in before[row]), said])
            # Strides without a common divisor: everyone meets everything, nobody twice in a row.
            yield f"u{number % size.users}", f"i{number * 7 % size.items}", int(ratings[row]), feature, text


def _write_photos(folder: Path, size: Size, chance: np.random.Generator) -> None:
    from PIL import Image

    photos = folder / "photos"
    photos.mkdir()
    width, height = size.photo
    first: list[Path] = []
    manifest = folder / ("photos.json" if size.format == "yelp" else "images.jsonl")
    with manifest.open("w", encoding="utf-8") as file:
        for number in range(size.photos):
            path = photos / f"{number}.jpg"
            if number < DISTINCT_PHOTOS:
                coarse = chance.integers(0, 256, (height // 25, width // 25, 3), dtype=np.uint8)
                Image.fromarray(coarse).resize(size.photo, Image.Resampling.BICUBIC).save(path, quality=90)
                first.append(path)
            else:
                path.hardlink_to(first[number % DISTINCT_PHOTOS])
            item, label = f"i{number % size.items}", ("food", "inside")[number % 2]
            entry = (
                {"photo_id": str(number), "business_id": item, "caption": "", "label": label}
                if size.format == "yelp"
                else {"item": item, "file": f"photos/{number}.jpg", "label": label}
            )
            file.write(json.dumps(entry) + "\n")


_SYLLABLES = [a + b for a, b in itertools.product("bdfgklmnprstvz", "aeiou")]
