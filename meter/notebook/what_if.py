"""What becomes of an explanation when one thing is asked otherwise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meter.notebook.gallery import Gallery
from meter.report import Card

if TYPE_CHECKING:
    from rich.console import Group


@dataclass(kw_only=True, slots=True)
class WhatIf:
    """An explanation before and after a change.

    change: what was asked otherwise, in words.
    """

    before: Card
    after: Card
    change: str

    @property
    def changed_codes(self) -> float | None:
        """The share of the picture's codes that are others; None where one of the cards has no picture."""
        if self.before.codes is None or self.after.codes is None:
            return None
        pairs = list(zip(self.before.codes, self.after.codes, strict=True))
        return sum(old != new for old, new in pairs) / len(pairs)

    @property
    def gallery(self) -> Gallery:
        """Both cards side by side, with what was changed and what became of the picture above them."""
        after = self.change
        if self.changed_codes is not None:
            after += f" · {self.changed_codes:.0%} of the picture’s codes changed"
        return Gallery([self.before, self.after], ["as it was", after])

    def _repr_html_(self) -> str:
        return self.gallery._repr_html_()

    def __rich__(self) -> "Group":
        return self.gallery.__rich__()
