"""What an explanation says: a rating, a sentence and a picture for one user and one item, and what was checked."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from meter.report.sentence import written_out

NO_RATING = "no rating predicted"
"""What stands in its place."""


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

    @property
    def written(self) -> str:
        """``"sentence is true · armchair: velvet"``."""
        return f"{self.label} · {self.detail}" if self.detail else self.label


@dataclass(kw_only=True, slots=True)
class ContextWord:
    """A word that the context head finds likely; probability: None where it is not known."""

    word: str
    probability: float | None


@dataclass(kw_only=True, slots=True)
class Explanation:
    """The explanation of one item to one user.

    user, item: their names in the dataset.
    feature: the feature word that was asked for; None for a model or a request without one.
    rating: predicted, on the dataset's scale; the model's output is unbounded. None where it predicts none.
    true_rating: what the user gave; None where unknown.
    text: the generated sentence, tokenized (words separated by spaces).
    true_text: what the user wrote, tokenized; None where unknown.
    context: the words the context head finds likeliest, best first.
    context_probabilities: of these words; empty where they are not known.
    image: the picture to the sentence; None for a model without pictures.
    image_source: where it comes from, its caption; the default where nobody is to know.
    codes: the same picture as visual codes, row by row.
    photo: a photo of the item; None where there is none.
    photo_source: its caption.
    match: share in [0, 1] of other pictures that suit the sentence less than the generated one, as the matcher finds;
        None where it was not measured or cannot be, since the matcher is at chance.
    matcher_auc: how well the matcher tells true pairs from others, 0.5 is chance; None
        where there is no matcher.
    marks: what else was checked.
    split: the split the pair comes from, by which a gallery is filtered.
    best_rating: the highest rating of the scale, which is also the number of stars drawn.
    """

    user: str
    item: str
    rating: float | None
    text: str
    feature: str | None = None
    true_rating: float | None = None
    true_text: str | None = None
    context: list[str] = field(default_factory=list)
    context_probabilities: list[float] = field(default_factory=list)
    image: UInt8[np.ndarray, "_ _ 3"] | None = None
    image_source: str = "generated"
    codes: list[int] | None = None
    photo: UInt8[np.ndarray, "_ _ 3"] | None = None
    photo_source: str = "the item’s photo"
    match: float | None = None
    matcher_auc: float | None = None
    marks: list[Mark] = field(default_factory=list)
    split: str | None = None
    best_rating: int = 5

    @property
    def sentence(self) -> str:
        """The generated sentence as people write it."""
        return written_out(self.text)

    @property
    def true_sentence(self) -> str | None:
        """What the user wrote, as people write it."""
        return None if self.true_text is None else written_out(self.true_text)

    @property
    def weighed_context(self) -> list[ContextWord]:
        """The context without its punctuation, which heads every ranking and says nothing."""
        probabilities = self.context_probabilities or [None] * len(self.context)
        return [
            ContextWord(word=word, probability=probability)
            for word, probability in zip(self.context, probabilities, strict=True)
            if any(letter.isalnum() for letter in word)
        ]

    @property
    def context_words(self) -> list[str]:
        """The words of ``weighed_context``."""
        return [entry.word for entry in self.weighed_context]

    @property
    def pictures(self) -> list[tuple[str, UInt8[np.ndarray, "_ _ 3"]]]:
        """The pictures there are, each with its caption."""
        captioned = [(self.image_source, self.image), (self.photo_source, self.photo)]
        return [(caption, pixels) for caption, pixels in captioned if pixels is not None]

    @property
    def match_note(self) -> str | None:
        """What stands beside the match, or in its place; None for an explanation without matcher or picture."""
        if self.matcher_auc is None or self.image is None:
            return None
        if self.match is None:
            return f"not measurable here: the matcher’s AUC is {self.matcher_auc:.2f}, chance 0.5"
        return f"matcher’s AUC {self.matcher_auc:.2f}"

    @property
    def all_hold(self) -> bool | None:
        """Whether every check holds; None where nothing could be checked."""
        checked = [mark.ok for mark in self.marks if mark.ok is not None]
        return all(checked) if checked else None
