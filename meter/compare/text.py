"""A comparison as Markdown and as tables in the terminal."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from tabulate import tabulate

from meter.compare.results import Comparison, MetricRow, SplitTable
from meter.compare.systems import written
from meter.compare.writing import (
    arrow,
    by_world,
    explanations,
    figures,
    over_runs,
    runs_of,
    sections,
    tests_over_runs,
)
from meter.report.terminal import visible

STYLES = {"better": "green", "worse": "red", "": "dim"}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """A table for each split; a system's second line is its difference from the baseline."""
    for table in comparison.tables:
        console.print(_terminal_table(comparison, table))
    for note in (*explanations(comparison), *comparison.notes):
        console.print(Text(visible(note), style="dim"))


def markdown(comparison: Comparison, command: str) -> str:
    """The comparison as a Markdown document; tables paste into an issue or a paper's appendix."""
    labels = [escaped(system.label) for system in comparison.systems]
    parts = [f"# {' · '.join(labels)}", ""]
    parts += [
        f"- **{label}**{' (baseline)' if index == 0 else ''}: {runs_of(comparison, system)}; "
        + ", ".join(f"`{run}`" for run in system.runs)
        for index, (label, system) in enumerate(zip(labels, comparison.systems, strict=True))
    ]
    for table in comparison.tables:
        parts += ["", f"## {escaped(table.split)}, {table.num_examples:,} records", ""]
        parts += [_metrics_table(labels, table)]
        if any(cell.over_seeds or cell.over_runs for row in table.rows for cell in row.cells):
            parts += ["", _runs_table(labels, comparison, table)]
        if len(comparison.worlds) > 1:
            parts += ["", _worlds_table(labels, comparison, table)]
    parts += ["", "## How it was made", ""]
    parts += [f"- {escaped(line)}" for line in (*explanations(comparison), *comparison.notes)]
    parts += [f"- {name.replace('_', ' ')}: {_said(value)}" for name, value in comparison.provenance.items()]
    parts += [f"- `{command}`"]
    if comparison.settings:
        fields = [
            [escaped(key), *(escaped(written(value)) for value in values)]
            for key, values in comparison.settings.items()
        ]
        parts += ["", markdown_table(["setting", *labels], fields, align="left")]
    return "\n".join(parts) + "\n"


def _terminal_table(comparison: Comparison, table: SplitTable) -> Table:
    shown = Table(
        title=Text(visible(f"{table.split}, {table.num_examples:,} records")),
        title_justify="left",
        header_style="bold",
    )
    shown.add_column("metric")
    for index, system in enumerate(comparison.systems):
        below = "baseline" if index == 0 else "difference, 95 % interval, p, d"
        head = Text(visible(f"{system.label} ({runs_of(comparison, system)})"))
        shown.add_column(head.append(f"\n{below}", style="dim"))
    for _, rows in sections(table):
        for row in rows:
            shown.add_row(f"{row.label} {arrow(row)}", *_terminal_cells(row))
        shown.add_section()
    return shown


def _terminal_cells(row: MetricRow) -> list[Text | Group]:
    cells: list[Text | Group] = []
    for cell in row.cells:
        said = figures(row, cell)
        value = Text(said.value, style="bold" if cell.verdict else "")
        if not said.p:
            cells.append(value)
            continue
        p = said.p if said.p.startswith("<") else f"= {said.p}"
        against = f"{said.difference} ({said.interval})  p {p}  d {said.effect}"
        cells.append(Group(value, Text(against, style=STYLES[cell.verdict])))
    return cells


def _metrics_table(labels: list[str], table: SplitTable) -> str:
    headings = ["metric", f"{labels[0]} (baseline)"]
    for label in labels[1:]:
        headings += [label, "difference", "95 % interval", "p", "d"]
    rows = []
    for row in table.rows:
        cells = [f"{row.label} {arrow(row)}"]
        for index, cell in enumerate(row.cells):
            said = figures(row, cell)
            cells.append(f"**{said.value}**" if cell.verdict else said.value)
            if index > 0:
                cells += [said.difference, said.interval, escaped(said.p), said.effect]
        rows.append(cells)
    return markdown_table(headings, rows)


def _runs_table(labels: list[str], comparison: Comparison, table: SplitTable) -> str:
    tests = tests_over_runs(comparison)
    rows = [
        [
            f"{row.label} {arrow(row)}",
            *(escaped(text) for cell in row.cells[1:] for text in over_runs(row, cell)),
        ]
        for row in table.rows
        if any(cell.over_seeds or cell.over_runs for cell in row.cells)
    ]
    unit = "over matched runs" if len(comparison.worlds) > 1 else "over seeds"
    return markdown_table([unit, *(f"{label}: {test}" for label in labels[1:] for test in tests)], rows)


def _worlds_table(labels: list[str], comparison: Comparison, table: SplitTable) -> str:
    rows = []
    for row in table.rows:
        found = [by_world(row, cell, data_seed) for cell in row.cells for data_seed in comparison.worlds]
        said = [one.value + (f" ({one.difference})" if one.difference else "") for one in found]
        rows.append([f"{row.label} {arrow(row)}", *said])
    headings = [f"{label}: data\\_seed {data_seed}" for label in labels for data_seed in comparison.worlds]
    return markdown_table(["by world", *headings], rows)


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], align: str = "right") -> str:
    """The first column left, the others as said; text from outside must be escaped before."""
    columns = ["left", *[align] * (len(headings) - 1)]
    return tabulate(rows, headings, tablefmt="pipe", colalign=columns, disable_numparse=True)


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_said(entry) for entry in value)
    text = str(value)
    return f"`{text[:12]}`" if len(text) == 64 else escaped(text)


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no end of a table's cell."""
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + letter if letter in "\\`*_[]|#" else letter for letter in plain)
