"""Runs that differ in their seeds only are one system; and whether systems may be compared at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from meter.config import BESIDE_THE_RESULT
from meter.errors import InputError
from meter.run_folder import RunFolder
from meter.storage.fingerprint import plain

IGNORED = {*BESIDE_THE_RESULT, "seed", "data_seed", "dataset.root"}
"""Settings in which the runs of one system may differ: the seeds, where files lie, what it computes on."""
CHOICES = {
    "dataset.name",
    "dataset.root",
    "dataset.text_length",
    "dataset.vocabulary_size",
    "dataset.vocabulary_from",
    "dataset.use_images",
    "dataset.image_size",
    "dataset.pairing",
    "dataset.labels",
    "dataset.clip",
    "dataset.label_fallback",
    "dataset.shuffle_photos",
    "dataset.skip_broken_photos",
}
"""Settings of what a system makes of the records; every other field of ``dataset`` decides the records themselves."""
MAX_SHOWN = 3
"""Settings that a label or a message names at most."""
MAX_LISTED = 6
"""Seeds that are listed one by one at most."""


@dataclass(kw_only=True, slots=True)
class System:
    """Runs of one config over several worlds and seeds, by data_seed and seed.

    label: what tells it from the others, short. settings: the config without the seeds, ``{dotted key: value}``.
    """

    label: str
    settings: dict[str, Any]
    runs: list[RunFolder]

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs, rising within a world."""
        return [run.config.seed for run in self.runs]

    @property
    def data_seeds(self) -> list[int]:
        """The data_seeds of its runs, rising."""
        return [run.config.data_seed for run in self.runs]

    @property
    def worlds(self) -> list[int]:
        """The data_seeds of its worlds, rising, each once."""
        return sorted(set(self.data_seeds))

    def runs_of(self, data_seed: int) -> list[RunFolder]:
        """The runs of one world, by seed."""
        return [run for run in self.runs if run.config.data_seed == data_seed]


def group_by_system(runs: Sequence[RunFolder]) -> list[System]:
    """The systems in the order in which their first runs are given, labelled by what tells them apart.

    Raises:
        InputError: two runs are the same system with the same data_seed and seed.
    """
    systems: list[System] = []
    for run in runs:
        settings = _settings(run)
        same = next((system for system in systems if system.settings == settings), None)
        if same is None:
            systems.append(System(label="", settings=settings, runs=[run]))
            continue
        for other in same.runs:
            if _seeds(other) == _seeds(run):
                raise InputError(
                    f"{other.path} and {run.path} are the same system with the same seed ({run.config.seed}) and "
                    f"data_seed ({run.config.data_seed}); leave one out"
                )
        same.runs.append(run)
    for system in systems:
        system.runs.sort(key=_seeds)
    for system, label in zip(systems, _labels(systems), strict=True):
        system.label = label
    return systems


def differing_settings(systems: Sequence[System]) -> dict[str, list[Any]]:
    """Every field in which the systems differ, with each system's value."""
    keys = dict.fromkeys(key for system in systems for key in system.settings)
    values = {key: [system.settings.get(key) for system in systems] for key in keys}
    return {key: chosen for key, chosen in values.items() if any(value != chosen[0] for value in chosen)}


def check_same_data(runs: Sequence[RunFolder]) -> None:
    """Refuses runs of one world whose data or evaluated records are not the same, and other splits in any world.

    Raises:
        InputError: naming the two runs and how they differ.
    """
    worlds: dict[int, list[RunFolder]] = {}
    for run in runs:
        worlds.setdefault(run.config.data_seed, []).append(run)
    for of_world in worlds.values():
        for first, other in pairwise(of_world):
            both = f"{first.path} and {other.path}"
            if first.manifest["inputs"]["prepared"] != other.manifest["inputs"]["prepared"]:
                _check_records(first, other, both)
            _check_splits(first, other, both)
            for split in first.splits:
                _check_evaluated(first, other, split, both)
    for first, other in pairwise(of_world[0] for of_world in worlds.values()):
        _check_splits(first, other, f"{first.path} and {other.path}")


