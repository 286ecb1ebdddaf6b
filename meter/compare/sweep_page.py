"""A sweep as one HTML page, as Markdown, and as a table in the terminal."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from meter.compare.results import MetricRow
from meter.compare.sweep import Sweep, SweepTable
from meter.compare.sweep_plots import effect_plots, front_plot
from meter.compare.systems import runs_said, written
from meter.compare.text import escaped, markdown_table
from meter.compare.writing import arrow, figures
from meter.report.rendering import render
from meter.report.terminal import visible

HEADLINES = (
    "rating.rmse",
    "text.bleu_4",
    "text.rouge_1.f",
    "diversity.usr",
    "diversity.fmr",
    "match.recall_at_5",
    "truth.statement_truth",
    "truth.picture_shows_asked",
    "truth.agreement",
)
"""Metrics that are drawn, and are columns of the tables, as far as they are measured."""
TERMINAL_METRICS = 3
"""Those that a terminal has room for; the first two with their deviations."""


def headline_rows(sweep: Sweep, table: SweepTable) -> list[MetricRow]:
    """The two metrics of the front, then the other headlines; all that were asked for where they are fewer."""
    keys = dict.fromkeys([*sweep.front_metrics, *HEADLINES])
    if len(table.rows) <= len(HEADLINES):
        keys |= dict.fromkeys(row.key for row in table.rows)
    return [row for key in keys if (row := table.row(key)) is not None]


def sweep_html(sweep: Sweep, command: str) -> str:
    """The page as text; the same sweep gives the same bytes. All text of users and data is escaped."""
    parts = []
    for table in sweep.tables:
        rows = headline_rows(sweep, table)
        effects = {
            setting: effect_plots(sweep, table, index, [row.key for row in rows])
            for index, setting in enumerate(sweep.settings)
        }
        parts.append((table, rows, front_plot(sweep, table), effects))
    return render(
        "sweep.html.j2",
        title=f"A sweep over {_listed(sweep.settings)}",
        subtitle=f"{len(sweep.points)} points, {_seeds(sweep)}, on {sweep.provenance['dataset']}",
        sweep=sweep,
        parts=parts,
        reading=reading(sweep),
        figures=figures,
        arrow=arrow,
        rounded=rounded,
        command=command,
    )


def sweep_markdown(sweep: Sweep, command: str) -> str:
    """The sweep as a Markdown document."""
    parts = [f"# A sweep over {_listed([f'`{key}`' for key in sweep.settings])}", ""]
    parts += [f"{len(sweep.points)} points, {_seeds(sweep)}."]
    for table in sweep.tables:
        rows = headline_rows(sweep, table)
        heads = [
            *(f"`{key}`" for key in sweep.settings),
            *(f"{row.label} {arrow(row)}" for row in rows),
            "front",
        ]
        cells = [
            [*(escaped(value) for value in values), *found, front]
            for values, found, front in _lines(sweep, table, rows)
        ]
        parts += ["", f"## {escaped(table.split)}", "", markdown_table(heads, cells)]
    parts += ["", *(f"- {escaped(line)}" for line in reading(sweep)), f"- `{command}`"]
    return "\n".join(parts) + "\n"


def print_sweep(sweep: Sweep, console: Console) -> None:
    """A table for each split, a point a line, of the first few metrics; points of the front are bold."""
    for table in sweep.tables:
        rows = headline_rows(sweep, table)[:TERMINAL_METRICS]
        shown = Table(title=Text(visible(table.split)), title_justify="left", header_style="bold")
        for key in sweep.settings:
            shown.add_column(Text(visible(key.rpartition(".")[2])), justify="right")
        for row in rows:
            shown.add_column(f"{row.label} {arrow(row)}", justify="right", no_wrap=True)
        shown.add_column("front", justify="right")
        for values, found, front in _lines(sweep, table, rows):
            means = [figure.partition(" ")[0] for figure in found[2:]]
            cells = [Text(visible(text)) for text in (*values, *found[:2], *means, front)]
            shown.add_row(*cells, style="bold" if front else "")
        console.print(shown)
    for line in reading(sweep):
        console.print(Text(visible(line), style="dim"))


def reading(sweep: Sweep) -> list[str]:
    """How the page is to be read, a sentence or two each."""
    first, second = sweep.front_metrics
    said = [
        "A point is a choice of settings: "
        + (
            "mean ± standard deviation over its seeds."
            if sweep.num_seeds > 1
            else "one run each, so what another seed would change is not known; seed=0,1,2 tells."
        ),
        f"Front: the points that no other is at least as good as in both {first} and {second}; by the means, so "
        "neighbours within a standard deviation cannot be told apart.",
    ]
    seen = [table.split for table in sweep.tables if table.split != "validation"]
    if seen:
        said.append(
            f"These are figures of {_listed(seen)}. Settings are to be chosen on validation "
            "(evaluation.splits=[validation]): the best of many points on the data that is reported is better there by "
            "chance, too."
        )
    return said


def rounded(value: Any) -> str:
    """A setting as a table shows it: a number that a sampler drew with the digits that count."""
    return f"{value:.3g}" if isinstance(value, float) else written(value)


def _lines(
    sweep: Sweep, table: SweepTable, rows: Sequence[MetricRow]
) -> list[tuple[list[str], list[str], str]]:
    """Of each point: its settings, its figures, its number on the front."""
    return [
        (
            [rounded(value) for value in point.values],
            [figures(row, row.cells[index]).value for row in rows],
            str(table.front.index(index) + 1) if index in table.front else "",
        )
        for index, point in enumerate(sweep.points)
    ]


def _seeds(sweep: Sweep) -> str:
    point = sweep.points[0]
    if all((other.seeds, other.data_seeds) == (point.seeds, point.data_seeds) for other in sweep.points):
        return runs_said(point.data_seeds, point.seeds, of_worlds=len(set(point.data_seeds)) > 1)
    fewest, most = sweep.num_seeds, max(len(point.runs) for point in sweep.points)
    return f"{fewest} to {most} runs each" if fewest < most else f"{fewest} runs each"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
