"""The answers of the raters' page: a CSV file with a row for every answer, each held against the key."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meter.errors import InputError
from meter.study.key import Key
from meter.study.questions import Question

COLUMNS = ["study", "rater", "sheet", "trial", "question", "answer", "seconds"]
ANSWERS = ("left", "tie", "right")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerRow:
    """One answer of a file, checked.

    sheet, trial: from 1; the trial is its place on the sheet. answer: ``left``, ``tie`` or ``right``.
    seconds: None where unknown. where: in which file, for messages.
    """

    rater: str
    sheet: int
    trial: int
    question: Question
    answer: str
    seconds: float | None
    where: str


def csv_rows(path: Path, key: Key) -> Iterator[AnswerRow]:
    """The rows of one file.

    Raises:
        InputError: with file and line, what was expected and what came.
    """
    # Spreadsheets put a mark before the first column when they save.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            header = next(lines, [])
            if header != COLUMNS:
                raise InputError(
                    f"{path}:1: expected the columns {','.join(COLUMNS)}, found {shown(','.join(header))}"
                )
            for cells in lines:
                if cells:
                    yield _row(cells, f"{path}:{lines.line_num}", key)
        except UnicodeDecodeError as fault:
            raise InputError(f"{path}: expected UTF-8 text, found other bytes at {fault.start}") from fault
        except csv.Error as fault:
            raise InputError(
                f"{path}:{lines.line_num}: expected a CSV row, found a broken one ({fault})"
            ) from fault


def _row(cells: Sequence[str], where: str, key: Key) -> AnswerRow:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where}: expected {len(COLUMNS)} cells, found {len(cells)}")
    study, rater, sheet, trial, question, answer, seconds = cells
    if study != key.study:
        raise InputError(
            f"{where}: expected study {key.study}, found {shown(study)}; this key is of another study"
        )
    if not rater:
        raise InputError(f"{where}: expected a rater id, found an empty cell")
    sheet_number = _number(sheet, "a sheet", len(key.sheets), where)
    trials = key.sheets[sheet_number - 1]
    place = _number(trial, "a trial", len(trials), where)
    asked = {one.name: one for one in trials[place - 1].asked}
    if question not in asked:
        raise InputError(
            f"{where}: expected one of the questions {', '.join(asked)}, found {shown(question)}"
        )
    if answer not in ANSWERS:
        raise InputError(f"{where}: expected the answer left, tie or right, found {shown(answer)}")
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", seconds, re.ASCII):
        raise InputError(f"{where}: expected seconds, such as 12.5, found {shown(seconds)}")
    return AnswerRow(
        rater=rater,
        sheet=sheet_number,
        trial=place,
        question=asked[question],
        answer=answer,
        seconds=float(seconds),
        where=where,
    )


def _number(cell: str, what: str, highest: int, where: str) -> int:
    if not re.fullmatch(r"\d{1,9}", cell, re.ASCII) or not 1 <= int(cell) <= highest:
        raise InputError(f"{where}: expected {what} from 1 to {highest}, found {shown(cell)}")
    return int(cell)


def shown(text: str) -> str:
    """What was found, short and on one line."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
