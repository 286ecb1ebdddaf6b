"""Reads the Yelp Open Dataset: ``yelp_academic_dataset_review.json``, ``photos.json`` and ``photos/``."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.readers.base import (
    UnusableRecord,
    check_columns,
    collect_reviews,
    find_splits,
    require_file,
    with_checked_columns,
)
from meter.data.readers.feature_mining import first_named, mine_features
from meter.data.readers.jsonl import json_lines, json_lines_source, json_object
from meter.data.readers.photos import Photo, checked_photo, not_empty
from meter.data.reviews import Reviews
from meter.data.splits import INDEX_FOLDER
from meter.data.vocabulary import VocabularySource
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "yelp_academic_dataset_review.json"
PHOTOS = "photos.json"
_COLUMNS = ("user_id", "business_id", "stars", "text")
_MINED_REVIEWS = 100_000


def read_yelp(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    vocabulary_from: VocabularySource = VocabularySource.train,
    console: "Console | None" = None,
) -> Reviews:
    """Reads Yelp's reviews: one ``{"user_id", "business_id", "stars", "text", …}`` per line.

    Yelp's reviews are long and name no feature word. First all reviews are split: by ``splits/*.index`` if that
    folder exists, otherwise 8:1:1 with ``seed``. Then feature words are mined from the first 100,000 training reviews
    (``mine_features``). Finally the first sentence of every review that names one is kept (``first_named``); a review
    without such a sentence is dropped and counted.

    vocabulary_from: the splits that feature words are mined from (D9).
    console: shows the progress.

    Raises:
        InputError: the file is missing, a line is not JSON, a name is absent in the first record, the index files
            contradict each other, or no record is usable.
    """
    path = require_file(folder / REVIEWS)
    source = json_lines_source(path)
    splits = _split(path, folder / INDEX_FOLDER, seed, console)
    mined = None if vocabulary_from is VocabularySource.peter_compat else set(splits["train"])
    features = mine_features(islice(_texts(path, mined), _MINED_REVIEWS))
    return collect_reviews(
        with_checked_columns(json_lines(path), _COLUMNS, (), source),
        lambda entry: _fields(json_object(entry), features),
        source=source,
        tokenize=str.split,
        min_rating=min_rating,
        max_rating=max_rating,
        splits=splits,
        console=console,
    )


def _split(path: Path, index_folder: Path, seed: int, console: "Console | None") -> dict[str, list[int]]:
    """The record numbers of each split, over all reviews, whether they can be used later or not."""
    names: dict[str, str] = {}  # every name once: a repeated one takes no further memory
    pairs: list[tuple[int, str, str]] = []
    num_records = 0
    for number, entry in enumerate(tracked(json_lines(path), f"splitting {path.name}", None, console)):
        num_records += 1
        if isinstance(entry, dict):
            user, item = str(entry.get("user_id")), str(entry.get("business_id"))
            pairs.append((number, names.setdefault(user, user), names.setdefault(item, item)))
    return find_splits(index_folder, num_records, pairs, seed)


def _texts(path: Path, numbers: Collection[int] | None) -> Iterator[str]:
    """The texts of the reviews with these record numbers; None: of all."""
    for number, entry in enumerate(json_lines(path)):
        if (numbers is None or number in numbers) and isinstance(entry, dict):
            text = entry.get("text")
            if isinstance(text, str):
                yield text


def _fields(entry: Mapping[str, Any], features: Collection[str]) -> dict[str, Any]:
    fields = {
        "user": entry.get("user_id"),
        "item": entry.get("business_id"),
        "rating": entry.get("stars"),
        "text": entry.get("text"),
    }
    if isinstance(fields["text"], str) and fields["text"].strip():
        named = first_named(fields["text"], features)
        if named is None:
            raise UnusableRecord("no sentence names a feature word")
        fields["text"], fields["feature"] = named.sentence, named.feature
    return fields


def read_yelp_photos(folder: Path) -> list[Photo]:
    """Reads ``photos.json``: one ``{"photo_id", "business_id", "caption", "label"}`` per line; the files are
    ``photos/<photo_id>.jpg``.

    Raises:
        InputError: the manifest is missing or empty, or a line is not JSON or lacks a name.
    """
    path = require_file(folder / PHOTOS)
    photos = []
    for line, entry in enumerate(json_lines(path), start=1):
        location = f"{path}:{line}"
        if not isinstance(entry, dict):
            raise InputError(f"{location}: expected a JSON object, found {type(entry).__name__}")
        check_columns(entry, ("photo_id", "business_id"), ("label", "caption"), location)
        file = f"photos/{entry['photo_id']}.jpg"
        photos.append(checked_photo({**entry, "item": entry["business_id"], "file": file}, location))
    return not_empty(photos, path)
