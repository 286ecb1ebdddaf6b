"""An explanation that shows itself: in a notebook, on a page, in a terminal, as a picture file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from meter.errors import InputError
from meter.report.explanation import Explanation
from meter.storage.atomic import write_text

if TYPE_CHECKING:
    from rich.panel import Panel


@dataclass(kw_only=True, slots=True)
class Card(Explanation):
    """An explanation laid out as in the paper's Figure 1; its fields are those of ``Explanation``."""

    def save(self, path: str | Path) -> Path:
        """Writes the card as a picture (``.png``) or as a page that opens offline (``.html``); returns the path.

        Raises InputError for any other ending.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".png":
            from meter.report.poster import draw

            draw(self).save(path, format="PNG", optimize=True)
        elif suffix == ".html":
            from meter.report.rendering import render

            write_text(path, render("card_page.html.j2", card=self))
        else:
            raise InputError(f"a card is saved as .png or .html, not as '{path.name}': change the ending")
        return path

    def to_text(self) -> str:
        """The card as plain lines, for a log or a pipe."""
        from meter.report.terminal import plain_text

        return plain_text(self)

    def __rich__(self) -> "Panel":
        from meter.report.terminal import panel

        return panel(self)

    def _repr_html_(self) -> str:
        from meter.report.rendering import render

        return render("card_notebook.html.j2", card=self)
