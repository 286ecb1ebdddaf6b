"""One explanation, ready to be looked at: in a notebook, on a page, in a terminal, as a picture file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from meter.errors import InputError

if TYPE_CHECKING:
    from rich.panel import Panel


@dataclass(kw_only=True, slots=True)
class Mark:
    """One thing that was checked about an explanation.

    label: what was checked, e.g. ``"sentence is true"``.
    ok: whether it holds; None where it is only stated.
    detail: what was found, e.g. ``"7 of 8 features"``.
    """

    label: str
    ok: bool | None = None
    detail: str = ""


@dataclass(kw_only=True, slots=True)
class Card:
    """The explanation of one item to one user, laid out as in the paper's Figure 1.

    user, item: their names in the dataset.
    feature: the feature word that was asked for; None for a model or a request without one.
    rating: predicted, on the dataset's scale; the model's output is unbounded.
    true_rating: what the user gave; None where unknown.
    text: the generated sentence.
    true_text: what the user wrote; None where unknown.
    context: the words the context head finds likeliest, best first.
    image: the generated picture; None for a model without pictures.
    photo: a photo of the item; None where there is none.
    match: probability in [0, 1] that sentence and generated picture belong together; None where not measured.
    marks: what else was checked.
    split: the split the pair comes from, by which a gallery is filtered.
    best_rating: the highest rating of the scale, which is also the number of stars drawn.
    """

    user: str
    item: str
    rating: float
    text: str
    feature: str | None = None
    true_rating: float | None = None
    true_text: str | None = None
    context: list[str] = field(default_factory=list)
    image: UInt8[np.ndarray, "_ _ 3"] | None = None
    photo: UInt8[np.ndarray, "_ _ 3"] | None = None
    match: float | None = None
    marks: list[Mark] = field(default_factory=list)
    split: str | None = None
    best_rating: int = 5

    @property
    def pictures(self) -> list[tuple[str, UInt8[np.ndarray, "_ _ 3"]]]:
        """The pictures there are, each with its caption."""
        captioned = [("generated", self.image), ("the item’s photo", self.photo)]
        return [(caption, pixels) for caption, pixels in captioned if pixels is not None]

    @property
    def verdict(self) -> str:
        """``"right"`` when every mark that was judged holds, ``"wrong"`` when one does not, else ``"unjudged"``."""
        judged = [mark.ok for mark in self.marks if mark.ok is not None]
        if not judged:
            return "unjudged"
        return "right" if all(judged) else "wrong"

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

            path.write_text(render("card_page.html.j2", card=self), encoding="utf-8")
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
