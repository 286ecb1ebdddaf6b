"""Words and their ids."""

import enum
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from meter.errors import InputError
from meter.special_words import BOS, EOS, PAD, SPECIAL_WORDS, UNK
from meter.storage.json_file import read_json, write_json


class VocabularySource(enum.Enum):
    """Which splits words and feature words are taken from."""

    train = "train"
    """Training only: nothing of validation and test is used."""
    peter_compat = "peter_compat"
    """All splits, as PETER does."""


class Vocabulary:
    """The words that a model knows; the index of a word is its id.

    The special words come first (PAD 0, BOS 1, EOS 2, UNK 3). A feature word of several words, such as
    ``air conditioning``, is one entry; since texts are split at white space, no word of a text can equal it.

    words: all entries, special words included.
    index: word -> id, without the special words: "<eos>" in a text is an unknown word.
    """

    def __init__(self, words: list[str]) -> None:
        if tuple(words[: len(SPECIAL_WORDS)]) != SPECIAL_WORDS:
            raise InputError(
                f"a vocabulary starts with {' '.join(SPECIAL_WORDS)}, found {' '.join(words[:4])}"
            )
        if len(set(words)) != len(words):
            raise InputError("a vocabulary has every word once; found a repeated one")
        self.words = words
        self.index = {word: id for id, word in enumerate(words) if id >= len(SPECIAL_WORDS)}

    @classmethod
    def count(cls, sentences: Iterable[str], features: Iterable[str | None], size: int) -> "Vocabulary":
        """Keeps every feature word and then the most frequent words, ``size`` entries in total.

        As in PETER, the special words are not counted in ``size``, and a feature counts as one more occurrence of
        its word. Entries are sorted by falling frequency, equally frequent words alphabetically; the first are kept.

        sentences: tokenized, words separated by spaces.

        Raises:
            InputError: there are more feature words than ``size``.
        """
        counts: Counter[str] = Counter()
        for sentence in sentences:
            counts.update(sentence.split())
        named = Counter(feature for feature in features if feature is not None)
        counts.update(named)
        for word in SPECIAL_WORDS:
            counts.pop(word, None)
            named.pop(word, None)
        if len(named) > size:
            raise InputError(
                f"dataset.vocabulary_size={size} has no room for the {len(named)} feature words; make it larger"
            )
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        others = [word for word in ranked if word not in named][: size - len(named)]
        kept = set(others) | set(named)
        return cls([*SPECIAL_WORDS, *(word for word in ranked if word in kept)])

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Ids of the words; UNK for those that are not in the vocabulary."""
        return [self.index.get(token, UNK) for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Words of the ids up to the first EOS, without PAD and BOS."""
        words: list[str] = []
        for id in ids:
            if id == EOS:
                break
            if id not in (PAD, BOS):
                words.append(self.words[id])
        return words

    def save(self, path: Path) -> None:
        """Writes the words as a JSON list."""
        write_json(path, self.words)

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Reads what ``save`` wrote."""
        return cls(read_json(path))
