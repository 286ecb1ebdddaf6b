"""Reads reviews from a table: ``reviews.csv``."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.data.reviews import Intake, Reviews, Source, UnusableRecord, check_columns, require_file
from meter.data.splits import INDEX_FOLDER, with_splits
from meter.data.tokenizer import tokenize
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "reviews.csv"


def read_csv(
    folder: Path,
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    seed: int = 0,
    console: "Console | None" = None,
) -> Reviews:
    """Reads ``reviews.csv`` (UTF-8, comma, header row) with the columns user,item,rating,text[,feature][,image].

    The splits are those of ``splits/*.index`` (numbers of data rows, from 0), if that folder is there, else made
    8:1:1 by ``seed``. An empty cell in ``feature`` or ``image`` means that there is none.

    console: shows how far the reading is.

    Raises:
        InputError: the file is missing or no CSV, a column is absent or misspelt, the index files contradict each
            other, or no record can be used.
    """
    path = require_file(folder / REVIEWS)
    lines: list[int] = []
    source = Source(path, line_of=lines.__getitem__)
    intake = Intake(source=source, tokenize=tokenize, min_rating=min_rating, max_rating=max_rating)
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.reader(file, strict=True)
        try:
            columns = [name.strip() for name in next(table, [])]
            _check_header(columns, path)
            for cells in tracked(table, f"reading {path.name}", None, console):
                lines.append(table.line_num)
                intake.take(lambda cells=cells: _fields(columns, cells))
        except (csv.Error, UnicodeDecodeError) as fault:
            raise InputError(f"{path}:{table.line_num + 1}: not a CSV file in UTF-8 ({fault})") from None
    return with_splits(intake, folder / INDEX_FOLDER, seed=seed)


def _check_header(columns: list[str], path: Path) -> None:
    check_columns(columns, ("user", "item", "rating", "text"), ("feature", "image"), f"{path}:1")
    twice = {name for name in columns if columns.count(name) > 1}
    if twice:
        raise InputError(f"{path}:1: column {sorted(twice)[0]!r} appears more than once")


def _fields(columns: list[str], cells: list[str]) -> Mapping[str, Any]:
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
