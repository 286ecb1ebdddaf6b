"""The numbers of a comparison: every system's metrics, and how each differs from the baseline."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from meter.compare.measures import choose
from meter.compare.notes import notes_on
from meter.compare.pairing import check_worlds, matched_runs
from meter.compare.results import Compared, Comparison, SplitTable
from meter.compare.runs import find_runs, open_run
from meter.compare.systems import System, check_same_data, differing_settings, group_by_system, runs_said
from meter.compare.tables import ALPHA, make_table
from meter.errors import InputError
from meter.metrics import METRICS_VERSION
from meter.run_folder import RunFolder
from meter.storage.fingerprint import plain
from meter.version import __version__


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
        tables.append(make_table(systems, split, measures, num_resamples=num_resamples, seed=seed))
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
