"""What a model generated for one record, and the JSON-lines file that keeps it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

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
    predicted_rating: float
    """Predicted rating, not clipped to the scale."""
    reference: str
    """True sentence, whole, tokenized (words separated by spaces)."""
    cut_reference: str
    """The first n words of the true sentence as the model sees them: words it does not know are ``<unk>``."""
    text: str
    """Generated sentence, tokenized."""
    context: list[str]
    """Words that the context head finds most probable, best first."""
    codes: list[int] | None
    """Generated visual codes, row by row; None for a model without pictures."""
    photo: int
    """Row of the record's photo in the photo stage; −1 where it has none."""


def write_generations(path: Path, generations: Iterable[Generation]) -> int:
    """Writes one JSON object a line, as they come, and returns how many.

    The lines go to a file beside ``path`` that takes its name only when all are written: a file of that name is
    always whole.
    """
    names = [field.name for field in fields(Generation)]
    count = 0
    with atomic_writer(path) as file:
        for generation in generations:
            values = {name: getattr(generation, name) for name in names}
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def read_generations(path: Path) -> list[Generation]:
    """Reads what ``write_generations`` wrote.

    Raises:
        InputError: the file is missing, a line is torn or not JSON, or has other keys than ``Generation``.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; evaluate the run first, which writes it")
    expected = {field.name for field in fields(Generation)}
    generations = []
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            place = f"{path}:{number}"
            try:
                values = json.loads(line)
            except json.JSONDecodeError as error:
                state = "is not JSON" if line.endswith("\n") else "is torn (the writing was stopped here)"
                raise InputError(f"{place}: the line {state}; generate the sentences again") from error
            found = set(values) if isinstance(values, dict) else set()
            if found != expected:
                missing, unknown = sorted(expected - found), sorted(found - expected)
                raise InputError(
                    f"{place}: not a generation of this version: keys missing {missing}, unknown {unknown}; "
                    "generate the sentences again"
                )
            generations.append(Generation(**values))
    return generations
