"""An explanation in a terminal: plain lines, or a panel with its pictures drawn in half blocks."""

import unicodedata

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from meter.metrics.labels import number
from meter.report.explanation import NO_RATING, Explanation
from meter.report.pictures import half_blocks
from meter.report.rendering import stars

PICTURE_COLUMNS = 24
SIGNS = {True: "✓", False: "✗", None: "·"}
STYLES = {True: "green", False: "red", None: "dim"}


def visible(text: str) -> str:
    """``text`` without control characters, which could move the cursor or recolour the terminal."""
    return "".join("�" if unicodedata.category(letter) == "Cc" else letter for letter in text)


def lines(explanation: Explanation) -> list[tuple[str, str]]:
    """What an explanation says, as (name, value), without what it lacks."""
    said = [("user", explanation.user), ("item", explanation.item)]
    if explanation.feature is not None:
        said.append(("feature", explanation.feature))
    true = "" if explanation.true_rating is None else f" (true {stars(explanation.true_rating)})"
    predicted = NO_RATING if explanation.rating is None else number(explanation.rating)
    said.append(("rating", predicted + true))
    said.append(("explanation", explanation.sentence))
    if explanation.true_sentence is not None:
        said.append(("true text", explanation.true_sentence))
    if explanation.context_words:
        said.append(("context", ", ".join(explanation.context_words)))
    if explanation.match_note is not None:
        share = "" if explanation.match is None else f"{explanation.match:.0%}, "
        said.append(("match", share + explanation.match_note))
    return [(name, visible(value)) for name, value in said]


def plain_text(explanation: Explanation) -> str:
    """The explanation as plain lines ``name: value``, marks last."""
    said = [f"{name + ':':<13}{value}" for name, value in lines(explanation)]
    said += [visible(f"{SIGNS[mark.ok]} {mark.written}") for mark in explanation.marks]
    return "\n".join(said)


def panel(explanation: Explanation) -> Panel:
    """The explanation for rich: pictures above, then a table. Markup in the user's text is shown, not obeyed."""
    parts: list[RenderableType] = []
    if explanation.pictures:
        drawn = []
        for caption, pixels in explanation.pictures:
            picture = Text()
            for row in half_blocks(pixels, PICTURE_COLUMNS):
                for upper, lower in row:
                    picture.append("▀", style=f"{upper} on {lower}")
                picture.append("\n")
            drawn.append(picture.append(caption, style="dim"))
        beside = Table.grid(padding=(0, 2))
        beside.add_row(*drawn)
        parts.append(beside)
        parts.append(Text())
    table = Table.grid(padding=(0, 2))
    for name, value in lines(explanation):
        table.add_row(Text(name, style="dim"), Text(value, style="bold" if name == "explanation" else ""))
    parts.append(table)
    for mark in explanation.marks:
        parts.append(Text(visible(f"{SIGNS[mark.ok]} {mark.written}"), style=STYLES[mark.ok]))
    return Panel(Group(*parts), title=Text(visible(explanation.item)), expand=False, padding=(1, 2))
