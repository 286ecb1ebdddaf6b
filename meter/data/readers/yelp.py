"""Reads the Yelp Open Dataset: ``yelp_academic_dataset_review.json``, ``photos.json`` and ``photos/``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.readers.base import check_columns, require_file, with_checked_columns
from meter.data.readers.jsonl import json_lines, json_lines_source, json_object
from meter.data.readers.mined import collect_mined_reviews
from meter.data.readers.photos import Photo, checked_photo, not_empty
from meter.data.reviews import Reviews
from meter.data.splits import INDEX_FOLDER
from meter.data.vocabulary import VocabularySource
from meter.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "yelp_academic_dataset_review.json"
PHOTOS = "photos.json"
_COLUMNS = ("user_id", "business_id", "stars", "text")


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
    return collect_mined_reviews(
        lambda: with_checked_columns(json_lines(path), _COLUMNS, (), source),
        _fields,
        source=source,
        tokenize=str.split,
        min_rating=min_rating,
        max_rating=max_rating,
        index_folder=folder / INDEX_FOLDER,
        seed=seed,
        vocabulary_from=vocabulary_from,
        console=console,
    )


def _fields(entry: Any) -> dict[str, Any]:
    review = json_object(entry)
    return {
        "user": review.get("user_id"),
        "item": review.get("business_id"),
        "rating": review.get("stars"),
        "text": review.get("text"),
    }


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
