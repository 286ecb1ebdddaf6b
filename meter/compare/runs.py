"""Finished runs, found by folder or pattern and opened without their networks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meter.config import RunConfig, read_config
from meter.errors import InputError
from meter.evaluate.generations import Generation, read_generations, read_scores
from meter.metrics import METRICS_VERSION
from meter.run_folder import NAMES

CONFIG, MANIFEST, METRICS = "config.yaml", "manifest.json", "metrics.json"
GENERATIONS, SCORES = "generations.jsonl", "scores.jsonl"


@dataclass(kw_only=True, slots=True)
class FinishedRun:
    """What a run left behind.

    scores: what ``scores.jsonl`` holds, a line for each generation; None where an older run has no such file.
    features: the feature words of its dataset.
    """

    folder: Path
    config: RunConfig
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    generations: list[Generation]
    scores: list[dict[str, Any]] | None
    features: list[str]

    @property
    def splits(self) -> list[str]:
        """The splits it was evaluated on."""
        return list(dict.fromkeys(generation.split for generation in self.generations))


def find_runs(patterns: Sequence[str]) -> list[Path]:
    """The run folders that are named or match a pattern, in the order given, each once.

    A pattern passes over what is no run folder (a comparison beside the runs, say).

    Raises:
        InputError: a folder that is not there or no run folder, or a pattern that no run folder matches.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        if any(sign in pattern for sign in "*?["):
            anchor = Path(pattern).anchor
            matches = Path(anchor).glob(str(Path(pattern).relative_to(anchor)))
            folders = sorted(match for match in matches if (match / CONFIG).is_file())
            if not folders:
                raise InputError(f"runs: no run folder matches {pattern}")
        else:
            folders = [Path(pattern)]
            if not (folders[0] / CONFIG).is_file():
                raise InputError(f"runs: {pattern} is not a run folder ({CONFIG} is missing)")
        for folder in folders:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def open_run(folder: Path) -> FinishedRun:
    """Reads what a run left behind.

    Raises:
        InputError: the run is unfinished, was not generated from, or was measured by another version.
    """
    config = read_config(folder / CONFIG)
    if not config.evaluation.generate:
        raise InputError(f"{folder} was trained with evaluation.generate=false: there is nothing to compare")
    for name in (METRICS, GENERATIONS, MANIFEST, NAMES):
        if not (folder / name).is_file():
            raise InputError(f"{folder} is unfinished: {name} is missing; run its command again to go on")
    metrics = _read_json(folder / METRICS)
    if metrics.get("metrics_version") != METRICS_VERSION:
        raise InputError(
            f"{folder} was measured with metrics version {metrics.get('metrics_version')}, this is version "
            f"{METRICS_VERSION}; measure it again: python -m meter.evaluate run={folder}"
        )
    generations = read_generations(folder / GENERATIONS)
    scores = read_scores(folder / SCORES) if (folder / SCORES).is_file() else None
    places = [(generation.split, generation.row) for generation in generations]
    if scores is not None and places != [(score["split"], score["row"]) for score in scores]:
        raise InputError(
            f"{folder / SCORES} is not of the rows in {GENERATIONS}; measure it again: "
            f"python -m meter.evaluate run={folder}"
        )
    return FinishedRun(
        folder=folder,
        config=config,
        manifest=_read_json(folder / MANIFEST),
        metrics=metrics,
        generations=generations,
        scores=scores,
        features=_read_json(folder / NAMES)["features"],
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON ({error}); run its command again to make it anew") from error
