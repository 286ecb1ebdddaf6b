"""The key of a study: what stands behind every pair of cards. It lies in a file of its own, which no rater sees."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.storage.json_file import read_json, write_json
from meter.study.design import Kind
from meter.study.questions import Question

FORMAT = 1


@dataclass(kw_only=True, slots=True)
class KeyRun:
    """A compared run. label: what tells it from the others. config_hash: of its manifest."""

    label: str
    path: str
    config_hash: str


@dataclass(kw_only=True, slots=True)
class KeyTrial:
    """What stands behind two cards.

    number: which pair, or which check; a repeat has its pair's number. row: of the record in its split.
    left, right: the numbers of the runs; None for a check, whose cards are both of one run.
    right_answer: for a check, ``left`` or ``right``; None else.
    """

    kind: Kind
    number: int
    row: int
    item: str
    asked: list[Question]
    left: int | None = None
    right: int | None = None
    right_answer: str | None = None


@dataclass(kw_only=True, slots=True)
class Key:
    """A whole key. study: its id, which the answers name too. sheets: the trials of each, in the order shown.

    made: the command, versions and settings that the study was made with.
    """

    study: str
    dataset: str
    split: str
    questions: list[Question]
    runs: list[KeyRun]
    sheets: list[list[KeyTrial]]
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def num_pairs(self) -> int:
        """How many different pairs of cards are compared, checks apart."""
        return len({trial.number for sheet in self.sheets for trial in sheet if trial.kind is Kind.pair})


def write_key(path: Path, key: Key) -> Path:
    """Writes the key as JSON and returns its path."""
    return write_json(path, {"format": FORMAT, "key": key}, indent=1)


def read_key(path: Path) -> Key:
    """Reads what ``write_key`` wrote.

    Raises:
        InputError: the file is missing, no JSON, no key, or a key of another format.
    """
    if not path.is_file():
        raise InputError(f"key: {path} is no file; give the key.json that python -m meter.study create wrote")
    try:
        content = read_json(path)
    except ValueError as fault:
        raise InputError(f"{path}: expected a study's key, found no JSON ({fault})") from fault
    if not isinstance(content, dict) or "format" not in content or "key" not in content:
        raise InputError(f"{path}: expected a study's key with 'format' and 'key', found something else")
    if content["format"] != FORMAT:
        raise InputError(
            f"{path}: expected a key of format {FORMAT}, found {content['format']!r}; create the study again"
        )
    try:
        return _key(content["key"])
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(
            f"{path}: not a whole key ({type(fault).__name__}: {fault}); create the study again"
        ) from fault


def _key(content: dict[str, Any]) -> Key:
    sheets = [[_trial(trial) for trial in sheet] for sheet in content["sheets"]]
    runs = [KeyRun(**run) for run in content["runs"]]
    for trial in (trial for sheet in sheets for trial in sheet):
        places = (trial.left, trial.right) if trial.kind is not Kind.check else ()
        if any(place not in range(len(runs)) for place in places):
            raise ValueError(f"a {trial.kind.name} of runs {trial.left} and {trial.right}, of {len(runs)}")
        if trial.kind is Kind.check and trial.right_answer not in ("left", "right"):
            raise ValueError(f"a check with the right answer {trial.right_answer!r}")
    return Key(
        **{
            **content,
            "questions": [Question[name] for name in content["questions"]],
            "runs": runs,
            "sheets": sheets,
        }
    )


def _trial(content: dict[str, Any]) -> KeyTrial:
    return KeyTrial(
        **{**content, "kind": Kind[content["kind"]], "asked": [Question[name] for name in content["asked"]]}
    )
