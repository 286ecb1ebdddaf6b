"""The results of a study as Markdown and as tables in the terminal."""

from rich.console import Console
from rich.table import Table as TerminalTable
from rich.text import Text
from tabulate import tabulate

from meter.report.terminal import visible
from meter.study.results import StudyResult
from meter.study.writing import Table, explanations, tables


def print_result(result: StudyResult, console: Console) -> None:
    """All tables, then how they were made."""
    for table in tables(result):
        console.print(_terminal_table(table))
    for line in explanations(result):
        console.print(Text(visible(line), style="dim"))


def markdown(result: StudyResult, command: str) -> str:
    """The results as a Markdown document; tables paste into an issue or a paper's appendix."""
    parts = [f"# {' · '.join(_escaped(label) for label in result.labels)}", ""]
    parts += [f"- {_escaped(label)}: `{path}`" for label, path in result.provenance["runs"].items()]
    for table in tables(result):
        rows = [[_escaped(cell) for cell in row] for row in table.rows]
        columns = ["left", *["right"] * (len(table.headings) - 1)]
        headings = [_escaped(heading) for heading in table.headings]
        parts += ["", f"## {table.title}", ""]
        parts += [tabulate(rows, headings, tablefmt="pipe", colalign=columns, disable_numparse=True)]
    parts += ["", "## How it was made", ""]
    parts += [f"- {_escaped(line)}" for line in explanations(result)]
    parts += [f"- `{command}`"]
    return "\n".join(parts) + "\n"


def _terminal_table(table: Table) -> TerminalTable:
    shown = TerminalTable(title=table.title, title_justify="left", header_style="bold")
    for place, heading in enumerate(table.headings):
        shown.add_column(Text(visible(heading)), justify="right" if place else "left")
    for row in table.rows:
        shown.add_row(*(Text(visible(cell)) for cell in row))
    return shown


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no end of a table's cell."""
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + letter if letter in "\\`*_[]|#" else letter for letter in plain)
