"""What the page shows, as HTML: cards as they are generated, alternatives, what if, where a word is found, photos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meter.errors import InputError
from meter.notebook import Explainer
from meter.report import Card
from meter.report.rendering import render

LIKELIEST = "the likeliest"
"""The choice that leaves the feature word to the model."""
MOST_NAMES = 2000
"""Names of a list at most; others can be typed."""


@dataclass(kw_only=True, slots=True)
class Shown:
    """A card and its HTML. finished: whether it is the last one of its kind."""

    card: Card
    html: str
    finished: bool


class Answers:
    """A run behind the page. Every name that the run does not know raises InputError with the nearest it does."""

    def __init__(self, run: Explainer) -> None:
        self.run = run
        self.users = _busiest([(row.name, row.reviews) for row in run.users()])
        self.items = _busiest([(row.name, row.reviews) for row in run.items()])
        self.draws_pictures = run.run.vq is not None

    def features(self, item: str) -> list[str]:
        """What can be asked of an item: its own feature words first; nothing where the run has none."""
        if not self.run.run.names.features:
            return []
        own = [row.name for row in self.run.features(item)] if item in self.run.run.names.items else []
        every = [row.name for row in self.run.features()]
        return [LIKELIEST, *dict.fromkeys([*own, *every][:MOST_NAMES])]

    def explain(self, user: str, item: str, feature: str | None) -> Iterator[Shown]:
        """The card while it is generated; the last one is finished."""
        shown = None
        for card in self.run.watch(user=user, item=item, feature=_asked(feature)):
            if shown is not None:
                yield shown
            shown = Shown(card=card, html=card._repr_html_(), finished=False)
        assert shown is not None
        shown.finished = True
        yield shown

    def alternatives(self, card: Card | None, temperature: float, seed: int) -> str:
        """Four other sentences for the pair of a card, with their pictures."""
        card = _given(card)
        found = self.run.alternatives(
            user=card.user, item=card.item, feature=card.feature, temperature=temperature, seed=seed
        )
        return found._repr_html_()

    def what_if(self, card: Card | None, **change: str) -> str:
        """The card before and after one change: user, item, feature or sentence."""
        return self.run.what_if(_given(card), **change)._repr_html_()

    def locate(self, card: Card | None, word: str) -> str:
        """Where in the picture a word of the sentence is found."""
        return self.run.locate(_given(card), word)._repr_html_()

    def photos(self, item: str) -> str:
        """The photos of an item, as the VQ-GAN decodes them."""
        return render("photos.html.j2", item=item, photos=self.run.item_photos(item))


def words_of(card: Card) -> list[str]:
    """The words of a sentence, each once."""
    return [word for word in dict.fromkeys(card.text.split()) if word[0].isalnum()]


def _asked(feature: str | None) -> str | None:
    return None if feature in (None, "", LIKELIEST) else feature


def _given(card: Card | None) -> Card:
    if card is None:
        raise InputError("there is no explanation yet: press Explain first")
    return card


def _busiest(rows: Sequence[tuple[str, int | None]]) -> list[str]:
    """The names with the most training records, the first of them."""
    ordered = sorted(rows, key=lambda row: -(row[1] or 0))
    return [name for name, _ in ordered[:MOST_NAMES]]
