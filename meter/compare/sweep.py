"""A sweep: every metric at every point of it, and the points that no other beats in two metrics at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from meter.compare.measures import choose
from meter.compare.results import MetricRow
from meter.compare.runs import find_runs, open_run
from meter.compare.systems import System, check_same_data, differing_settings, group_by_system, written
from meter.compare.tables import metric_rows
from meter.errors import InputError
from meter.metrics import METRICS_VERSION
from meter.run_folder import RunFolder
from meter.storage.fingerprint import fingerprint
from meter.version import __version__


@dataclass(kw_only=True, slots=True)
class SweepPoint:
    """One choice of the settings that are swept, over its seeds.

    values: of ``Sweep.settings``, in their order.
    """

    values: list[Any]
    data_seeds: list[int]
    seeds: list[int]
    runs: list[str]


@dataclass(kw_only=True, slots=True)
class SweepTable:
    """One split.

    rows: a metric each, with a cell for every point.
    front: the points that no other is at least as good as in both of ``Sweep.front_metrics`` and better in one; the
    best by the first metric comes first. Empty where the split lacks one of them.
    """

    split: str
    rows: list[MetricRow]
    front: list[int]

    def row(self, key: str) -> MetricRow | None:
        """The row of a metric; None where no point has it."""
        return next((row for row in self.rows if row.key == key), None)


@dataclass(kw_only=True, slots=True)
class Sweep:
    """All numbers; ``sweep.json`` holds them under these names.

    settings: the fields that differ between the points. points: by their values, rising.
    """

    settings: list[str]
    points: list[SweepPoint]
    tables: list[SweepTable]
    front_metrics: list[str]
    provenance: dict[str, Any]

    @property
    def hash(self) -> str:
        """Names what was shown: 64 hex digits."""
        return fingerprint([self.provenance, self.front_metrics, [table.split for table in self.tables]])

    @property
    def num_seeds(self) -> int:
        """Runs of the point that has the fewest."""
        return min(len(point.runs) for point in self.points)

    def overrides(self, point: SweepPoint) -> str:
        """A point as the command line says it."""
        return " ".join(
            f"{key}={written(value)}" for key, value in zip(self.settings, point.values, strict=True)
        )


def read_sweep(
    runs: Sequence[str], *, front: Sequence[str], splits: Sequence[str] = (), metrics: Sequence[str] = ()
) -> Sweep:
    """Reads the finished runs of a sweep.

    Args:
        runs: run folders or patterns; those that differ in ``seed`` and ``data_seed`` only are one point.
        front: two metrics (``rating.rmse``) whose front is wanted.
        splits: evaluated splits; all by default.
        metrics: keys or sections; all by default.

    Raises:
        InputError: a run is unfinished, the runs cannot be compared, nothing differs between them, or a name is
            unknown.
    """
    if len(front) != 2:
        raise InputError(f"front: expected two metrics, found {len(front)}: {', '.join(front)}")
    measures = choose([*metrics, *front] if metrics else [])
    missing = [key for key in front if key not in [measure.key for measure in measures]]
    if missing:
        raise InputError(f"front: expected a metric such as text.bleu_4, found {', '.join(missing)}")
    opened = [open_run(folder) for folder in find_runs(runs)]
    check_same_data(opened)
    systems = group_by_system(opened)
    settings = {key: values for key, values in differing_settings(systems).items() if key != "name"}
    if not settings:
        raise InputError(f"sweep: nothing differs between the {len(opened)} runs but their seeds")
    order = sorted(
        range(len(systems)), key=lambda index: [_rank(values[index]) for values in settings.values()]
    )
    systems = [systems[index] for index in order]
    for split in splits:
        if split not in opened[0].splits:
            raise InputError(f"splits: {split} was not evaluated; there are {', '.join(opened[0].splits)}")
    tables = []
    for split in splits or opened[0].splits:
        rows = metric_rows(systems, split, measures, of_worlds=False)
        rows = [row for row in rows if any(cell.mean is not None for cell in row.cells)]
        tables.append(SweepTable(split=split, rows=rows, front=front_of(rows, front)))
    return Sweep(
        settings=list(settings),
        points=[
            _point(system, [values[index] for values in settings.values()])
            for system, index in zip(systems, order, strict=True)
        ],
        tables=tables,
        front_metrics=list(front),
        provenance=_provenance(opened),
    )


def front_of(rows: Sequence[MetricRow], front: Sequence[str]) -> list[int]:
    """The points of the front of two metrics by the means over seeds; the best by the first metric comes first."""
    chosen = [row for key in front for row in rows if row.key == key]
    if len(chosen) < 2:
        return []
    # Less is better in both from here on.
    signs = [1 if row.lower else -1 for row in chosen]
    found: dict[int, tuple[float, float]] = {}
    for index, (one, two) in enumerate(zip(chosen[0].cells, chosen[1].cells, strict=True)):
        if one.mean is not None and two.mean is not None:
            found[index] = (signs[0] * one.mean, signs[1] * two.mean)
    return sorted(
        (index for index, own in found.items() if not any(_beats(other, own) for other in found.values())),
        key=lambda index: found[index],
    )


def _beats(other: tuple[float, float], own: tuple[float, float]) -> bool:
    """Whether another point is at least as good in both, and not the same."""
    return other != own and other[0] <= own[0] and other[1] <= own[1]


def _rank(value: Any) -> tuple[bool, float, str]:
    """Numbers by size, everything else by its name after them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (False, float(value), "")
    return (True, 0.0, written(value))


def _point(system: System, values: list[Any]) -> SweepPoint:
    return SweepPoint(
        values=values,
        data_seeds=system.data_seeds,
        seeds=system.seeds,
        runs=[str(run.path) for run in system.runs],
    )


def _provenance(runs: Sequence[RunFolder]) -> dict[str, Any]:
    return {
        "dataset": ", ".join(dict.fromkeys(run.config.dataset.name for run in runs)),
        "data": sorted({run.manifest["inputs"]["prepared"] for run in runs}),
        "runs": [run.manifest["config_hash"] for run in runs],
        "metrics_version": METRICS_VERSION,
        "package": __version__,
        "packages_of_runs": sorted({run.manifest["package"] for run in runs}),
    }
