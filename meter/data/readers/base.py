"""What all readers share: checks of files, columns and records, and the steps from raw records to reviews.

A reader finds its file, iterates over the raw records and tells where each has user, item, rating and text.
``collect_reviews`` does the rest.
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from meter.data.record_counts import RecordCounts
from meter.data.reviews import Review, Reviews, Source
from meter.data.splits import make_splits, read_index_files, without
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

Raw = TypeVar("Raw")

COLUMNS = ("user", "item", "rating", "text")
OPTIONAL_COLUMNS = ("feature", "image")


class UnusableRecord(Exception):
    """A single bad record: it is dropped, and counted by its reason."""


def collect_reviews(
    raw_records: Iterable[Raw],
    fields: Callable[[Raw], Mapping[str, Any]],
    *,
    source: Source,
    tokenize: Callable[[str], list[str]],
    min_rating: float,
    max_rating: float,
    splits: Mapping[str, list[int]] | Path,
    seed: int | None = None,
    num_records: int | None = None,
    console: "Console | None" = None,
) -> Reviews:
    """Checks every raw record, drops and counts the unusable ones, and splits the others.

    fields: raw record -> the unchecked fields of a ``Review``; may raise ``UnusableRecord``.
    source: the file that is read, for messages.
    tokenize: raw text -> words.
    splits: record numbers of each split, or the folder of index files with them.
    seed: for the 8:1:1 split made if that folder does not exist; None if it must exist.
    num_records: how many raw records there are, if known.  console: shows the progress.

    Raises:
        InputError: no record is usable, or the index files are missing or contradict each other.
    """
    checker = _RecordChecker(tokenize, min_rating, max_rating)
    counts = RecordCounts()
    records: list[Review] = []
    numbers: list[int] = []
    for number, raw in enumerate(tracked(raw_records, f"reading {source.file.name}", num_records, console)):
        counts.read += 1
        try:
            records.append(checker.review(fields(raw)))
            numbers.append(number)
        except UnusableRecord as fault:
            counts.drop(str(fault), source.location(number))
    if not records:
        reasons = "; ".join(f"{reason}, first at {each.first}" for reason, each in counts.dropped.items())
        raise InputError(
            f"{source.file}: none of its {counts.read} records can be used ({reasons or 'it is empty'})"
        )
    if isinstance(splits, Path):
        pairs = ((number, record.user, record.item) for number, record in zip(numbers, records, strict=True))
        splits = find_splits(splits, counts.read, pairs, seed)
    index_of = {number: index for index, number in enumerate(numbers)}
    kept = {
        name: [index_of[number] for number in split if number in index_of] for name, split in splits.items()
    }
    reviews = Reviews(records=records, numbers=numbers, splits=kept, counts=counts, source=source)
    unlisted = set(range(len(records))).difference(*kept.values())
    return without(reviews, dict.fromkeys(unlisted, "in no index file"))


def find_splits(
    index_folder: Path, num_records: int, pairs: Iterable[tuple[int, str, str]], seed: int | None
) -> dict[str, list[int]]:
    """The record numbers of each split: from index files, or made 8:1:1 if the folder does not exist.

    pairs: record number, user and item of every record to split.
    seed: of the 8:1:1 split; None if index files are required.

    Raises:
        InputError: the index files are missing or contradict each other.
    """
    if seed is None or index_folder.is_dir():
        return read_index_files(index_folder, num_records)
    return make_splits(pairs, seed)


def require_file(path: Path) -> Path:
    """Returns ``path`` if it is a file.

    Raises:
        InputError: it is missing; the message names the file and where it should be.
    """
    if not path.is_file():
        raise InputError(
            f"{path.name} is missing: expected it at {path}; "
            "put it there or set dataset.root to its folder (docs/data.md says where each file comes from)"
        )
    return path


def check_columns(
    found: Collection[str], required: Collection[str], optional: Collection[str], location: str
) -> None:
    """Checks the names of a file's columns.

    Unknown names are ignored, unless one looks like an optional name that is absent: a misspelt ``feature`` would
    otherwise be lost silently.

    Raises:
        InputError: a required name is absent, or an optional one looks misspelt.
    """
    unknown = [name for name in found if name not in required and name not in optional]
    for name in [*required, *optional]:
        if name in found:
            continue
        similar = difflib.get_close_matches(name, unknown, n=1, cutoff=0.75)
        hint = f": rename {similar[0]!r} to {name!r}" if similar else ""
        if name in required:
            raise InputError(
                f"{location}: no {name!r}; expected {', '.join(required)}, found {', '.join(found)}{hint}"
            )
        if similar:
            raise InputError(f"{location}: {similar[0]!r} is not a known name; did you mean {name!r}?{hint}")


def with_checked_columns(
    raw_records: Iterable[Raw], required: Collection[str], optional: Collection[str], source: Source
) -> Iterator[Raw]:
    """Yields the raw records, after ``check_columns`` on the keys of the first one if it is a dict."""
    for number, raw in enumerate(raw_records):
        if number == 0 and isinstance(raw, dict):
            check_columns([str(key) for key in raw], required, optional, source.location(0))
        yield raw


@dataclass(slots=True)
class _RecordChecker:
    """Turns raw fields into reviews, or raises ``UnusableRecord``.

    names: every user, item, feature word and file name once, so that a repeated name takes no further memory.
    """

    tokenize: Callable[[str], list[str]]
    min_rating: float
    max_rating: float
    names: dict[str, str] = field(default_factory=dict)

    def review(self, fields: Mapping[str, Any]) -> Review:
        return Review(
            user=self._identity(fields, "user"),
            item=self._identity(fields, "item"),
            rating=self._rating(fields),
            text=self._words(fields, "text") or _unusable("empty text"),
            feature=self._shared(self._words(fields, "feature"))
            if fields.get("feature") is not None
            else None,
            images=self._images(fields),
        )

    def _identity(self, fields: Mapping[str, Any], name: str) -> str:
        value = fields.get(name)
        identity = str(value) if type(value) is int else _string(fields, name)
        return self._shared(identity) or _unusable(f"empty {name}")

    def _shared(self, name: str | None) -> str | None:
        return self.names.setdefault(name, name) if name else None

    def _images(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        given = fields.get("image")
        files = given if isinstance(given, list) else [] if given is None else [given]
        names = (self._shared(_string({"image": file}, "image")) for file in files)
        return tuple(name for name in names if name)

    def _rating(self, fields: Mapping[str, Any]) -> float:
        rating = fields.get("rating")
        if rating is None:
            _unusable("no rating")
        if type(rating) not in (int, float):
            _unusable("rating is not a number")
        if not self.min_rating <= rating <= self.max_rating:
            _unusable(f"rating outside {self.min_rating:g} to {self.max_rating:g}")
        return float(rating)

    def _words(self, fields: Mapping[str, Any], name: str) -> str | None:
        return " ".join(self.tokenize(_string(fields, name))) or None


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        _unusable(f"no {name}")
    if not isinstance(value, str):
        _unusable(f"{name} is not a string")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        _unusable(f"{name} is not Unicode text")
    return value


def _unusable(reason: str) -> NoReturn:
    raise UnusableRecord(reason)
