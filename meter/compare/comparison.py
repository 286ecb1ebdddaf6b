"""The numbers of a comparison: every system's metrics, and how each differs from the baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from meter.compare.measures import EvaluatedRecords, Measure, choose
from meter.compare.notes import notes_on
from meter.compare.pairing import (
    RunPair,
    by_world,
    check_worlds,
    matched_runs,
    why_incomparable,
    why_without_scores,
)
from meter.compare.runs import find_runs, open_run
from meter.compare.systems import (
    System,
    check_same_data,
    differing_settings,
    group_by_system,
    runs_said,
)
from meter.errors import InputError
from meter.metrics import (
    METRICS_VERSION,
    MatchedRunsTest,
    PairedTest,
    SeedTest,
    holm,
    matched_runs_test,
    seed_test,
)
from meter.metrics.labels import Better
from meter.metrics.stats.resampling import Metric, Stratum, stratified_tests
from meter.run_folder import RunFolder
from meter.storage.fingerprint import fingerprint, plain
from meter.version import __version__

ALPHA = 0.05


@dataclass(kw_only=True, slots=True)
class WorldMean:
    """A metric of a system in one world: the mean over its runs there.

    difference: from the baseline, over the runs of both that are compared; None for the baseline, and where none are.
    """

    data_seed: int
    mean: float
    difference: float | None = None


@dataclass(kw_only=True, slots=True)
class Cell:
    """A metric of a system.

    values: by run, in the order of the system's runs; empty where it has no such metric, or it is not measurable.
    mean: of the values. deviation: their sample standard deviation; None for a single run.
    not_measurable: what judges some run is at chance, so what it found says nothing.
    test: against the baseline, over examples; None for the baseline and where the examples cannot be compared.
    p_corrected: ``test.p_randomization`` after Holm's correction over its table.
    over_seeds: the same over seeds, where both have two at least; of one world.
    over_runs: the same over matched runs instead, where there are several worlds.
    by_world: where there are several.
    verdict: ``better`` or ``worse`` where p_corrected < .05, else empty.
    """

    values: list[float]
    mean: float | None
    deviation: float | None
    not_measurable: bool = False
    test: PairedTest | None = None
    p_corrected: float | None = None
    over_seeds: SeedTest | None = None
    over_runs: MatchedRunsTest | None = None
    by_world: list[WorldMean] = field(default_factory=list)
    verdict: str = ""


@dataclass(kw_only=True, slots=True)
class MetricRow:
    """A metric: a cell for each system."""

    key: str
    label: str
    decimals: int
    lower: bool
    cells: list[Cell]


@dataclass(kw_only=True, slots=True)
class SplitTable:
    """One split: its metrics, how many examples all worlds have, and how many questions were asked at once."""

    split: str
    num_examples: int
    num_tests: int
    rows: list[MetricRow]


@dataclass(kw_only=True, slots=True)
class Compared:
    """A system of the comparison.

    data_seeds, seeds: of its runs, one by one. seeds_compared: pairs of its seeds and the baseline's that the tests
    average over. data_seeds_compared: their worlds.
    """

    label: str
    data_seeds: list[int]
    seeds: list[int]
    runs: list[str]
    data_seeds_compared: list[int] = field(default_factory=list)
    seeds_compared: list[tuple[int, int]] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Comparison:
    """All numbers; ``compare.json`` holds them under these names.

    systems: the baseline first. settings: the fields in which they differ, with each system's value.
    notes: what the reader must know of missing tests. provenance: data, versions, draws.
    """

    systems: list[Compared]
    tables: list[SplitTable]
    settings: dict[str, list[Any]]
    notes: list[str]
    provenance: dict[str, Any]

    @property
    def worlds(self) -> list[int]:
        """The data_seeds of all worlds, rising."""
        return sorted({data_seed for system in self.systems for data_seed in system.data_seeds})

    @property
    def hash(self) -> str:
        """Names what was compared and how: 64 hex digits."""
        asked = [(table.split, [row.key for row in table.rows], table.num_examples) for table in self.tables]
        return fingerprint([self.provenance, [system.label for system in self.systems], asked])


def compare(
    runs: Sequence[str],
    *,
    baseline: str = "",
    splits: Sequence[str] = (),
    metrics: Sequence[str] = (),
    num_resamples: int = 10_000,
    seed: int = 0,
    progress: Callable[[str], object] = lambda what: None,
) -> Comparison:
    """Compares finished runs.

    Args:
        runs: run folders or patterns; runs that differ in ``seed`` and ``data_seed`` only are one system.
        baseline: label, name or a run folder of the system that the others are held against; the first by default.
        splits: evaluated splits; all by default.
        metrics: keys (``text.bleu_4``) or sections (``truth``); all by default. Holm corrects over what is asked, so
            name those that the hypothesis is about.
        num_resamples, seed: of ``stratified_tests``.
        progress: is told what is being done.

    Raises:
        InputError: a run is unfinished, the runs cannot be compared, or a name is unknown.
    """
    measures = choose(metrics)
    if num_resamples < 100:
        raise InputError(f"num_resamples={num_resamples}: give 100 at least; 10,000 are usual")
    folders = find_runs(runs)
    if not folders:
        raise InputError("runs=… is missing: python -m meter.compare runs='[A,B,…]'")
    opened = []
    for folder in folders:
        progress(f"reading {folder}")
        opened.append(open_run(folder))
    check_same_data(opened)
    systems = _baseline_first(group_by_system(opened), baseline)
    if len(systems) < 2:
        only = systems[0]
        said = runs_said(only.data_seeds, only.seeds, of_worlds=len(only.worlds) > 1)
        raise InputError(f"runs: one system only ({only.label}, {said}); add runs of another")
    for system in systems[1:]:
        check_worlds(system, systems[0])
    chosen = _chosen_splits(opened[0].splits, splits)
    tables = []
    for split in chosen:
        progress(f"testing {split}")
        tables.append(_table(systems, split, measures, num_resamples=num_resamples, seed=seed))
    return Comparison(
        systems=[_compared(system, systems[0]) for system in systems],
        tables=tables,
        settings=differing_settings(systems),
        notes=notes_on(systems, chosen, measures) + _too_few_resamples(tables, num_resamples),
        provenance=_provenance(opened, num_resamples, seed),
    )


def _baseline_first(systems: list[System], baseline: str) -> list[System]:
    if not baseline:
        return systems
    folder = Path(baseline).resolve()
    meant = [system for system in systems if system.label == baseline] or [
        system
        for system in systems
        if baseline == system.settings["name"] or folder in [run.path.resolve() for run in system.runs]
    ]
    if len(meant) != 1:
        labels = "; ".join(system.label for system in systems)
        raise InputError(f"baseline={baseline} is {'several' if meant else 'none'} of the systems ({labels})")
    return [*meant, *(system for system in systems if system is not meant[0])]


def _chosen_splits(evaluated: list[str], asked: Sequence[str]) -> list[str]:
    for split in asked:
        if split not in evaluated:
            raise InputError(f"splits: {split} was not evaluated; there are {', '.join(evaluated)}")
    return [split for split in evaluated if not asked or split in asked]


def _table(
    systems: Sequence[System], split: str, measures: Sequence[Measure], *, num_resamples: int, seed: int
) -> SplitTable:
    examples = {id(run): EvaluatedRecords(run, split) for system in systems for run in system.runs}
    sizes = {
        run.config.data_seed: len(examples[id(run)].generations) for system in systems for run in system.runs
    }
    rows = {
        measure.key: MetricRow(
            key=measure.key,
            label=measure.label.name,
            decimals=measure.label.decimals or 0,
            lower=measure.label.better is Better.LOWER,
            cells=[_cell(system, measure, split, of_worlds=len(sizes) > 1) for system in systems],
        )
        for measure in measures
    }
    baseline = systems[0]
    for index, system in enumerate(systems[1:], start=1):
        pairs = matched_runs(system, baseline)
        comparable = [
            measure
            for measure in measures
            if not why_incomparable(measure, pairs)
            and all(rows[measure.key].cells[place].values for place in (0, index))
        ]
        resampled = [measure for measure in comparable if not why_without_scores(measure, system, baseline)]
        tests = _tests(pairs, examples, resampled, num_resamples=num_resamples, seed=seed)
        for measure in comparable:
            cells = rows[measure.key].cells
            cells[index].test = tests.get(measure.key)
            if len(sizes) > 1 and cells[index].values and cells[0].values:
                runs, values = [*system.runs, *baseline.runs], [*cells[index].values, *cells[0].values]
                of_runs = {id(run): value for run, value in zip(runs, values, strict=True)}
                _test_over_runs(cells[index], of_runs, pairs)
            elif min(len(cells[index].values), len(cells[0].values)) > 1:
                cells[index].over_seeds = seed_test(cells[index].values, cells[0].values)
    shown = [row for row in rows.values() if any(cell.values or cell.not_measurable for cell in row.cells)]
    tested = [(row, cell) for row in shown for cell in row.cells if cell.test is not None]
    corrected = holm([cell.test.p_randomization for _, cell in tested if cell.test])
    for (row, cell), p in zip(tested, corrected, strict=True):
        assert cell.test is not None
        cell.p_corrected = p
        if p is not None and p < ALPHA:
            cell.verdict = "worse" if (cell.test.difference > 0) == row.lower else "better"
    return SplitTable(split=split, num_examples=sum(sizes.values()), num_tests=len(tested), rows=shown)


def _tests(
    pairs: Sequence[RunPair],
    examples: Mapping[int, EvaluatedRecords],
    measures: Sequence[Measure],
    *,
    num_resamples: int,
    seed: int,
) -> dict[str, PairedTest]:
    """Over the examples of all worlds, of the measures that all worlds have; examples: by the id of their run."""
    strata: list[tuple[dict[str, Metric], dict[str, Metric]]] = [({}, {}) for _ in by_world(pairs)]
    for measure in measures:
        made = [
            [measure.metric([examples[id(run)] for run in runs]) for runs in zip(*of_world, strict=True)]
            for of_world in by_world(pairs).values()
        ]
        for stratum, (metric, of_baseline) in zip(strata, made, strict=True):
            if metric is not None and of_baseline is not None and all(None not in both for both in made):
                first, second = stratum
                first[measure.key], second[measure.key] = metric, of_baseline
    if not strata[0][0]:
        return {}
    return stratified_tests(
        [Stratum(first=first, second=second) for first, second in strata],
        num_resamples=num_resamples,
        seed=seed,
    )


def _test_over_runs(cell: Cell, values: Mapping[int, float], pairs: Sequence[RunPair]) -> None:
    """Adds the differences by world, and the test over all pairs where there are two; values: by the id of the run."""
    for world in cell.by_world:
        of_world = by_world(pairs).get(world.data_seed, [])
        if of_world:
            world.difference = mean(values[id(run)] - values[id(other)] for run, other in of_world)
    if len(pairs) > 1:
        cell.over_runs = matched_runs_test(
            [values[id(run)] for run, _ in pairs], [values[id(other)] for _, other in pairs]
        )


def _cell(system: System, measure: Measure, split: str, *, of_worlds: bool) -> Cell:
    if not all(measure.is_measurable(run, split) for run in system.runs):
        return Cell(values=[], mean=None, deviation=None, not_measurable=True)
    measured = [measure.value(run, split) for run in system.runs]
    values = [value for value in measured if value is not None]
    if len(values) < len(measured):
        return Cell(values=[], mean=None, deviation=None)
    worlds: dict[int, list[float]] = {}
    for data_seed, value in zip(system.data_seeds, values, strict=True):
        worlds.setdefault(data_seed, []).append(value)
    means = [WorldMean(data_seed=data_seed, mean=mean(of_world)) for data_seed, of_world in worlds.items()]
    return Cell(
        values=values,
        mean=mean(values),
        deviation=stdev(values) if len(values) > 1 else None,
        by_world=means if of_worlds else [],
    )


def _too_few_resamples(tables: Sequence[SplitTable], num_resamples: int) -> list[str]:
    most = max(table.num_tests for table in tables)
    if most / (1 + num_resamples) < ALPHA:
        return []
    return [
        f"With {num_resamples:,} resamples and {most} tests no corrected p can fall below {ALPHA:g}; "
        f"num_resamples={1000 * -(-most // 10)} can tell."
    ]


def _compared(system: System, baseline: System) -> Compared:
    pairs = [] if system is baseline else matched_runs(system, baseline)
    return Compared(
        label=system.label,
        data_seeds=system.data_seeds,
        seeds=system.seeds,
        runs=[str(run.path) for run in system.runs],
        data_seeds_compared=[run.config.data_seed for run, _ in pairs],
        seeds_compared=[(run.config.seed, other.config.seed) for run, other in pairs],
    )


def _provenance(runs: Sequence[RunFolder], num_resamples: int, seed: int) -> dict[str, Any]:
    return plain(
        {
            "dataset": ", ".join(dict.fromkeys(run.config.dataset.name for run in runs)),
            "data": sorted({run.manifest["inputs"]["prepared"] for run in runs}),
            "runs": [run.manifest["config_hash"] for run in runs],
            "metrics_version": METRICS_VERSION,
            "package": __version__,
            "packages_of_runs": sorted({run.manifest["package"] for run in runs}),
            "num_resamples": num_resamples,
            "seed": seed,
        }
    )
