"""What the training split says of every user and item: kept with a run, which is shown without its data."""

from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Int64

from meter.data.pairing import NO_PHOTO
from meter.data.store import Prepared
from meter.errors import InputError
from meter.storage.json_file import read_json, write_json


@dataclass(kw_only=True, slots=True)
class Catalogue:
    """Of the training records alone; everything is by row of the tables of users and items.

    user_reviews, item_reviews: how many records.
    user_ratings, item_ratings: the mean of their ratings; None without a record.
    item_features: feature word -> how many of the item's records are about it, the most frequent first.
    item_photos: feature word -> rows of the photos that suit the item's records about it; ``""`` stands for records
        without a feature word.
    """

    user_reviews: list[int]
    user_ratings: list[float | None]
    item_reviews: list[int]
    item_ratings: list[float | None]
    item_features: list[dict[str, int]]
    item_photos: list[dict[str, list[int]]]

    @classmethod
    def of(cls, prepared: Prepared) -> "Catalogue":
        """Counts the training split."""
        records, train = prepared.records, prepared.splits["train"]
        users, items = records.users[train], records.items[train]
        ratings = np.asarray(records.ratings[train], dtype=np.float64)
        counts: list[Counter[str]] = [Counter() for _ in prepared.items]
        shown: list[dict[str, set[int]]] = [{} for _ in prepared.items]
        known, sets = set(prepared.features), prepared.photo_sets
        for item, row in zip(items.tolist(), train.tolist(), strict=True):
            feature = prepared.feature(row) or ""
            if feature in known:
                counts[item][feature] += 1
            number = int(records.photo_sets[row])
            if number != NO_PHOTO:
                members = sets.members[sets.offsets[number] : sets.offsets[number + 1]].tolist()
                shown[item].setdefault(feature, set()).update(members)
        return cls(
            user_reviews=np.bincount(users, minlength=len(prepared.users)).tolist(),
            user_ratings=_means(users, ratings, len(prepared.users)),
            item_reviews=np.bincount(items, minlength=len(prepared.items)).tolist(),
            item_ratings=_means(items, ratings, len(prepared.items)),
            item_features=[
                dict(sorted(of_item.items(), key=lambda entry: (-entry[1], entry[0]))) for of_item in counts
            ],
            item_photos=[
                {feature: sorted(photos) for feature, photos in sorted(of_item.items())} for of_item in shown
            ],
        )

    def save(self, file: Path) -> None:
        """Writes JSON."""
        write_json(file, self)

    @classmethod
    def load(cls, file: Path) -> "Catalogue":
        """Reads what ``save`` wrote. Raises InputError where it is not that."""
        try:
            content = read_json(file)
        except ValueError as fault:
            raise InputError(
                f"{file} is not JSON ({fault}); measure the run again, which writes it"
            ) from fault
        expected = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) != expected:
            found = sorted(content) if isinstance(content, dict) else type(content).__name__
            raise InputError(
                f"{file}: expected {', '.join(sorted(expected))}, found {found}; measure the run again, which writes it"
            )
        return cls(**content)


def training_photos(prepared: Prepared) -> Int64[np.ndarray, "N 2"]:
    """Every item with every photo that suits a training record of it, by item, then by photo."""
    records, sets = prepared.records, prepared.photo_sets
    train = prepared.splits["train"]
    pairs = set(zip(records.items[train].tolist(), records.photo_sets[train].tolist(), strict=True))
    shown = {
        (item, photo)
        for item, number in pairs
        if number != NO_PHOTO
        for photo in sets.members[sets.offsets[number] : sets.offsets[number + 1]].tolist()
    }
    return np.array(sorted(shown), dtype=np.int64).reshape(-1, 2)


def _means(rows: Int[np.ndarray, " N"], values: Float[np.ndarray, " N"], length: int) -> list[float | None]:
    counts = np.bincount(rows, minlength=length)
    sums = np.bincount(rows, weights=values, minlength=length)
    return [float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]
