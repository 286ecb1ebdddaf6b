"""Reviews, as every reader returns them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from meter.data.record_counts import RecordCounts


@dataclass(slots=True)
class Review:
    """One sentence of a user about an item.

    rating: on the scale of the source (1 to 5 unless the reader was given another one).
    text: the whole sentence, tokenized, words separated by one space.
    feature: the feature word that the sentence is about (possibly several words), None if unknown.
    images: the file names of its own photos, as in the photo manifest; empty if any photo of the item will do.
    """

    user: str
    item: str
    rating: float
    text: str
    feature: str | None = None
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The file that records were read from; tells the location of a record in it.

    line_of: record number (from 0) -> line number (from 1); None if the file has no lines (a pickle).
    """

    file: Path
    line_of: Callable[[int], int] | None = None

    def location(self, number: int) -> str:
        """Where record ``number`` (from 0) stands: ``file:line``."""
        if self.line_of is None:
            return f"{self.file}, record {number} (counted from 0)"
        return f"{self.file}:{self.line_of(number)}"


@dataclass(kw_only=True, slots=True)
class Reviews:
    """The kept records of a source.

    numbers: for each record its number in the source, counted from 0 over all records, dropped ones included.
    splits: name -> indices into ``records``; ``train``, ``validation`` and ``test`` are always there, and
        every record is in exactly one split.
    """

    records: list[Review]
    numbers: list[int]
    splits: dict[str, list[int]]
    counts: RecordCounts
    source: Source
