"""Label Studio's JSON export, https://labelstud.io/guide/task_format, read back: annotations as answers of raters."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.storage.json_file import read_json
from meter.study.answer_rows import ANSWERS, AnswerRow, shown
from meter.study.key import Key


@dataclass(kw_only=True, slots=True)
class ExportCounts:
    """What exports hold besides whole annotations of this study's trials."""

    annotations: int = 0
    """Annotations that give answers, whole or not."""
    incomplete: int = 0
    """Those of them that leave a question open; what they answer counts."""
    cancelled: int = 0
    """Annotations that were cancelled, as a skipped task's are: they count for nothing."""
    drafts: int = 0
    """Drafts that were never submitted: they count for nothing."""
    unknown_tasks: int = 0
    """Tasks that are no trial of this study."""
    not_asked: int = 0
    """Results about something that the study does not ask of this pair of cards."""

    @classmethod
    def total(cls, counts: Sequence["ExportCounts"]) -> "ExportCounts":
        """The sums over several files."""
        return cls(**{one.name: sum(getattr(each, one.name) for each in counts) for one in fields(cls)})


@dataclass(kw_only=True, slots=True)
class Export:
    """An export, read."""

    rows: list[AnswerRow] = field(default_factory=list)
    counts: ExportCounts = field(default_factory=ExportCounts)


def read_export(path: Path, key: Key) -> Export:
    """Reads the format that Label Studio calls JSON: a list of tasks, each with its annotations.

    An annotator is called by the number of ``completed_by``; the export may hold an address too, which is not kept.

    Raises:
        InputError: the file is none of these, has no task of this study, or an answer that cannot be.
    """
    try:
        tasks = read_json(path)
    except ValueError as fault:
        raise InputError(f"{path}: expected Label Studio's JSON export, found no JSON ({fault})") from fault
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise InputError(
            f"{path}: expected Label Studio's JSON export, a list of tasks, found something else"
        )
    export = Export()
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {task.get('id', number)}"
        if not isinstance(task.get("data"), dict) or not isinstance(task.get("annotations"), list):
            raise InputError(
                f"{where}: expected 'data' and 'annotations', found {shown(', '.join(task)) or 'neither'}; export the "
                "project as JSON, not as JSON-MIN"
            )
        place = _place(task["data"], key)
        if place is None:
            export.counts.unknown_tasks += 1
            continue
        export.counts.drafts += len(task.get("drafts") or [])
        for annotation in task["annotations"]:
            _read_annotation(annotation, place, key, where, export)
    if tasks and export.counts.unknown_tasks == len(tasks):
        raise InputError(
            f"{path}: expected tasks of study {key.study}, found none among {len(tasks)}; this key is of another study"
        )
    return export


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a trial stands: sheet and number on it, from 1."""

    sheet: int
    trial: int


def _place(data: dict[str, Any], key: Key) -> _Place | None:
    """The trial that a task shows; None where it is none of this study."""
    sheet, trial = data.get("sheet"), data.get("trial")
    if data.get("study") != key.study or not isinstance(sheet, int) or not isinstance(trial, int):
        return None
    if not (1 <= sheet <= len(key.sheets) and 1 <= trial <= len(key.sheets[sheet - 1])):
        return None
    return _Place(sheet=sheet, trial=trial)


def _read_annotation(annotation: Any, place: _Place, key: Key, where: str, export: Export) -> None:
    """Adds the answers of one annotation, or counts why it gives none."""
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise InputError(f"{where}: expected annotations with a list 'result', found something else")
    where = f"{where}, annotation {annotation.get('id', '?')}"
    if annotation.get("was_cancelled"):
        export.counts.cancelled += 1
        return
    asked = {one.name: one for one in key.sheets[place.sheet - 1][place.trial - 1].asked}
    results = [result for result in annotation["result"] if _name(result) in asked]
    rater, seconds = _rater(annotation.get("completed_by"), where), annotation.get("lead_time")
    export.rows += [
        AnswerRow(
            rater=rater,
            sheet=place.sheet,
            trial=place.trial,
            question=asked[_name(result)],
            answer=_answer(result, where),
            seconds=float(seconds) if isinstance(seconds, int | float) else None,
            where=where,
        )
        for result in results
    ]
    export.counts.annotations += 1
    export.counts.incomplete += {_name(result) for result in results} < asked.keys()
    export.counts.not_asked += len(annotation["result"]) - len(results)


def _name(result: Any) -> str:
    """The control that a result is of: the question, for those of this study."""
    return str(result.get("from_name")) if isinstance(result, dict) else ""


def _answer(result: dict[str, Any], where: str) -> str:
    value = result.get("value")
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or choices[0] not in ANSWERS:
        raise InputError(
            f"{where}: expected one choice for {_name(result)}, left, tie or right, found {shown(str(choices))}"
        )
    return str(choices[0])


def _rater(completed_by: Any, where: str) -> str:
    number = completed_by.get("id") if isinstance(completed_by, dict) else completed_by
    if not isinstance(number, int | str) or not re.fullmatch(r"\w{1,40}", str(number)):
        raise InputError(
            f"{where}: expected 'completed_by' with an annotator's number, found {shown(str(number))}"
        )
    return f"annotator {number}"
