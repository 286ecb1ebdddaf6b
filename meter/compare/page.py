"""A comparison as one HTML page that looks like the report of a run and opens offline."""

from collections.abc import Sequence
from dataclasses import dataclass

from meter.compare.results import Cell, Comparison, MetricRow, SplitTable
from meter.compare.systems import written
from meter.compare.writing import (
    Figures,
    arrow,
    by_world,
    count_verdicts,
    explanations,
    figures,
    over_runs,
    runs_of,
    sections,
    tests_over_runs,
)
from meter.report.rendering import render


@dataclass(kw_only=True, slots=True)
class Bar:
    """An effect and its interval on a track from worst to best, in percent of the track."""

    left: float
    width: float
    dot: float


@dataclass(kw_only=True, slots=True)
class PageCell:
    """A cell as the page shows it."""

    said: Figures
    verdict: str
    bar: Bar | None
    not_measurable: bool
    over_runs: list[str]
    by_world: list[Figures]


def comparison_html(comparison: Comparison, command: str) -> str:
    """The page as text; the same comparison gives the same bytes. All text of users and data is escaped."""
    systems = comparison.systems
    others = ", ".join(system.label for system in systems[1:])
    return render(
        "compare.html.j2",
        title=f"{len(systems)} systems on {comparison.provenance['dataset']}",
        subtitle=f"{others} against {systems[0].label}",
        comparison=comparison,
        verdict_counts=[
            (system.label, table.split, count_verdicts(table, index))
            for index, system in enumerate(systems[1:], start=1)
            for table in comparison.tables
        ],
        tables=[(table, _reach(table), _groups(table, comparison.worlds)) for table in comparison.tables],
        tested_over_runs=any(
            cell.over_seeds or cell.over_runs
            for table in comparison.tables
            for row in table.rows
            for cell in row.cells
        ),
        run_tests=tests_over_runs(comparison),
        worlds=comparison.worlds,
        explanations=explanations(comparison),
        settings={key: [written(value) for value in values] for key, values in comparison.settings.items()},
        runs_said={system.label: runs_of(comparison, system) for system in systems},
        arrow=arrow,
        command=command,
    )


def _groups(
    table: SplitTable, worlds: Sequence[int]
) -> list[tuple[str, list[tuple[MetricRow, list[PageCell]]]]]:
    reach = _reach(table)
    return [
        (title, [(row, [_page_cell(row, cell, reach, worlds) for cell in row.cells]) for row in rows])
        for title, rows in sections(table)
    ]


def _page_cell(row: MetricRow, cell: Cell, reach: float, worlds: Sequence[int]) -> PageCell:
    return PageCell(
        said=figures(row, cell),
        verdict=cell.verdict,
        bar=_bar(row, cell, reach),
        not_measurable=cell.not_measurable,
        over_runs=over_runs(row, cell),
        by_world=[by_world(row, cell, data_seed) for data_seed in worlds if cell.by_world],
    )


def _ends(cell: Cell) -> tuple[float, float, float] | None:
    test = cell.test
    if test is None or test.effect is None or test.effect_low is None or test.effect_high is None:
        return None
    return test.effect_low, test.effect, test.effect_high


def _reach(table: SplitTable) -> float:
    """How far the tracks of a table reach to each side: the same for all, in steps of a tenth."""
    intervals = [ends for row in table.rows for cell in row.cells if (ends := _ends(cell))]
    farthest = max((abs(end) for ends in intervals for end in ends), default=0.0)
    return max(0.1, -(-farthest // 0.1) * 0.1)


def _bar(row: MetricRow, cell: Cell, reach: float) -> Bar | None:
    """Better is on the right, whichever way the metric counts."""
    ends = _ends(cell)
    if ends is None:
        return None
    low, effect, high = (-ends[2], -ends[1], -ends[0]) if row.lower else ends
    left, dot, right = (50 * (1 + value / reach) for value in (low, effect, high))
    return Bar(left=left, width=right - left, dot=dot)
