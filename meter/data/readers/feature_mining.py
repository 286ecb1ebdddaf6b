"""Feature words and the sentences that name them, out of long raw reviews: simple on purpose."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from meter.data.tokenizer import tokenize

_DETERMINERS = frozenset(["the", "my", "our", "your", "his", "her", "their"])
_BEING = frozenset(["is", "are", "was", "were"])
# fmt: off
_NO_FEATURES = frozenset([
    "back", "choice", "fave", "favorite", "favorites", "first", "friend", "friends", "group", "guy", "guys", "heck",
    "hell", "husband", "hype", "inside", "kids", "lady", "line", "mind", "mouth", "name", "opinion", "order", "other",
    "others", "outside", "people", "place", "problem", "rest", "review", "reviews", "side", "stuff", "time", "top",
    "total", "truth", "wife", "work",
])
# fmt: on
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class Named:
    """A sentence and the feature word that it names. Both tokenized, the sentence joined by blanks."""

    sentence: str
    feature: str


def mine_features(texts: Iterable[str]) -> set[str]:
    """Finds the words that people say something about: those in the place of W in "the W was …".

    Counted is the number of texts with "the|my|our|your|his|her|their W is|are|was|were"; kept are words found so
    in at least 5 texts, and in at least one of a thousand, except for a short list of words that name no feature of
    an item (place, friend, rest, …). No toolkit and no model is needed; the sentiment toolkit that the authors of
    PETER used finds more, and better.
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
                if before in _DETERMINERS and after in _BEING and len(word) > 2 and word.isalpha()
            }
        )
    least = max(5, num_texts / 1000)
    return {word for word, count in counts.items() if count >= least and word not in _NO_FEATURES}


def first_named(text: str, features: Collection[str]) -> Named | None:
    """The first sentence of a raw text that names a feature word, with the first one it names; None if none does.

    A sentence ends at a line break, or at ``.``, ``!`` or ``?`` before a blank; one of fewer than 3 words is passed
    over.
    """
    for sentence in _SENTENCE_END.split(text):
        words = tokenize(sentence)
        feature = next((word for word in words if word in features), None)
        if feature is not None and len(words) >= _MIN_WORDS:
            return Named(" ".join(words), feature)
    return None
