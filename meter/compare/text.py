"""A comparison as Markdown and as tables in the terminal."""

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from meter.compare.comparison import Comparison, MetricRow, SplitTable
from meter.compare.systems import written
from meter.compare.writing import arrow, explanations, figures, over_seeds, sections, seeds_said
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
    labels = [system.label for system in comparison.systems]
    parts = [f"# {' · '.join(_escaped(label) for label in labels)}", ""]
    parts += [
        f"- **{_escaped(system.label)}**{' (baseline)' if place == 0 else ''}: {seeds_said(system.seeds)}; "
        + ", ".join(f"`{run}`" for run in system.runs)
        for place, system in enumerate(comparison.systems)
    ]
    for table in comparison.tables:
        parts += ["", f"## {_escaped(table.split)}, {table.num_examples:,} records", ""]
        parts += _markdown_table(labels, table)
        parts += _markdown_seeds(labels, table)
    parts += ["", "## How it was made", ""]
    parts += [f"- {_escaped(line)}" for line in (*explanations(comparison), *comparison.notes)]
    parts += [f"- {name.replace('_', ' ')}: {_said(value)}" for name, value in comparison.provenance.items()]
    parts += [f"- `{command}`"]
    if comparison.settings:
        parts += [
            "",
            "| field | " + " | ".join(map(_escaped, labels)) + " |",
            "|---" * (len(labels) + 1) + "|",
        ]
        parts += [
            f"| {_escaped(key)} | " + " | ".join(_escaped(written(value)) for value in values) + " |"
            for key, values in comparison.settings.items()
        ]
    return "\n".join(parts) + "\n"


def _terminal_table(comparison: Comparison, table: SplitTable) -> Table:
    shown = Table(
        title=Text(visible(f"{table.split}, {table.num_examples:,} records")),
        title_justify="left",
        header_style="bold",
    )
    shown.add_column("metric")
    for place, system in enumerate(comparison.systems):
        below = "baseline" if place == 0 else "difference, 95 % interval, p, d"
        head = Text(visible(f"{system.label} ({seeds_said(system.seeds)})"))
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


def _markdown_table(labels: list[str], table: SplitTable) -> list[str]:
    heads = ["metric", f"{_escaped(labels[0])} (baseline)"]
    for label in labels[1:]:
        heads += [_escaped(label), "difference", "95 % interval", "p", "d"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for row in table.rows:
        said = [f"{row.label} {arrow(row)}"]
        for place, cell in enumerate(row.cells):
            written_out = figures(row, cell)
            value = f"**{written_out.value}**" if cell.verdict else written_out.value
            p = _escaped(written_out.p)
            said += (
                [value]
                if place == 0
                else [value, written_out.difference, written_out.interval, p, written_out.effect]
            )
        lines.append("| " + " | ".join(said) + " |")
    return lines


def _markdown_seeds(labels: list[str], table: SplitTable) -> list[str]:
    tested = [row for row in table.rows if any(cell.over_seeds for cell in row.cells)]
    if not tested:
        return []
    heads = [
        "over seeds",
        *(f"{_escaped(label)}: {what}" for label in labels[1:] for what in ("p Welch", "p exact", "δ")),
    ]
    lines = ["", "| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for row in tested:
        said = [over_seeds(cell) or ("", "", "") for cell in row.cells[1:]]
        figures_said = [_escaped(figure) for three in said for figure in three]
        lines.append("| " + " | ".join([f"{row.label} {arrow(row)}", *figures_said]) + " |")
    return lines


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_said(entry) for entry in value)
    text = str(value)
    return f"`{text[:12]}`" if len(text) == 64 else _escaped(text)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no end of a table's cell."""
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + letter if letter in "\\`*_[]|#" else letter for letter in plain)
