"""Finished runs, found by folder or pattern and opened without their networks."""

from collections.abc import Sequence
from pathlib import Path

from meter.errors import InputError
from meter.metrics import METRICS_VERSION
from meter.run_folder import RunFolder


def find_runs(patterns: Sequence[str]) -> list[Path]:
    """The run folders that are named or match a pattern, in the order given, each once.

    What matches a pattern but is no run folder, such as a comparison beside the runs, is passed over.

    Raises:
        InputError: a folder that is not there or no run folder, or a pattern that no run folder matches.
    """
    runs: dict[Path, Path] = {}
    for pattern in patterns:
        if any(sign in pattern for sign in "*?["):
            anchor = Path(pattern).anchor
            matches = Path(anchor).glob(str(Path(pattern).relative_to(anchor)))
            folders = sorted(match for match in matches if RunFolder(match).config_file.is_file())
            if not folders:
                raise InputError(f"runs: no run folder matches {pattern}")
        else:
            folders = [Path(pattern)]
            config = RunFolder(pattern).config_file
            if not config.is_file():
                raise InputError(f"runs: {pattern} is not a run folder ({config.name} is missing)")
        for folder in folders:
            runs.setdefault(folder.resolve(), folder)
    return list(runs.values())


def open_run(folder: Path) -> RunFolder:
    """Opens a finished run, without its networks.

    Raises:
        InputError: the run is unfinished, has generated nothing, or was measured by another version.
    """
    run = RunFolder(folder)
    if not run.config.evaluation.generate:
        raise InputError(f"{folder} was trained with evaluation.generate=false: there is nothing to compare")
    for file in (run.metrics_file, run.generations_file, run.manifest_file, run.names_file):
        if not file.is_file():
            raise InputError(
                f"{folder} is unfinished: {file.name} is missing; run its command again to go on"
            )
    if run.metrics.get("metrics_version") != METRICS_VERSION:
        raise InputError(
            f"{folder} was measured with metrics version {run.metrics.get('metrics_version')}, this is version "
            f"{METRICS_VERSION}; measure it again: python -m meter.evaluate run={folder}"
        )
    records = [(generation.split, generation.row) for generation in run.generations]
    if run.scores is not None and records != [(score["split"], score["row"]) for score in run.scores]:
        raise InputError(
            f"{run.scores_file} is not of the records in {run.generations_file.name}; measure it again: "
            f"python -m meter.evaluate run={folder}"
        )
    return run
