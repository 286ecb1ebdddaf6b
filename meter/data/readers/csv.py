"""Reads reviews from a table: ``reviews.csv``."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.readers.base import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    UnusableRecord,
    check_columns,
    collect_reviews,
    require_file,
)
from meter.data.readers.mined import FeatureSource, collect_mined_reviews
from meter.data.reviews import Reviews, Source
from meter.data.splits import INDEX_FOLDER
from meter.data.tokenizer import tokenize
from meter.data.vocabulary import VocabularySource
from meter.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "reviews.csv"


def read_csv(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    features: FeatureSource = FeatureSource.given,
    vocabulary_from: VocabularySource = VocabularySource.train,
    console: "Console | None" = None,
) -> Reviews:
    """Reads ``reviews.csv`` (UTF-8, comma, header row) with the columns user,item,rating,text[,feature][,image].

    The splits are those of ``splits/*.index`` (numbers of data rows, from 0) if that folder exists, otherwise made
    8:1:1 with ``seed``. An empty cell in ``feature`` or ``image`` means that there is none.

    features: ``mined`` finds feature words for reviews without one (``collect_mined_reviews``); each of these becomes
        the first of its sentences that names one.
    vocabulary_from: the splits that feature words are mined from (D9).
    console: shows the progress.

    Raises:
        InputError: the file is missing or not CSV, a column is absent or misspelt, the index files contradict each
            other, or no record is usable.
    """
    path = require_file(folder / REVIEWS)
    lines: list[int] = []
    source = Source(path, line_of=lines.__getitem__)
    if features is FeatureSource.mined:
        return collect_mined_reviews(
            lambda: _rows(path, lines),
            _fields,
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
        _rows(path, lines),
        _fields,
        source=source,
        tokenize=tokenize,
        min_rating=min_rating,
        max_rating=max_rating,
        splits=folder / INDEX_FOLDER,
        seed=seed,
        console=console,
    )


def _rows(path: Path, lines: list[int]) -> Iterator[tuple[list[str], list[str]]]:
    """Yields header and cells of every data row, and notes in ``lines``, from the start, the line where it ends."""
    lines.clear()
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.reader(file, strict=True)
        try:
            columns = [name.strip() for name in next(table, [])]
            _check_header(columns, path)
            for cells in table:
                lines.append(table.line_num)
                yield columns, cells
        except (csv.Error, UnicodeDecodeError) as fault:
            raise InputError(f"{path}:{table.line_num + 1}: not a CSV file in UTF-8 ({fault})") from None


def _check_header(columns: list[str], path: Path) -> None:
    check_columns(columns, COLUMNS, OPTIONAL_COLUMNS, f"{path}:1")
    repeated = {name for name in columns if columns.count(name) > 1}
    if repeated:
        raise InputError(f"{path}:1: column {sorted(repeated)[0]!r} appears more than once")


def _fields(row: tuple[list[str], list[str]]) -> Mapping[str, Any]:
    columns, cells = row
    if not cells:
        raise UnusableRecord("blank line")
    if len(cells) != len(columns):
        raise UnusableRecord("not as many cells as columns")
    fields: dict[str, Any] = {
        name: cell if cell.strip() else None for name, cell in zip(columns, cells, strict=True)
    }
    if fields["rating"] is not None:
        try:
            fields["rating"] = float(fields["rating"])
        except ValueError:
            raise UnusableRecord("rating is not a number") from None
    return fields
