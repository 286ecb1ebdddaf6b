"""Reads the Yelp Open Dataset: ``yelp_academic_dataset_review.json``, ``photos.json`` and ``photos/``."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.images import Photo, as_photo
from meter.data.readers.feature_mining import first_named, mine_features
from meter.data.readers.jsonl import as_object, objects
from meter.data.reviews import Intake, Reviews, Source, UnusableRecord, check_columns, require_file
from meter.data.splits import INDEX_FOLDER, with_splits
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "yelp_academic_dataset_review.json"
PHOTOS = "photos.json"
_MINED_REVIEWS = 100_000


def read_yelp(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    console: "Console | None" = None,
) -> Reviews:
    """Reads Yelp's reviews: one ``{"user_id", "business_id", "stars", "text", …}`` a line.

    Yelp's reviews are long, and name no feature word. Feature words are mined from the first 100,000 reviews
    (``mine_features``); of every review the first sentence that names one is kept (``first_named``), and a review
    without such a sentence is dropped and counted. Words are mined before there are splits, since it depends on
    them which sentences there are to split.

    The splits are those of ``splits/*.index``, if that folder is there, else made 8:1:1 by ``seed``.

    console: shows how far the reading is.

    Raises:
        InputError: the file is missing, a line is no JSON, a name is absent in the first record, the index files
            contradict each other, or no record can be used.
    """
    path = require_file(folder / REVIEWS)
    source = Source(path, line_of=lambda number: number + 1)
    features = mine_features(islice(_texts(path), _MINED_REVIEWS))
    intake = Intake(source=source, tokenize=str.split, min_rating=min_rating, max_rating=max_rating)
    for line, entry in tracked(objects(path), f"reading {path.name}", None, console):
        if line == 1 and isinstance(entry, dict):
            check_columns(entry, ("user_id", "business_id", "stars", "text"), (), source.place(0))
        intake.take(lambda entry=entry: _fields(as_object(entry), features))
    return with_splits(intake, folder / INDEX_FOLDER, seed=seed)


def _texts(path: Path) -> Iterator[str]:
    for _, entry in objects(path):
        if isinstance(entry, dict) and isinstance(entry.get("text"), str):
            yield entry["text"]


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
    """Reads ``photos.json``: one ``{"photo_id", "business_id", "caption", "label"}`` a line; the files are
    ``photos/<photo_id>.jpg``.

    Raises:
        InputError: the manifest is missing or empty, or a line is no JSON or lacks a name.
    """
    path = require_file(folder / PHOTOS)
    photos = []
    for line, entry in objects(path):
        place = f"{path}:{line}"
        if not isinstance(entry, dict):
            raise InputError(f"{place}: expected a JSON object, found {type(entry).__name__}")
        check_columns(entry, ("photo_id", "business_id"), ("label", "caption"), place)
        file = f"photos/{entry['photo_id']}.jpg"
        photos.append(as_photo({**entry, "item": entry["business_id"], "file": file}, place))
    if not photos:
        raise InputError(f"{path}: no photo is listed; list some or set dataset.use_images=false")
    return photos
