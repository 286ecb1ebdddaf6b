"""Reviews as all readers give them, and the checks that every record passes on its way in."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meter.data.tally import Tally
from meter.errors import InputError


@dataclass(slots=True)
class Review:
    """One sentence of a user about an item.

    rating: on the scale of the source (1 to 5 unless the reader was told otherwise).
    text: the whole sentence, tokenized, words separated by one space.
    feature: the feature word that the sentence is about (may have several words), None if unknown.
    image: the file name of its own photo, as in the photo manifest; None if any photo of the item will do.
    """

    user: str
    item: str
    rating: float
    text: str
    feature: str | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The file that records came from; says where in it a record stands.

    line_of: record number (from 0) to line number (from 1); None where the file has no lines (a pickle).
    """

    file: Path
    line_of: Callable[[int], int] | None = None

    def place(self, number: int) -> str:
        if self.line_of is None:
            return f"{self.file}, record {number} (counted from 0)"
        return f"{self.file}:{self.line_of(number)}"


@dataclass(kw_only=True, slots=True)
class Reviews:
    """The kept records of a source.

    numbers: for each record its number in the source, counted from 0 and over dropped records too.
    splits: name to positions in ``records``; ``train``, ``validation`` and ``test`` are always there, and
        every record is in exactly one split.
    """

    records: list[Review]
    numbers: list[int]
    splits: dict[str, list[int]]
    tally: Tally
    source: Source


class UnusableRecord(Exception):
    """A single bad record: it is dropped, and its reason counted."""


@dataclass(kw_only=True, slots=True)
class Intake:
    """Checks the records of one source one by one, keeps the good ones and counts the others.

    tokenize: raw text to words.
    min_rating, max_rating: ratings outside are dropped.
    names: each user, item, feature word and file once: what comes again is then not in memory again.
    """

    source: Source
    tokenize: Callable[[str], list[str]]
    min_rating: float
    max_rating: float
    records: list[Review] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    names: dict[str, str] = field(default_factory=dict)

    def take(self, read: Callable[[], Mapping[str, Any]]) -> None:
        """Takes the source's next record: the fields of a ``Review``, raw.

        ``read`` may raise ``UnusableRecord``.
        """
        number = self.tally.read
        self.tally.read += 1
        try:
            review = self._check(read())
        except UnusableRecord as fault:
            self.tally.drop(str(fault), self.source.place(number))
        else:
            self.records.append(review)
            self.numbers.append(number)

    def _check(self, fields: Mapping[str, Any]) -> Review:
        return Review(
            user=self._identity(fields, "user"),
            item=self._identity(fields, "item"),
            rating=self._rating(fields),
            text=self._words(fields, "text") or _unusable("empty text"),
            feature=self._once(self._words(fields, "feature")) if fields.get("feature") is not None else None,
            image=self._once(_string(fields, "image")) if fields.get("image") is not None else None,
        )

    def _identity(self, fields: Mapping[str, Any], name: str) -> str:
        value = fields.get(name)
        name_or_number = str(value) if type(value) is int else _string(fields, name)
        return self._once(name_or_number) or _unusable(f"empty {name}")

    def _once(self, name: str | None) -> str | None:
        return self.names.setdefault(name, name) if name else None

    def _rating(self, fields: Mapping[str, Any]) -> float:
        rating = fields.get("rating")
        if rating is None:
            return _unusable("no rating")
        if type(rating) not in (int, float):
            return _unusable("rating is not a number")
        if not self.min_rating <= rating <= self.max_rating:
            return _unusable(f"rating outside {self.min_rating:g} to {self.max_rating:g}")
        return float(rating)

    def _words(self, fields: Mapping[str, Any], name: str) -> str | None:
        return " ".join(self.tokenize(_string(fields, name))) or None


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return _unusable(f"no {name}")
    if not isinstance(value, str):
        return _unusable(f"{name} is not a string")
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        return _unusable(f"{name} is not Unicode text")
    return value


def _unusable(reason: str) -> Any:
    raise UnusableRecord(reason)


def require_file(path: Path) -> Path:
    """Returns ``path`` if it is a file.

    Raises:
        InputError: it is not there; the message names the file and where it should lie.
    """
    if not path.is_file():
        raise InputError(
            f"{path.name} is missing: expected it at {path}; "
            "put it there or set dataset.root to its folder (data/README.md says where each file comes from)"
        )
    return path


def check_columns(
    found: Collection[str], required: Collection[str], optional: Collection[str], place: str
) -> None:
    """Checks the names of a source's columns.

    Names that nothing here reads are let through, unless one looks like an optional name that is absent: a
    misspelt ``feature`` would otherwise be lost without a word.

    Raises:
        InputError: a required name is absent, or an optional one looks misspelt.
    """
    strangers = [name for name in found if name not in required and name not in optional]
    for name in [*required, *optional]:
        if name in found:
            continue
        near = difflib.get_close_matches(name, strangers, n=1, cutoff=0.75)
        hint = f": rename {near[0]!r} to {name!r}" if near else ""
        if name in required:
            raise InputError(
                f"{place}: no {name!r}; expected {', '.join(required)}, found {', '.join(found)}{hint}"
            )
        if near:
            raise InputError(f"{place}: {near[0]!r} is not a known name; did you mean {name!r}?{hint}")
