"""A sweep as drawings: each metric against each setting, and the front of two metrics."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meter.compare.results import MetricRow
from meter.compare.sweep import Sweep, SweepTable
from meter.compare.systems import written
from meter.compare.writing import arrow, figures
from meter.report.svg import INK, MUTED, SERIES, Plot, colours, draw_svg, legend_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 6
"""Lines of one drawing at most; where the other settings have more combinations, one line is their mean."""
MAX_PLACES = 8
"""Values of a setting that stand side by side at most; more of them stand where they are on the scale of numbers."""


class Scale:
    """Where the values of one setting stand on the axis: side by side where they are few, else as numbers."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.distinct = list(dict.fromkeys(values))
        numbers = all(isinstance(value, (int, float)) for value in values)
        self.side_by_side = not numbers or len(self.distinct) <= MAX_PLACES
        self.logarithmic = (
            not self.side_by_side and min(self.distinct) > 0 and max(self.distinct) > 30 * min(self.distinct)
        )

    def place(self, value: Any) -> float:
        """Where a value stands."""
        return float(self.distinct.index(value) if self.side_by_side else value)

    def mark(self, axes: "Axes") -> None:
        """Draws the scale."""
        if self.side_by_side:
            axes.set_xticks(range(len(self.distinct)), [written(value) for value in self.distinct])
            axes.set_xlim(-0.3, len(self.distinct) - 0.7)
        elif self.logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")


def effect_plots(sweep: Sweep, table: SweepTable, setting: int, keys: Sequence[str]) -> list[Plot]:
    """A drawing for each of these metrics that the split has: the metric against one setting.

    A dot is a run, a line joins the means over seeds. Each combination of the other settings has a line of its own
    where there are six at most.
    """
    rows = [row for key in keys if (row := table.row(key)) is not None]
    return [_effect_plot(sweep, table.split, row, setting) for row in rows]


def front_plot(sweep: Sweep, table: SweepTable) -> Plot | None:
    """The points by two metrics, with bars of a standard deviation over seeds; None where there is no front."""
    if not table.front:
        return None
    across, up = (row for key in sweep.front_metrics if (row := table.row(key)) is not None)
    places = [
        (one, two)
        for one, two in zip(across.cells, up.cells, strict=True)
        if one.mean is not None and two.mean is not None
    ]
    chosen = [(across.cells[index], up.cells[index]) for index in table.front]

    def draw(axes: "Axes") -> None:
        for points, colour, strong in ((places, MUTED, False), (chosen, SERIES[0], True)):
            axes.errorbar(
                [one.mean or 0 for one, _ in points],
                [two.mean or 0 for _, two in points],
                xerr=[one.deviation or 0 for one, _ in points],
                yerr=[two.deviation or 0 for _, two in points],
                fmt="o",
                color=colour,
                markersize=7 if strong else 5,
                elinewidth=1,
                alpha=1 if strong else 0.55,
                zorder=3 if strong else 2,
            )
        axes.plot(
            [one.mean or 0 for one, _ in chosen],
            [two.mean or 0 for _, two in chosen],
            color=SERIES[0],
            linewidth=1.5,
        )
        for number, (one, two) in enumerate(chosen, start=1):
            axes.annotate(str(number), (one.mean or 0, two.mean or 0), (7, 6), textcoords="offset points",
                          fontsize=10, color=INK)  # fmt: skip
        axes.set_xlabel(f"{across.label} {'(less is better)' if across.lower else '(more is better)'}")
        axes.set_ylabel(f"{up.label} {'(less is better)' if up.lower else '(more is better)'}")

    said = "; ".join(
        f"{number}: {across.label} {figures(across, one).value}, {up.label} {figures(up, two).value}"
        for number, (one, two) in enumerate(chosen, start=1)
    )
    alt = f"{len(chosen)} of {len(places)} points are on the front of {across.label} and {up.label}. {said}."
    bars = " Bars: a standard deviation over seeds." if sweep.num_seeds > 1 else ""
    return Plot(
        title=f"{up.label} against {across.label}",
        svg=draw_svg(f"front {table.split}", draw, alt, (7.2, 3.8)),
        alt=alt,
        note=f"Numbered and joined: the front. Grey: points that another one beats.{bars}",
    )


def _effect_plot(sweep: Sweep, split: str, row: MetricRow, setting: int) -> Plot:
    name = sweep.settings[setting]
    scale = Scale([point.values[setting] for point in sweep.points])
    lines = _lines(sweep, setting)

    def draw(axes: "Axes") -> None:
        for colour, points in zip(colours(len(lines)), lines.values(), strict=True):
            means: dict[float, list[float]] = {}
            for index in points:
                place = scale.place(sweep.points[index].values[setting])
                values = row.cells[index].values
                axes.plot([place] * len(values), values, "o", color=colour, markersize=4, alpha=0.45)
                means.setdefault(place, []).extend(values)
            places = sorted(place for place, values in means.items() if values)
            axes.plot(
                places,
                [math.fsum(means[place]) / len(means[place]) for place in places],
                color=colour,
                linewidth=1.8,
            )
        scale.mark(axes)
        axes.set_xlabel(name)

    alt = f"{row.label} by {name} in {split}: " + "; ".join(
        f"{sweep.overrides(point)}: {figures(row, cell).value}"
        for point, cell in zip(sweep.points, row.cells, strict=True)
    )
    legend = legend_of(list(lines)) if len(lines) > 1 else []
    return Plot(
        title=f"{row.label} {arrow(row)}",
        svg=draw_svg(f"{split} {row.key} {name}", draw, alt, (4.2, 2.6)),
        alt=alt,
        legend=legend,
    )


def _lines(sweep: Sweep, setting: int) -> dict[str, list[int]]:
    """The points of each line, by what it is called: by the other settings, or all in one."""
    lines: dict[str, list[int]] = {}
    for index, point in enumerate(sweep.points):
        others = [
            f"{key.rpartition('.')[2]}={written(value)}"
            for place, (key, value) in enumerate(zip(sweep.settings, point.values, strict=True))
            if place != setting
        ]
        lines.setdefault(" ".join(others), []).append(index)
    if len(lines) > MAX_LINES:
        return {"": list(range(len(sweep.points)))}
    return lines
