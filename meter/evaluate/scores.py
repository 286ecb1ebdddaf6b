"""Scores of single examples that need the world's truth or a network: written once, beside the generations."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meter.errors import InputError
from meter.storage.atomic import atomic_writer


def write_scores(path: Path, scores: Sequence[Mapping[str, Any]]) -> None:
    """Writes one JSON object a line: ``split``, ``row``, and ``{metric: value}`` by section, as in ``metrics.json``.

    The lines go to a file beside ``path`` that takes its name only when all are written.
    """
    with atomic_writer(path) as file:
        file.writelines(json.dumps(one, ensure_ascii=False, allow_nan=False) + "\n" for one in scores)


def read_scores(path: Path) -> list[dict[str, Any]]:
    """Reads what ``write_scores`` wrote.

    Raises:
        InputError: a line is not a JSON object with split and row.
    """
    scores = []
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            try:
                one = json.loads(line)
            except json.JSONDecodeError:
                one = None
            if not isinstance(one, dict) or not {"split", "row"} <= set(one):
                raise InputError(f"{path}:{number}: not the scores of an example; measure the run again")
            scores.append(one)
    return scores
