"""The table of a split: every metric of every system, and its tests against the baseline."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from meter.compare.measures import EvaluatedRecords, Measure
from meter.compare.pairing import RunPair, by_world, matched_runs, why_incomparable, why_without_scores
from meter.compare.results import Cell, MetricRow, SplitTable, WorldMean
from meter.compare.systems import System
from meter.metrics import PairedTest, holm, matched_runs_test, seed_test
from meter.metrics.labels import Better
from meter.metrics.stats.resampling import Metric, Stratum, stratified_tests

ALPHA = 0.05
"""A corrected p below it is a verdict."""


def make_table(
    systems: Sequence[System], split: str, measures: Sequence[Measure], *, num_resamples: int, seed: int
) -> SplitTable:
    """Measures and tests every system in one split, the first of them being the baseline."""
    examples = {id(run): EvaluatedRecords(run, split) for system in systems for run in system.runs}
    sizes = {
        run.config.data_seed: len(examples[id(run)].generations) for system in systems for run in system.runs
    }
    rows = {row.key: row for row in metric_rows(systems, split, measures, of_worlds=len(sizes) > 1)}
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


def metric_rows(
    systems: Sequence[System], split: str, measures: Sequence[Measure], *, of_worlds: bool
) -> list[MetricRow]:
    """Every measure of every system in one split, nothing tested; of_worlds: whether they are told by world, too."""
    return [
        MetricRow(
            key=measure.key,
            label=measure.label.name,
            decimals=measure.label.decimals or 0,
            lower=measure.label.better is Better.LOWER,
            cells=[_cell(system, measure, split, of_worlds=of_worlds) for system in systems],
        )
        for measure in measures
    ]


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
