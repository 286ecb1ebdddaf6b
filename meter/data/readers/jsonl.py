"""Reads lines of JSON objects: ``reviews.jsonl``, and the files of other formats that are of this kind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.reviews import Intake, Reviews, Source, UnusableRecord, check_columns, require_file
from meter.data.splits import INDEX_FOLDER, with_splits
from meter.data.tokenizer import tokenize
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "reviews.jsonl"


def read_jsonl(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    console: "Console | None" = None,
) -> Reviews:
    """Reads ``reviews.jsonl``: one ``{"user", "item", "rating", "text"[, "feature"][, "image"]}`` a line.

    The splits are those of ``splits/*.index``, if that folder is there, else made 8:1:1 by ``seed``.

    console: shows how far the reading is.

    Raises:
        InputError: the file is missing, a line is no JSON, a name is absent or misspelt in the first record, the
            index files contradict each other, or no record can be used.
    """
    path = require_file(folder / REVIEWS)
    source = Source(path, line_of=lambda number: number + 1)
    intake = Intake(source=source, tokenize=tokenize, min_rating=min_rating, max_rating=max_rating)
    for line, entry in tracked(objects(path), f"reading {path.name}", None, console):
        if line == 1 and isinstance(entry, dict):
            check_columns(entry, ("user", "item", "rating", "text"), ("feature", "image"), source.place(0))
        intake.take(lambda entry=entry: as_object(entry))
    return with_splits(intake, folder / INDEX_FOLDER, seed=seed)


def objects(path: Path) -> Iterator[tuple[int, Any]]:
    """Yields line number (from 1) and value of every line; None for a blank line.

    Raises:
        InputError: a line is no JSON (``file:line``): the file is torn or of another kind.
    """
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            try:
                yield line, json.loads(text) if text.strip() else None
            except (ValueError, RecursionError) as fault:
                raise InputError(
                    f"{path}:{line}: expected one JSON object a line, found {_shown(text)} ({fault})"
                ) from None


def as_object(entry: Any) -> dict[str, Any]:
    """Returns ``entry`` if it is a JSON object, else it cannot be used."""
    if entry is None:
        raise UnusableRecord("blank line")
    if not isinstance(entry, dict):
        raise UnusableRecord("not a JSON object")
    return entry


def _shown(text: bytes) -> str:
    start = text[:40].decode("utf-8", errors="replace").rstrip()
    return repr(start + ("…" if len(text) > 40 else ""))
