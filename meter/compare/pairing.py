"""Which runs of two systems stand side by side: those of the same world and seed; and by which metrics they may."""

from collections.abc import Sequence
from itertools import groupby

from meter.compare.measures import Measure
from meter.compare.systems import System, listed
from meter.errors import InputError
from meter.run_folder import RunFolder
from meter.storage.fingerprint import fingerprint

SCORED = ("match", "truth", "item_features", "coherence")
"""Sections whose tests need scores of single examples, which the run keeps in a file."""
RunPair = tuple[RunFolder, RunFolder]
"""A run of a system and one of the baseline."""


def matched_runs(system: System, baseline: System) -> list[RunPair]:
    """The runs of both with the same data_seed and seed, by these.

    Where they share no such pair, the runs of each world that they share, in the order of their seeds.
    """
    of_baseline = {(run.config.data_seed, run.config.seed): run for run in baseline.runs}
    same = [
        (run, of_baseline[run.config.data_seed, run.config.seed])
        for run in system.runs
        if (run.config.data_seed, run.config.seed) in of_baseline
    ]
    return same or [
        pair
        for data_seed in system.worlds
        for pair in zip(system.runs_of(data_seed), baseline.runs_of(data_seed), strict=False)
    ]


def by_world(pairs: Sequence[RunPair]) -> dict[int, list[RunPair]]:
    """Pairs that are sorted by world, by its data_seed."""
    return {
        data_seed: list(of_world)
        for data_seed, of_world in groupby(pairs, lambda pair: pair[0].config.data_seed)
    }


def check_worlds(system: System, baseline: System) -> None:
    """Refuses two systems that saw no world in common.

    Raises:
        InputError: naming a run of both and their worlds.
    """
    if set(system.worlds).isdisjoint(baseline.worlds):
        first, other = baseline.runs[0].path, system.runs[0].path
        raise InputError(
            f"{first} and {other}, {baseline.label} and {system.label}, share no world: "
            f"data_seed={listed(baseline.worlds)} and {listed(system.worlds)}; train both with the same data_seed"
        )


def why_incomparable(measure: Measure, pairs: Sequence[RunPair]) -> str:
    """Why this metric does not mean the same in the runs of some pair; empty where it does in all."""
    if all(_basis(measure, run) == _basis(measure, other) for run, other in pairs):
        return ""
    if measure.section == "match":
        return "match is shown but not tested, since it was measured with another matcher"
    if measure.section == "item_features":
        return "iFMR and GT-FMR are shown but not tested, since they count another set of features"
    return "FCR and DIV are shown but not tested, since they count another set of features"


def why_without_scores(measure: Measure, system: System, baseline: System) -> str:
    """Why two systems have no scores of single examples by this metric; empty where they have them."""
    unscored = [member.path for member in (*system.runs, *baseline.runs) if member.scores is None]
    if unscored and measure.section in SCORED:
        return (
            "what needs scores of single records (match, truth, item features, coherence) is not tested, since "
            f"{unscored[0]} has no scores.jsonl (python -m meter.evaluate run={unscored[0]} writes it)"
        )
    return ""


def _basis(measure: Measure, run: RunFolder) -> str:
    """What two runs of one world must share for this metric to mean the same in both."""
    if measure.key in ("diversity.fcr", "diversity.div") or measure.section == "item_features":
        return fingerprint(run.names.features)
    if measure.section == "match":
        config = run.config
        inputs = {key: run.manifest["inputs"].get(key) for key in ("prepared", "codes")}
        return fingerprint(
            [config.matcher, config.matching, config.model.has_feature, inputs, config.data_seed]
        )
    return ""
