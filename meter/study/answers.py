"""The raters' files put together: every answer with the systems that it is about, rater by rater."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meter.errors import InputError
from meter.study.answer_rows import AnswerRow, csv_rows
from meter.study.design import Kind
from meter.study.key import Key, KeyTrial
from meter.study.label_studio_export import ExportCounts, read_export
from meter.study.questions import Question


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One rater's answer to one question about one trial. answer: ``left``, ``tie`` or ``right``."""

    trial: KeyTrial
    question: Question
    answer: str


@dataclass(kw_only=True, slots=True)
class Rater:
    """A rater with all answers, in the order of the sheet.

    sheet: from 1. seconds: for each trial that has an answer, where known. num_missing: questions of the sheet without
    an answer. num_checks: attention checks of the sheet, answered or not.
    """

    name: str
    sheet: int
    answers: list[Answer] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    num_missing: int = 0
    num_checks: int = 0


@dataclass(kw_only=True, slots=True)
class Answers:
    """Whoever rated, in the order of their names, and what of Label Studio's exports gave no answers.

    export: None without an export.
    """

    raters: list[Rater]
    export: ExportCounts | None = None


def read_answers(paths: Sequence[Path], key: Key) -> Answers:
    """Reads CSV files of the raters' page and, where a name ends in ``.json``, exports of Label Studio.

    Raises:
        InputError: with the place in the file, what was expected and what came: another study's file, a column, number,
            question or answer that cannot be, a question answered twice, or a rater with two sheets.
    """
    rows: list[AnswerRow] = []
    counts: list[ExportCounts] = []
    for path in paths:
        if not path.is_file():
            raise InputError(f"answers: {path} is no file")
        if path.suffix.lower() == ".json":
            export = read_export(path, key)
            rows += export.rows
            counts.append(export.counts)
        else:
            rows += csv_rows(path, key)
    return Answers(raters=_raters(rows, key), export=ExportCounts.total(counts) if counts else None)


def _raters(rows: Sequence[AnswerRow], key: Key) -> list[Rater]:
    """Every rater with all answers; InputError where two of them cannot both be."""
    raters: dict[str, dict[tuple[int, Question], AnswerRow]] = {}
    firsts: dict[str, AnswerRow] = {}
    for row in rows:
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
    return [_rater(name, of_rater, key) for name, of_rater in sorted(raters.items())]


def _rater(name: str, rows: dict[tuple[int, Question], AnswerRow], key: Key) -> Rater:
    number = next(iter(rows.values())).sheet
    rater = Rater(name=name, sheet=number)
    for place, trial in enumerate(key.sheets[number - 1], start=1):
        found = [rows[place, question] for question in trial.asked if (place, question) in rows]
        rater.answers += [Answer(trial=trial, question=row.question, answer=row.answer) for row in found]
        rater.seconds += [row.seconds for row in found[:1] if row.seconds is not None]
        rater.num_missing += len(trial.asked) - len(found)
        rater.num_checks += trial.kind is Kind.check
    return rater