def runs_said(data_seeds: Sequence[int], seeds: Sequence[int], *, of_worlds: bool) -> str:
    """``seed 0``, ``seeds 0, 1, 2``, or ``15 runs: 3 worlds (data_seed 0, 1, 2) × 5 seeds``, given each run's two.

    of_worlds: whether the worlds are to be named, as where runs of several are compared.
    """
    if not of_worlds:
        if len(seeds) > MAX_LISTED:
            return f"{len(seeds)} seeds"
        return f"seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}"
    worlds = Counter(data_seeds)
    named = f" (data_seed {listed(sorted(worlds))})" if len(worlds) <= MAX_LISTED else ""
    counts = [worlds[data_seed] for data_seed in sorted(worlds)]
    each = f"× {_counted(counts[0], 'seed')}" if len(set(counts)) == 1 else f"with {listed(counts)} seeds"
    return f"{_counted(len(seeds), 'run')}: {_counted(len(worlds), 'world')}{named} {each}"


def listed(numbers: Sequence[int]) -> str:
    """``0, 1, 2``."""
    return ", ".join(map(str, numbers))


def written(value: Any) -> str:
    """A value of a config as the command line would say it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{','.join(map(written, value))}]" if isinstance(value, list) else str(value)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _seeds(run: RunFolder) -> tuple[int, int]:
    """What tells a run from the others of its system."""
    return run.config.data_seed, run.config.seed


def _check_splits(first: RunFolder, other: RunFolder, both: str) -> None:
    if set(first.splits) != set(other.splits):
        raise InputError(
            f"{both} were evaluated on other splits: {', '.join(first.splits)} and {', '.join(other.splits)}"
        )


def _check_records(first: RunFolder, other: RunFolder, both: str) -> None:
    settings, others = (_flat(plain(run.config.dataset), "dataset.") for run in (first, other))
    differing = {key: (settings[key], others[key]) for key in settings if settings[key] != others[key]}
    if not differing:
        raise InputError(f"{both} were made from different data: the raw files have changed between them")
    deciding = [
        f"{key}={written(values[0])} and {written(values[1])}"
        for key, values in differing.items()
        if not any(key == own or key.startswith(own + ".") for own in CHOICES)
    ]
    if deciding:
        raise InputError(f"{both} were made from different data: {', '.join(deciding[:MAX_SHOWN])}")


def _check_evaluated(first: RunFolder, other: RunFolder, split: str, both: str) -> None:
    records, others = (
        {
            generation.row: (generation.user, generation.item, generation.rating, generation.reference)
            for generation in run.generations
            if generation.split == split
        }
        for run in (first, other)
    )
    alone = sorted(set(records) ^ set(others))
    if alone:
        raise InputError(
            f"{both} were evaluated on other records of {split}: {len(records)} and {len(others)}, row {alone[0]} is "
            f"in the {'first' if alone[0] in records else 'second'} only"
        )
    for row, record in records.items():
        if record != others[row]:
            raise InputError(f"{both}: row {row} of {split} is another record, {record} and {others[row]}")


def _settings(run: RunFolder) -> dict[str, Any]:
    return {
        key: value
        for key, value in _flat(plain(run.config), "").items()
        if key not in IGNORED and key.split(".")[0] not in IGNORED
    }


def _flat(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _labels(systems: Sequence[System]) -> list[str]:
    """The names alone where they tell all systems apart; else, beside them, the fields that do."""
    names = Counter(str(system.settings["name"]) for system in systems)
    labels = []
    for system in systems:
        name = str(system.settings["name"])
        parts = [name] if len(names) > 1 or len(systems) == 1 else []
        if names[name] > 1:
            namesakes = [other for other in systems if other.settings["name"] == system.settings["name"]]
            fields = [f"{key}={written(system.settings.get(key))}" for key in differing_settings(namesakes)]
            more = [f"+{len(fields) - MAX_SHOWN} more"] if len(fields) > MAX_SHOWN else []
            parts += [*fields[:MAX_SHOWN], *more]
        labels.append(" ".join(parts))
    repeated = Counter(labels)
    numbers: Counter[str] = Counter()
    for index, label in enumerate(labels):
        if repeated[label] > 1:
            numbers[label] += 1
            labels[index] = f"{label} #{numbers[label]}"
    return labels
