"""Reads the manifest of photos: ``images.jsonl``."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from meter.data.readers.base import check_columns, require_file
from meter.data.readers.jsonl import json_lines
from meter.errors import InputError

MANIFEST = "images.jsonl"


@dataclass(frozen=True, slots=True)
class Photo:
    """One entry of the photo manifest.

    file: path relative to the raw folder.
    label: what kind of thing the photo shows, such as "bathroom".
    """

    item: str
    file: str
    label: str | None = None
    caption: str | None = None


def read_photos(folder: Path) -> list[Photo]:
    """Reads ``images.jsonl``: one ``{"item", "file"[, "label"][, "caption"]}`` per line.

    Raises:
        InputError: the manifest is missing or empty; a line is not JSON, lacks item or file, or names a file
            outside ``folder``.
    """
    path = require_file(folder / MANIFEST)
    photos = []
    for line, entry in enumerate(json_lines(path), start=1):
        if line == 1 and isinstance(entry, dict):
            check_columns(entry, ("item", "file"), ("label", "caption"), f"{path}:1")
        photos.append(checked_photo(entry, f"{path}:{line}"))
    return not_empty(photos, path)


def checked_photo(entry: Any, location: str) -> Photo:
    """Checks one entry of a manifest.

    Raises:
        InputError: see ``read_photos``.
    """
    if not isinstance(entry, dict):
        raise InputError(
            f"{location}: expected a JSON object with item and file, found {type(entry).__name__}"
        )
    if type(entry.get("item")) is int:
        entry = {**entry, "item": str(entry["item"])}
    for name in ("item", "file"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise InputError(
                f"{location}: {name} must be a string that is not empty, found {entry.get(name)!r}"
            )
    for name in ("label", "caption"):
        if not isinstance(entry.get(name), (str, type(None))):
            raise InputError(f"{location}: {name} must be a string, found {entry[name]!r}")
    file = PurePosixPath(entry["file"])
    if file.is_absolute() or ".." in file.parts:
        raise InputError(
            f"{location}: photo {entry['file']!r} lies outside the dataset's folder; move it inside"
        )
    return Photo(entry["item"], entry["file"], entry.get("label") or None, entry.get("caption") or None)


def not_empty(photos: list[Photo], manifest: Path) -> list[Photo]:
    """Returns the photos of a manifest; raises InputError if there are none."""
    if not photos:
        raise InputError(f"{manifest}: no photo is listed; list some or set dataset.use_images=false")
    return photos
