"""Finds feature words, and sentences that name them, in long raw reviews: simple on purpose."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from meter.data.tokenizer import tokenize

_DETERMINERS = frozenset(["the", "my", "our", "your", "his", "her", "their"])
_VERBS = frozenset(["is", "are", "was", "were"])
# fmt: off
_NOT_FEATURES = frozenset([
    "back", "choice", "fave", "favorite", "favorites", "first", "friend", "friends", "group", "guy", "guys", "heck",
    "hell", "husband", "hype", "inside", "kids", "lady", "line", "mind", "mouth", "name", "opinion", "order", "other",
    "others", "outside", "people", "place", "problem", "rest", "review", "reviews", "side", "stuff", "time", "top",
    "total", "truth", "wife", "work",
])
# fmt: on
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class NamedFeature:
    """A sentence and the feature word in it, both tokenized; the sentence's words are separated by spaces."""

    sentence: str
    feature: str


def mine_features(texts: Iterable[str]) -> set[str]:
    """Finds the words that reviews say something about: W in "the W was …".

    Counts the texts with "the|my|our|your|his|her|their W is|are|was|were" and keeps the words with at least 5 texts
    and at least one in a thousand, except for a short list of words that are not a feature of an item (place,
    friend, rest, …). This needs no toolkit and no model; the sentiment toolkit that the authors of PETER used finds
    more features, and better ones.
    """
    counts: Counter[str] = Counter()
    num_texts = 0
    for text in texts:
        num_texts += 1
        words = tokenize(text)
        counts.update(
            {
                word
                for before, word, after in zip(words, words[1:], words[2:], strict=False)
                if before in _DETERMINERS and after in _VERBS and len(word) > 2 and word.isalpha()
            }
        )
    threshold = max(5, num_texts / 1000)
    return {word for word, count in counts.items() if count >= threshold and word not in _NOT_FEATURES}


def first_named(text: str, features: Collection[str]) -> NamedFeature | None:
    """The first sentence of a raw text with a feature word, and the first feature word in it; None if there is none.

    A sentence ends at a line break, or at ``.``, ``!`` or ``?`` before white space; sentences of fewer than 3 words
    are skipped.
    """
    for sentence in _SENTENCE_END.split(text):
        words = tokenize(sentence)
        feature = next((word for word in words if word in features), None)
        if feature is not None and len(words) >= _MIN_WORDS:
            return NamedFeature(" ".join(words), feature)
    return None
