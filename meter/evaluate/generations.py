"""What a run keeps of each record, a JSON object a line: what was generated for it, and what it scored."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.storage.atomic import atomic_writer


@dataclass(kw_only=True, slots=True)
class Generation:
    """One record of a split with everything that was generated for it."""

    split: str
    """Split of the record: ``test``, ``unseen``, …"""
    row: int
    """Row of the record in the prepared store."""
    user: str
    item: str
    feature: str | None
    """Feature word of the record, known to the model or not; None where the record has none."""
    rating: float
    """True rating."""
    predicted_rating: float | None
    """Predicted rating, not clipped to the scale; None for a model that predicts none."""
    reference: str
    """True sentence, whole, tokenized (words separated by spaces)."""
    cut_reference: str
    """The first n words of the true sentence as the model sees them: words it does not know are ``<unk>``."""
    text: str
    """Generated sentence, tokenized."""
    context: list[str]
    """Words that the context head finds most probable, best first; none for a model without that head."""
    codes: list[int] | None
    """Generated visual codes, row by row; None for a model without pictures, and where retrieval has no photo of the
    item."""
    photo: int
    """Row of the record's photo in the photo stage; −1 where it has none."""


def predicted_ratings(generations: Sequence[Generation]) -> list[float] | None:
    """What a model predicted for each; None where it predicts no ratings."""
    ratings = [generation.predicted_rating for generation in generations]
    known = [rating for rating in ratings if rating is not None]
    return known if len(known) == len(ratings) else None


def write_generations(path: Path, generations: Iterable[Generation]) -> int:
    """Writes one JSON object a line, as they come, and returns how many; the file appears when all are written."""
    names = [field.name for field in fields(Generation)]
    return _write_lines(
        path, ({name: getattr(generation, name) for name in names} for generation in generations)
    )


def read_generations(path: Path) -> list[Generation]:
    """Reads what ``write_generations`` wrote.

    Raises:
        InputError: the file is missing, a line is torn or not JSON, or has other keys than ``Generation``.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; evaluate the run first, which writes it")
    expected = {field.name for field in fields(Generation)}
    generations = []
    for line in _read_lines(path, remedy="generate the sentences again"):
        found = set(line.value) if isinstance(line.value, dict) else set()
        if found != expected:
            missing, unknown = sorted(expected - found), sorted(found - expected)
            raise InputError(
                f"{line.location}: not a generation of this version: keys missing {missing}, unknown {unknown}; "
                "generate the sentences again"
            )
        generations.append(Generation(**line.value))
    return generations


def write_scores(path: Path, scores: Iterable[Mapping[str, Any]]) -> int:
    """Writes one JSON object a line and returns how many: the scores of single records that took a network or the
    world's truth to make.

    scores: ``split``, ``row``, and ``{metric: value}`` by section, as in ``metrics.json``.
    """
    return _write_lines(path, scores)


def read_scores(path: Path) -> list[dict[str, Any]]:
    """Reads what ``write_scores`` wrote.

    Raises:
        InputError: a line is torn or not a JSON object with split and row.
    """
    scores = []
    for line in _read_lines(path, remedy="measure the run again"):
        if not isinstance(line.value, dict) or not {"split", "row"} <= set(line.value):
            raise InputError(f"{line.location}: not the scores of a record; measure the run again")
        scores.append(line.value)
    return scores


@dataclass(kw_only=True, slots=True)
class _Line:
    """location: file and line number, for messages."""

    location: str
    value: Any


def _write_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with atomic_writer(path) as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def _read_lines(path: Path, remedy: str) -> Iterator[_Line]:
    # Text may hold U+2028 and the like, which end a line for str.splitlines() but not here.
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            location = f"{path}:{number}"
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                state = "is not JSON" if line.endswith("\n") else "is torn (the writing was stopped here)"
                raise InputError(f"{location}: the line {state}; {remedy}") from error
            yield _Line(location=location, value=value)
