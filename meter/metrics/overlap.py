"""What each generated sentence shares with its reference: the counts that BLEU and ROUGE are sums of.

N sentences. Everything is exact. N-grams are numbered by sorting, so the cost is O(words · log words) for a whole
test split; the longest common subsequence costs O(words) operations on integers as wide as the sentence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int64

from meter.errors import InputError

MAX_ORDER = 4
"""Longest n-gram counted: BLEU-4."""


@dataclass(kw_only=True, slots=True)
class Overlap:
    """Counts of N pairs of a generated sentence and its reference; column k is for n-grams of k + 1 words."""

    generated_words: Int64[np.ndarray, "N"]
    """Words of each generated sentence."""
    reference_words: Int64[np.ndarray, "N"]
    """Words of each reference."""
    matches: Int64[np.ndarray, "N 4"]
    """N-grams of the generated sentence found in the reference, each at most as often as it occurs there."""
    distinct_matches: Int64[np.ndarray, "N 4"]
    """Different n-grams that both sentences have."""
    distinct_generated: Int64[np.ndarray, "N 4"]
    """Different n-grams of the generated sentence."""
    distinct_reference: Int64[np.ndarray, "N 4"]
    """Different n-grams of the reference."""
    subsequence: Int64[np.ndarray, "N"]
    """Length of the longest common subsequence of words."""

    def take(self, indices: Int[np.ndarray, "R"]) -> "Overlap":
        """The counts of these pairs, in this order and as often as given: a resample for bootstrap tests."""
        return Overlap(**{name: getattr(self, name)[indices] for name in self.__slots__})


def count_overlap(references: Sequence[str], generated: Sequence[str]) -> Overlap:
    """Compares each generated sentence with the reference of the same index; words are what whitespace separates.

    Raises:
        InputError: no sentence, or unequal numbers of sentences.
    """
    if len(references) == 0 or len(references) != len(generated):
        raise InputError(
            f"expected as many generated sentences as references, found {len(generated)} and {len(references)}"
        )
    pairs = len(references)
    sentences = [sentence.split() for sentence in (*references, *generated)]
    lengths = np.array([len(words) for words in sentences], dtype=np.int64)
    shape = (pairs, MAX_ORDER)
    matches, distinct_matches = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    distinct_generated, distinct_reference = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for column, (grams, owners) in enumerate(number_ngrams(sentences, MAX_ORDER)):
        size = int(grams.max()) + 1
        of_reference = owners < pairs
        keys = (owners % pairs) * size + grams
        reference_keys, reference_counts = np.unique(keys[of_reference], return_counts=True)
        generated_keys, generated_counts = np.unique(keys[~of_reference], return_counts=True)
        shared, in_reference, in_generated = np.intersect1d(
            reference_keys, generated_keys, assume_unique=True, return_indices=True
        )
        clipped = np.minimum(reference_counts[in_reference], generated_counts[in_generated])
        np.add.at(matches[:, column], shared // size, clipped)
        distinct_matches[:, column] = np.bincount(shared // size, minlength=pairs)
        distinct_generated[:, column] = np.bincount(generated_keys // size, minlength=pairs)
        distinct_reference[:, column] = np.bincount(reference_keys // size, minlength=pairs)
    subsequence = [
        longest_common_subsequence(reference, candidate)
        for reference, candidate in zip(sentences[:pairs], sentences[pairs:], strict=True)
    ]
    return Overlap(
        generated_words=lengths[pairs:],
        reference_words=lengths[:pairs],
        matches=matches,
        distinct_matches=distinct_matches,
        distinct_generated=distinct_generated,
        distinct_reference=distinct_reference,
        subsequence=np.array(subsequence, dtype=np.int64),
    )


def number_ngrams(
    sentences: Sequence[Sequence[str]], max_order: int
) -> Iterator[tuple[Int64[np.ndarray, "G"], Int64[np.ndarray, "G"]]]:
    """For n = 1 … ``max_order``: the number of each n-gram (equal n-grams, equal numbers) and its sentence's index.

    Stops early when no sentence is long enough.
    """
    numbers: dict[str, int] = {}
    words = np.array(
        [numbers.setdefault(word, len(numbers)) for sentence in sentences for word in sentence],
        dtype=np.int64,
    )
    owners = np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])
    grams, starts = words, np.arange(len(words))
    for order in range(1, max_order + 1):
        if len(grams) == 0:
            return
        yield grams, owners[starts]
        inside = starts + order < len(words)
        grams, starts = grams[inside], starts[inside]
        inside = owners[starts] == owners[starts + order]
        grams, starts = grams[inside], starts[inside]
        longer = grams * len(numbers) + words[starts + order]
        grams = np.unique(longer, return_inverse=True)[1].astype(np.int64)


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, a column of the table at a time in the bits of one integer.

    Bit i of ``open_rows`` is 0 where the table's column grows by one at row i of ``first``
    (Crochemore, Iliopoulos, Pinzon and Reid 2001; Hyyrö 2004).
    """
    rows: dict[str, int] = {}
    for index, word in enumerate(first):
        rows[word] = rows.get(word, 0) | 1 << index
    every_row = (1 << len(first)) - 1
    open_rows = every_row
    for word in second:
        matched = open_rows & rows.get(word, 0)
        open_rows = ((open_rows + matched) | (open_rows - matched)) & every_row
    return len(first) - open_rows.bit_count()
