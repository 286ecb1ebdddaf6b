"""The words and figures that terminal, Markdown and page share."""

from collections.abc import Sequence
from dataclasses import dataclass

from meter.compare.results import Cell, Compared, Comparison, MetricRow, SplitTable
from meter.compare.systems import runs_said
from meter.compare.tables import ALPHA
from meter.metrics.labels import NOT_MEASURABLE, section_title

LEAST_P = 0.001
"""A smaller p is written as being below this."""
SEED_TESTS = ("p Welch", "p exact", "Cliff’s δ")
RUN_TESTS = ("p paired t", "p sign flips", "better in")


@dataclass(kw_only=True, slots=True)
class Figures:
    """A cell, written; empty strings where there is nothing to say."""

    value: str
    difference: str = ""
    interval: str = ""
    p: str = ""
    effect: str = ""


@dataclass(kw_only=True, slots=True)
class VerdictCounts:
    """How many metrics of a system are clearly better or worse than the baseline's, and how many were tested."""

    better: int
    worse: int
    tested: int


def figures(row: MetricRow, cell: Cell) -> Figures:
    """``31.20 ± 0.31``, ``+1.20``, ``+0.85 … +1.55``, ``0.002 *`` and ``+0.31``."""
    if cell.mean is None:
        return Figures(value=NOT_MEASURABLE if cell.not_measurable else "–")
    value = f"{cell.mean:.{row.decimals}f}"
    if cell.deviation is not None:
        value += f" ± {cell.deviation:.{row.decimals}f}"
    if cell.test is None or cell.p_corrected is None:
        return Figures(value=value)
    return Figures(
        value=value,
        difference=_signed(cell.test.difference, row.decimals),
        interval=f"{_signed(cell.test.low, row.decimals)} … {_signed(cell.test.high, row.decimals)}",
        p=_probability(cell.p_corrected) + (" *" if cell.verdict else ""),
        effect="–" if cell.test.effect is None else _signed(cell.test.effect, 2),
    )


def tests_over_runs(comparison: Comparison) -> Sequence[str]:
    """What the tests whose unit is the run are called."""
    return RUN_TESTS if len(comparison.worlds) > 1 else SEED_TESTS


def over_runs(row: MetricRow, cell: Cell) -> list[str]:
    """A figure for each of ``tests_over_runs``; empty ones where there are too few runs."""
    if cell.over_runs is not None:
        found = cell.over_runs
        num_better = found.num_lower if row.lower else found.num_higher
        tests, last = (found.p_paired_t, found.p_sign_flip), f"{num_better} of {found.num_pairs}"
    elif cell.over_seeds is not None:
        tests = cell.over_seeds.p_welch, cell.over_seeds.p_permutation
        last = _signed(cell.over_seeds.cliffs_delta, 2)
    else:
        return [""] * len(SEED_TESTS)
    return [*("–" if p is None else _probability(p) for p in tests), last]


def by_world(row: MetricRow, cell: Cell, data_seed: int) -> Figures:
    """The mean of one world and its difference from the baseline's, as far as there are any."""
    world = next((world for world in cell.by_world if world.data_seed == data_seed), None)
    if world is None:
        return Figures(value=figures(row, cell).value if not cell.by_world else "–")
    difference = "" if world.difference is None else _signed(world.difference, row.decimals)
    return Figures(value=f"{world.mean:.{row.decimals}f}", difference=difference)


def arrow(row: MetricRow) -> str:
    """Where better is."""
    return "↓" if row.lower else "↑"


def sections(table: SplitTable) -> list[tuple[str, list[MetricRow]]]:
    """The rows under the titles of their sections."""
    by_section: dict[str, list[MetricRow]] = {}
    for row in table.rows:
        by_section.setdefault(row.key.partition(".")[0], []).append(row)
    return [(section_title(section), rows) for section, rows in by_section.items()]


def count_verdicts(table: SplitTable, system: int) -> VerdictCounts:
    """The metrics of a system by how they compare with the baseline's."""
    verdicts = [row.cells[system].verdict for row in table.rows if row.cells[system].test is not None]
    return VerdictCounts(better=verdicts.count("better"), worse=verdicts.count("worse"), tested=len(verdicts))


def runs_of(comparison: Comparison, system: Compared) -> str:
    """``seeds 0, 1, 2``, or ``15 runs: 3 worlds (data_seed 0, 1, 2) × 5 seeds``."""
    return runs_said(system.data_seeds, system.seeds, of_worlds=len(comparison.worlds) > 1)


def explanations(comparison: Comparison) -> list[str]:
    """How the numbers were made, a sentence or two each."""
    draws = f"{comparison.provenance['num_resamples']:,} resamples, seed {comparison.provenance['seed']}"
    tests = ", ".join(f"{table.num_tests} in {table.split}" for table in comparison.tables)
    several = any(len(system.seeds) > 1 for system in comparison.systems)
    worlds = len(comparison.worlds) > 1
    unit = "runs" if worlds else "seeds"
    said = [
        (f"Values are mean ± standard deviation over {unit}. " if several else "Values are of one seed. ")
        + "Differences are from the baseline, "
        + f"{comparison.systems[0].label}, over the same records"
        + (f", each averaged over {unit}; the record is the unit." if several else "."),
        f"Intervals: 95 %, paired bootstrap over records{' within each world' if worlds else ''} ({draws}); jackknife "
        "for USR, FCR, DIV and distinct-n, to which a record that is drawn twice adds nothing new.",
        f"p: approximate randomization over records ({draws}), two-sided, corrected by Holm over all tests of a "
        f"table ({tests}); * is p < {ALPHA:g}.",
        "d: Cohen’s d_z, the mean difference in standard deviations of the records’ differences"
        + (" within a world." if worlds else "."),
    ]
    if worlds:
        said.append(
            "Tests over records say whether these trained models differ on such records of these worlds. Tests over "
            "runs say whether models trained again in these worlds would differ: runs of the same world and seed are "
            "paired, so that what they share cancels, and the paired t-test and the exact sign-flip test say whether "
            "the differences are about 0; not corrected. Whether the worlds agree stands under “By world”."
        )
    elif several:
        said.append(
            "Tests over records say whether these trained models differ on such records. Tests over seeds say "
            "whether models trained again would differ: Welch’s t-test, the exact permutation test and Cliff’s δ, not "
            "corrected."
        )
    return said


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+.{decimals}f}".replace("-", "−")
    return text[1:] if float(f"{value:.{decimals}f}") == 0 else text


def _probability(p: float) -> str:
    return f"< {LEAST_P}" if p < LEAST_P else f"{p:.3f}"
