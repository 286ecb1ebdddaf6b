"""Reads JSON lines: ``reviews.jsonl``, and every other file with one JSON object per line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.readers.base import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    UnusableRecord,
    collect_reviews,
    require_file,
    with_checked_columns,
)
from meter.data.readers.mined import FeatureSource, collect_mined_reviews
from meter.data.reviews import Reviews, Source
from meter.data.splits import INDEX_FOLDER
from meter.data.tokenizer import tokenize
from meter.data.vocabulary import VocabularySource
from meter.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "reviews.jsonl"


def read_jsonl(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    features: FeatureSource = FeatureSource.given,
    vocabulary_from: VocabularySource = VocabularySource.train,
    console: "Console | None" = None,
) -> Reviews:
    """Reads ``reviews.jsonl``: one ``{"user", "item", "rating", "text"[, "feature"][, "image"]}`` per line.

    ``image`` is a file of the photo manifest, or a list of files that suit the review equally well.

    The splits are those of ``splits/*.index`` if that folder exists, otherwise made 8:1:1 with ``seed``.

    features: ``mined`` finds feature words for reviews without one (``collect_mined_reviews``); each of these becomes
        the first of its sentences that names one.
    vocabulary_from: the splits that feature words are mined from (D9).
    console: shows the progress.

    Raises:
        InputError: the file is missing, a line is not JSON, a name is absent or misspelt in the first record, the
            index files contradict each other, or no record is usable.
    """
    path = require_file(folder / REVIEWS)
    source = json_lines_source(path)
    if features is FeatureSource.mined:
        return collect_mined_reviews(
            lambda: with_checked_columns(json_lines(path), COLUMNS, OPTIONAL_COLUMNS, source),
            json_object,
            source=source,
            tokenize=tokenize,
            min_rating=min_rating,
            max_rating=max_rating,
            index_folder=folder / INDEX_FOLDER,
            seed=seed,
            vocabulary_from=vocabulary_from,
            console=console,
        )
    return collect_reviews(
        with_checked_columns(json_lines(path), COLUMNS, OPTIONAL_COLUMNS, source),
        json_object,
        source=source,
        tokenize=tokenize,
        min_rating=min_rating,
        max_rating=max_rating,
        splits=folder / INDEX_FOLDER,
        seed=seed,
        console=console,
    )


def json_lines_source(path: Path) -> Source:
    """The source of a file with one record per line."""
    return Source(path, line_of=lambda number: number + 1)


def json_lines(path: Path) -> Iterator[Any]:
    """Yields the value of every line; None for a blank line.

    Raises:
        InputError: a line is not JSON (``file:line``): the file is incomplete or of another kind.
    """
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            try:
                yield json.loads(text) if text.strip() else None
            except (ValueError, RecursionError) as fault:
                raise InputError(
                    f"{path}:{line}: expected one JSON object per line, found {_beginning(text)} ({fault})"
                ) from None


def json_object(value: Any) -> dict[str, Any]:
    """Returns ``value`` if it is a JSON object, otherwise raises ``UnusableRecord``."""
    if value is None:
        raise UnusableRecord("blank line")
    if not isinstance(value, dict):
        raise UnusableRecord("not a JSON object")
    return value


def _beginning(text: bytes) -> str:
    start = text[:40].decode("utf-8", errors="replace").rstrip()
    return repr(start + ("…" if len(text) > 40 else ""))
