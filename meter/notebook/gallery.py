"""Several cards beside each other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from meter.errors import InputError
from meter.notebook.table import frame
from meter.report import Card
from meter.storage.atomic import write_text

if TYPE_CHECKING:
    import pandas
    from rich.console import Group

COLUMNS = ["user", "item", "feature", "rating", "sentence", "match"]


@dataclass(kw_only=True, slots=True)
class Captioned:
    """A card and what stands above it; caption: empty for none."""

    card: Card
    caption: str = ""


class Gallery(Sequence[Card]):
    """Cards that show themselves in rows.

    captions: what stands above each card; nothing where left out.
    """

    def __init__(self, cards: Iterable[Card], captions: Sequence[str] | None = None) -> None:
        self.cards = tuple(cards)
        self.captions = tuple(captions or [""] * len(self.cards))
        if len(self.captions) != len(self.cards):
            raise InputError(
                f"captions: expected one for each of {len(self.cards)} cards, found {len(self.captions)}"
            )

    @overload
    def __getitem__(self, index: int) -> Card: ...
    @overload
    def __getitem__(self, index: slice) -> "Gallery": ...
    def __getitem__(self, index: int | slice) -> "Card | Gallery":
        if isinstance(index, slice):
            return Gallery(self.cards[index], self.captions[index])
        return self.cards[index]

    def __len__(self) -> int:
        return len(self.cards)

    def __iter__(self) -> Iterator[Card]:
        return iter(self.cards)

    @property
    def captioned(self) -> list[Captioned]:
        """The cards with their captions."""
        return [
            Captioned(card=card, caption=caption)
            for card, caption in zip(self.cards, self.captions, strict=True)
        ]

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each card: names, rating, sentence, match. Raises InputError where pandas is not installed."""
        rows = [{name: getattr(card, name) for name in COLUMNS} for card in self.cards]
        return frame(COLUMNS, rows)

    def save(self, path: str | Path) -> Path:
        """Writes a page (``.html``) that opens offline; returns the path. Raises InputError for any other ending."""
        from meter.report.rendering import render

        path = Path(path)
        if path.suffix.lower() != ".html":
            raise InputError(f"a gallery is saved as .html, not as '{path.name}': change the ending")
        return write_text(path, render("gallery_page.html.j2", gallery=self))

    def _repr_html_(self) -> str:
        from meter.report.rendering import render

        return render("gallery_notebook.html.j2", gallery=self)

    def __rich__(self) -> "Group":
        from rich.console import Group

        return Group(*self.cards)

    def __repr__(self) -> str:
        return f"Gallery of {len(self)} cards"
