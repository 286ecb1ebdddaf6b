"""The numbers of a comparison: every system's metrics, and how each differs from the baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from meter.compare.measures import EvaluatedRecords, Measure, choose
from meter.compare.runs import find_runs, open_run
from meter.compare.systems import System, check_same_data, differing_settings, group_by_system
from meter.errors import InputError
from meter.metrics import METRICS_VERSION, PairedTest, SeedTest, holm, seed_test
from meter.metrics.labels import Better
from meter.metrics.stats.resampling import paired_tests
from meter.run_folder import RunFolder
from meter.storage.fingerprint import fingerprint, plain
from meter.version import __version__

ALPHA = 0.05


@dataclass(kw_only=True, slots=True)
class Cell:
    """A metric of a system.

    values: by run, in the order of the system's seeds; empty where it has no such metric.
    mean: of the values. deviation: their sample standard deviation; None for a single seed.
    test: against the baseline, over examples; None for the baseline and where the examples cannot be compared.
    p_corrected: ``test.p_randomization`` after Holm's correction over its table.
    over_seeds: the same over seeds, where both have two at least.
    verdict: ``better`` or ``worse`` where p_corrected < .05, else empty.
    """

    values: list[float]
    mean: float | None
    deviation: float | None
    test: PairedTest | None = None
    p_corrected: float | None = None
    over_seeds: SeedTest | None = None
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
    """One split: its metrics, how many examples it has, and how many questions were asked of it at once."""

    split: str
    num_examples: int
    num_tests: int
    rows: list[MetricRow]


@dataclass(kw_only=True, slots=True)
class Compared:
    """A system of the comparison. seeds_compared: pairs of its seeds and the baseline's that the tests average over."""

    label: str
    seeds: list[int]
    runs: list[str]
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
        runs: run folders or patterns; runs that differ in their seed only are one system.
        baseline: label, name or a run folder of the system that the others are held against; the first by default.
        splits: evaluated splits; all by default.
        metrics: keys (``text.bleu_4``) or sections (``truth``); all by default. Holm corrects over what is asked, so
            name those that the hypothesis is about.
        num_resamples, seed: of ``paired_tests``.
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
        seeds = ", ".join(map(str, systems[0].seeds))
        raise InputError(f"runs: one system only ({systems[0].label}, seeds {seeds}); add runs of another")
    chosen = _chosen_splits(opened[0].splits, splits)
    tables = []
    for split in chosen:
        progress(f"testing {split}")
        tables.append(_table(systems, split, measures, num_resamples=num_resamples, seed=seed))
    return Comparison(
        systems=[_compared(system, systems[0]) for system in systems],
        tables=tables,
        settings=differing_settings(systems),
        notes=_notes(systems, chosen, measures) + _too_few_resamples(tables, num_resamples),
        provenance=_provenance(opened, num_resamples, seed),
    )


def matched_runs(system: System, baseline: System) -> list[tuple[RunFolder, RunFolder]]:
    """The runs of both with the same seed; where they share none, in the order of their seeds."""
    by_seed = {run.config.seed: run for run in baseline.runs}
    same = [(run, by_seed[run.config.seed]) for run in system.runs if run.config.seed in by_seed]
    return same or list(zip(system.runs, baseline.runs, strict=False))


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
    rows = {
        measure.key: MetricRow(
            key=measure.key,
            label=measure.label.name,
            decimals=measure.label.decimals or 0,
            lower=measure.label.better is Better.LOWER,
            cells=[_cell(system, measure, split) for system in systems],
        )
        for measure in measures
    }
    baseline = systems[0]
    for index, system in enumerate(systems[1:], start=1):
        pairs = matched_runs(system, baseline)
        first, second = {}, {}
        for measure in measures:
            if _why_untested(measure, system, baseline):
                continue
            metric = measure.metric([examples[id(run)] for run, _ in pairs])
            of_baseline = measure.metric([examples[id(run)] for _, run in pairs])
            if metric is not None and of_baseline is not None:
                first[measure.key], second[measure.key] = metric, of_baseline
        tests = paired_tests(first, second, num_resamples=num_resamples, seed=seed) if first else {}
        for measure in measures:
            cells = rows[measure.key].cells
            cells[index].test = tests.get(measure.key)
            if min(len(cells[index].values), len(cells[0].values)) > 1:
                cells[index].over_seeds = seed_test(cells[index].values, cells[0].values)
    shown = [row for row in rows.values() if any(cell.values for cell in row.cells)]
    tested = [(row, cell) for row in shown for cell in row.cells if cell.test is not None]
    corrected = holm([cell.test.p_randomization for _, cell in tested if cell.test])
    for (row, cell), p in zip(tested, corrected, strict=True):
        assert cell.test is not None
        cell.p_corrected = p
        if p is not None and p < ALPHA:
            cell.verdict = "worse" if (cell.test.difference > 0) == row.lower else "better"
    num_examples = len(next(iter(examples.values())).generations)
    return SplitTable(split=split, num_examples=num_examples, num_tests=len(tested), rows=shown)


def _cell(system: System, measure: Measure, split: str) -> Cell:
    measured = [measure.value(run, split) for run in system.runs]
    values = [value for value in measured if value is not None]
    if len(values) < len(measured):
        return Cell(values=[], mean=None, deviation=None)
    return Cell(values=values, mean=mean(values), deviation=stdev(values) if len(values) > 1 else None)


def _basis(measure: Measure, run: RunFolder) -> str:
    """What two runs must share for this metric to mean the same in both."""
    if measure.key in ("diversity.fcr", "diversity.div"):
        return fingerprint(run.names.features)
    if measure.section == "match":
        config = run.config
        inputs = {key: run.manifest["inputs"].get(key) for key in ("prepared", "codes")}
        return fingerprint(
            [config.matcher, config.matching, config.model.has_feature, inputs, config.data_seed]
        )
    return ""


def _why_untested(measure: Measure, system: System, baseline: System) -> str:
    """Why the examples of two systems cannot be compared by this metric; empty where they can."""
    run, other = system.runs[0], baseline.runs[0]
    if _basis(measure, run) != _basis(measure, other):
        if measure.section == "match":
            return "match is shown but not tested, since it was measured with another matcher"
        return "FCR and DIV are shown but not tested, since they count another set of features"
    unscored = [member.path for member in (*system.runs, *baseline.runs) if member.scores is None]
    if unscored and measure.section in ("match", "truth"):
        return (
            f"match and truth are shown but not tested, since {unscored[0]} has no scores.jsonl "
            f"(python -m meter.evaluate run={unscored[0]} writes it)"
        )
    return ""


def _notes(systems: Sequence[System], splits: Sequence[str], measures: Sequence[Measure]) -> list[str]:
    baseline = systems[0]
    notes = []
    for system in systems[1:]:
        reasons = [
            _why_untested(measure, system, baseline)
            for measure in measures
            for split in splits
            if all(measure.value(run, split) is not None for run in (system.runs[0], baseline.runs[0]))
        ]
        pairs = [(run.config.seed, other.config.seed) for run, other in matched_runs(system, baseline)]
        if pairs != [(seed, seed) for seed in system.seeds] or system.seeds != baseline.seeds:
            seeds = ", ".join(f"{seed}" if seed == other else f"{seed} with {other}" for seed, other in pairs)
            reasons.append(
                f"its seeds are not {baseline.label}’s; differences and tests are over seeds {seeds}"
            )
        notes += [f"{system.label}: {reason}." for reason in dict.fromkeys(reasons) if reason]
    return notes


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
        seeds=system.seeds,
        runs=[str(run.path) for run in system.runs],
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
