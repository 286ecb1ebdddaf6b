"""What the reader of a comparison must know of missing figures and tests."""

from collections.abc import Sequence

from meter.compare.measures import Measure
from meter.compare.pairing import RunPair, by_world, matched_runs, why_incomparable, why_without_scores
from meter.compare.systems import System


def notes_on(systems: Sequence[System], splits: Sequence[str], measures: Sequence[Measure]) -> list[str]:
    """A sentence for every reason why something is not shown, not tested, or not over all runs; the baseline first."""
    baseline = systems[0]
    notes = []
    for system in systems:
        reasons = [_why_not_measurable(system, measure, split) for measure in measures for split in splits]
        pairs = matched_runs(system, baseline)
        reasons += [
            why_incomparable(measure, pairs) or why_without_scores(measure, system, baseline)
            for measure in measures
            for split in splits
            if system is not baseline and all(measure.value(run, split) is not None for run in pairs[0])
        ]
        reasons.append(_why_without_ratings(system, measures, splits))
        reasons.append(_why_not_all_runs(system, baseline, pairs))
        notes += [f"{system.label}: {reason}." for reason in dict.fromkeys(reasons) if reason]
    return notes


def _why_not_measurable(system: System, measure: Measure, split: str) -> str:
    at_chance = sum(not measure.is_measurable(run, split) for run in system.runs)
    if not at_chance:
        return ""
    if measure.section == "coherence":
        return f"coherence is not measurable in {split}, since true sentences say nothing of their ratings"
    return (
        f"{measure.section} is not measurable in {split}, since the matcher is at chance in {at_chance} of "
        f"{len(system.runs)} runs"
    )


def _why_without_ratings(system: System, measures: Sequence[Measure], splits: Sequence[str]) -> str:
    of_ratings = [measure for measure in measures if measure.section == "rating"]
    values = [measure.value(run, split) for run in system.runs for measure in of_ratings for split in splits]
    return "predicts no rating" if values and all(value is None for value in values) else ""


def _why_not_all_runs(system: System, baseline: System, pairs: Sequence[RunPair]) -> str:
    """Which runs are compared where that is not each of one system with its match in the other."""
    if all(run.config.seed == other.config.seed for run, other in pairs) and (
        len(pairs) == len(system.runs) == len(baseline.runs)
    ):
        return ""
    said = {
        data_seed: ", ".join(
            f"{run.config.seed}"
            if run.config.seed == other.config.seed
            else f"{run.config.seed} with {other.config.seed}"
            for run, other in of_world
        )
        for data_seed, of_world in by_world(pairs).items()
    }
    if len({*system.worlds, *baseline.worlds}) == 1:
        (seeds,) = said.values()
        return f"its seeds are not {baseline.label}’s; differences and tests are over seeds {seeds}"
    worlds = "; ".join(f"data_seed {data_seed}, seeds {seeds}" for data_seed, seeds in said.items())
    return f"its runs are not {baseline.label}’s; differences and tests are over {worlds}"
