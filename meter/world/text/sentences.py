"""Writes one sentence about a value and the user's feeling about it, in the user's style."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from meter.world.text import phrases
from meter.world.text.wording import PLURAL, SERVED, WORDINGS

SHORTEST, LONGEST = 6, 17
"""Words of a sentence, punctuation included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """How a user writes.

    speaker: the user's words for we, our and us.
    habits: phrase -> weight of using it.
    opens, closes, stresses: probabilities of an opening, of a closing and of a word of degree.
    elaborate: probability of a value's rarer synonym.
    exclaims: probability that a sentence of praise ends in an exclamation mark.
    """

    speaker: dict[str, str]
    habits: dict[str, float]
    opens: float
    closes: float
    stresses: float
    elaborate: float
    exclaims: float


_CALM_FRAMES = ["is", "feeling", "has", "remark", "finding", "effect"]
_FRAMES = [*_CALM_FRAMES, "exclamation"]

_STOCK = [
    _FRAMES,
    [*phrases.OPENINGS, *phrases.INTERJECTIONS, *phrases.KITCHENS],
    *(
        options
        for by_key in (
            phrases.CLOSINGS,
            phrases.LOOKS,
            phrases.TASTES,
            phrases.DEGREES,
            phrases.FEELINGS,
            phrases.EFFECTS,
            phrases.VENUES,
            phrases.STAYS,
        )
        for options in by_key.values()
    ),
]


def random_style(generator: np.random.Generator) -> Style:
    """Draws a style: a few favourite phrases of each sort, and how talkative the user is."""
    habits: dict[str, float] = {}
    for options in _STOCK:
        for phrase, weight in zip(options, generator.gamma(0.5, size=len(options)), strict=True):
            habits[phrase] = float(weight) + 0.05
    talkative = generator.beta(1.5, 1.5)
    return Style(
        speaker=phrases.SPEAKERS[generator.integers(len(phrases.SPEAKERS))],
        habits=habits,
        opens=0.1 + 0.6 * talkative,
        closes=0.25 + 0.65 * talkative,
        stresses=float(generator.uniform(0.1, 0.6)),
        elaborate=float(generator.choice([0.1, 0.5, 0.9], p=[0.5, 0.25, 0.25])),
        exclaims=float(generator.choice([0.0, 0.3, 0.9])),
    )


def write_sentence(
    kind: str, feature: str, value: str, sentiment: str, style: Style, generator: np.random.Generator
) -> str:
    """One sentence that names this value of this feature, and no other value, with this sentiment.

    Lower case, words and punctuation separated by single spaces, ``SHORTEST`` to ``LONGEST`` words.

    sentiment: ``phrases.LIKED``, ``DISLIKED`` or ``UNMOVED``.
    """
    writer = _SentenceWriter(kind, feature, value, sentiment, style, generator)
    while True:
        words = writer.sentence().split()
        if SHORTEST <= len(words) <= LONGEST:
            return " ".join(words)


class _SentenceWriter:
    """Draws sentences about one value until one has the right length."""

    def __init__(
        self,
        kind: str,
        feature: str,
        value: str,
        sentiment: str,
        style: Style,
        generator: np.random.Generator,
    ) -> None:
        self.kind = kind
        self.feature = feature
        self.sentiment = sentiment
        self.style = style
        self.generator = generator
        self.served = feature in SERVED
        self.verb = "were" if feature in PLURAL else "was"
        self.adjectives = (phrases.TASTES if self.served else phrases.LOOKS)[sentiment]
        wordings = WORDINGS[feature][value]
        plain = (len(wordings) + 1) // 2
        elaborate = len(wordings) > 1 and self.chance(style.elaborate)
        self.wordings = wordings[plain:] if elaborate else wordings[:plain]

    def sentence(self) -> str:
        wording = self.wordings[self.generator.integers(len(self.wordings))]
        frame = self.pick(_CALM_FRAMES if self.sentiment == phrases.UNMOVED else _FRAMES)
        core = {
            "is": self.is_so,
            "feeling": self.feeling,
            "has": self.item_has,
            "exclamation": self.exclamation,
            "finding": self.finding,
            "effect": self.effect,
        }
        statement = self.remark(wording.predicate) if frame == "remark" else core[frame](wording.noun)
        openings = phrases.INTERJECTIONS if frame == "exclamation" else phrases.OPENINGS
        opening = self.pick(openings) if self.chance(self.style.opens) else ""
        closing = self.pick(phrases.CLOSINGS[self.sentiment]) if self.chance(self.style.closes) else ""
        loud = self.sentiment == phrases.LIKED and self.chance(self.style.exclaims)
        whole = f"{opening} {statement} {closing} {'!' if loud else '.'}"
        return whole.format(stay=self.pick(phrases.STAYS[self.kind]), **self.style.speaker)

    def is_so(self, noun: str) -> str:
        return f"the {_as_subject(noun)} {self.verb} {self.quality()}"

    def feeling(self, noun: str) -> str:
        return f"{{we}} {self.pick(phrases.FEELINGS[self.sentiment])} the {noun}"

    def item_has(self, noun: str) -> str:
        had = (
            f"{self.pick(phrases.KITCHENS)} served"
            if self.served
            else f"{self.pick(phrases.VENUES[self.kind])} had"
        )
        return f"{had} {self.with_article(f'{self.quality()} {noun}')}"

    def remark(self, predicate: str) -> str:
        impression = "tasted" if self.served else "looked"
        pronoun = "they" if self.feature in PLURAL else "it"
        return f"the {self.feature} {predicate} and {pronoun} {impression} {self.quality()}"

    def exclamation(self, noun: str) -> str:
        return f"what {self.with_article(f'{self.pick(self.adjectives)} {noun}')}"

    def finding(self, noun: str) -> str:
        return f"{{we}} found the {_as_subject(noun)} {self.quality()}"

    def effect(self, noun: str) -> str:
        effect = self.pick(phrases.EFFECTS[self.sentiment])
        if self.feature in PLURAL:
            effect = effect.replace("was not", "were not").replace("its purpose", "their purpose")
        return f"the {_as_subject(noun)} {effect}"

    def quality(self) -> str:
        adjective = self.pick(self.adjectives)
        if self.chance(self.style.stresses):
            return f"{self.pick(phrases.DEGREES[self.sentiment])} {adjective}"
        return adjective

    def with_article(self, words: str) -> str:
        if self.feature in PLURAL:
            return words
        return f"an {words}" if words[0] in "aeiou" else f"a {words}"

    def pick(self, options: Sequence[str]) -> str:
        weights = np.asarray([self.style.habits[option] for option in options])
        return options[int(self.generator.choice(len(options), p=weights / weights.sum()))]

    def chance(self, probability: float) -> bool:
        return bool(self.generator.random() < probability)


def _as_subject(noun: str) -> str:
    """A noun phrase before a verb: a comma closes an apposition."""
    return f"{noun} ," if "," in noun else noun
