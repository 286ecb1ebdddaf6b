"""The raters' files, read and held against the key: every answer with the systems that it is about."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meter.errors import InputError
from meter.study.design import Kind
from meter.study.key import Key, KeyTrial
from meter.study.questions import Question

COLUMNS = ["study", "rater", "sheet", "trial", "question", "answer", "seconds"]
ANSWERS = ("left", "tie", "right")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One rater's answer to one question about one trial. answer: ``left``, ``tie`` or ``right``."""

    trial: KeyTrial
    question: Question
    answer: str


@dataclass(kw_only=True, slots=True)
class Rater:
    """A rater with all answers, in the order of the sheet.

    sheet: from 1. seconds: for each trial that has an answer. num_missing: questions of the sheet without an answer.
    num_checks: attention checks of the sheet, answered or not.
    """

    name: str
    sheet: int
    answers: list[Answer] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    num_missing: int = 0
    num_checks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A row of a file, checked. trial: its place on the sheet, from 1. where: file and line, for messages."""

    rater: str
    sheet: int
    trial: int
    question: Question
    answer: str
    seconds: float
    where: str


def read_answers(paths: Sequence[Path], key: Key) -> list[Rater]:
    """The raters in the order of their names.

    Raises:
        InputError: with file and line, what was expected and what came: another study's file, a column, number,
        question
            or answer that cannot be, a question answered twice, or a rater with two sheets.
    """
    raters: dict[str, dict[tuple[int, Question], _Row]] = {}
    firsts: dict[str, _Row] = {}
    for row in (row for path in paths for row in _rows(path, key)):
        first = firsts.setdefault(row.rater, row)
        if first.sheet != row.sheet:
            raise InputError(
                f"{row.where}: rater {row.rater!r} was on sheet {first.sheet} in {first.where}, now on {row.sheet}; "
                "two people need two ids"
            )
        before = raters.setdefault(row.rater, {}).setdefault((row.trial, row.question), row)
        if before is not row:
            raise InputError(
                f"{row.where}: rater {row.rater!r} has answered {row.question.name} of trial {row.trial} in "
                f"{before.where} already; keep one of them"
            )
    return [_rater(name, rows, key) for name, rows in sorted(raters.items())]


def _rater(name: str, rows: dict[tuple[int, Question], _Row], key: Key) -> Rater:
    number = next(iter(rows.values())).sheet
    rater = Rater(name=name, sheet=number)
    for place, trial in enumerate(key.sheets[number - 1], start=1):
        found = [rows[place, question] for question in trial.asked if (place, question) in rows]
        rater.answers += [Answer(trial=trial, question=row.question, answer=row.answer) for row in found]
        rater.seconds += [row.seconds for row in found[:1]]
        rater.num_missing += len(trial.asked) - len(found)
        rater.num_checks += trial.kind is Kind.check
    return rater


def _rows(path: Path, key: Key) -> Iterator[_Row]:
    """The rows of one file; utf-8-sig, since spreadsheets put a mark before the first column when they save."""
    if not path.is_file():
        raise InputError(f"answers: {path} is no file")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            header = next(lines, [])
            if header != COLUMNS:
                raise InputError(
                    f"{path}:1: expected the columns {','.join(COLUMNS)}, found {_shown(','.join(header))}"
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


def _row(cells: Sequence[str], where: str, key: Key) -> _Row:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where}: expected {len(COLUMNS)} cells, found {len(cells)}")
    study, rater, sheet, trial, question, answer, seconds = cells
    if study != key.study:
        raise InputError(
            f"{where}: expected study {key.study}, found {_shown(study)}; this key is of another study"
        )
    if not rater:
        raise InputError(f"{where}: expected a rater id, found an empty cell")
    sheet_number = _number(sheet, "a sheet", len(key.sheets), where)
    trials = key.sheets[sheet_number - 1]
    place = _number(trial, "a trial", len(trials), where)
    asked = {one.name: one for one in trials[place - 1].asked}
    if question not in asked:
        raise InputError(
            f"{where}: expected one of the questions {', '.join(asked)}, found {_shown(question)}"
        )
    if answer not in ANSWERS:
        raise InputError(f"{where}: expected the answer left, tie or right, found {_shown(answer)}")
    if not re.fullmatch(r"\d{1,9}(\.\d+)?", seconds, re.ASCII):
        raise InputError(f"{where}: expected seconds, such as 12.5, found {_shown(seconds)}")
    return _Row(
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
        raise InputError(f"{where}: expected {what} from 1 to {highest}, found {_shown(cell)}")
    return int(cell)


def _shown(text: str) -> str:
    """What was found, short and on one line."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
