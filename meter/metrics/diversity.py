"""How diverse sentences are and how well they name features: USR, USN, FMR, FCR, DIV, distinct-n and entropy.

Definitions of Li et al. (NETE 2020, PETER 2021), distinct-n of Li et al. (2016), entropy of Zhang et al. (2018). The
same functions score true sentences, so that a model's diversity can be compared with theirs.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from statistics import fmean

import numpy as np
from jaxtyping import Int64

from meter.errors import InputError
from meter.metrics.overlap import number_ngrams
from meter.metrics.version import signature
from meter.special_words import SPECIAL_WORDS, UNK

UNKNOWN = SPECIAL_WORDS[UNK]


@dataclass(kw_only=True, slots=True)
class Diversity:
    """Ratios in 0 … 1, DIV in features per pair. None where there is nothing to compute a value from."""

    usr: float
    """Unique sentence ratio: different sentences over sentences. 1 − usr is the duplicate rate."""
    usn: int
    """Unique sentence number: different sentences."""
    fmr: float | None
    """Feature matching ratio: share of the records with a feature whose sentence has this feature."""
    fcr: float | None
    """Feature coverage ratio: features found in any sentence over the features of the data set."""
    div: float | None
    """Feature diversity: mean number of features that two sentences share; lower is more diverse."""
    distinct_1: float | None
    """Different words over words of all sentences."""
    distinct_2: float | None
    """Different pairs of adjacent words over all such pairs."""
    distinct_3: float | None
    """The same of three adjacent words."""
    entropy_1: float | None
    """Entropy of the words of all sentences, in bits: −Σ p log₂ p."""
    entropy_2: float | None
    """Entropy of their pairs of adjacent words."""
    entropy_3: float | None
    """Entropy of three adjacent words."""
    entropy: float | None
    """ENTR, the mean of the three; None where one of them is."""
    count: int
    """Sentences scored."""
    count_with_feature: int
    """Records that have a feature: what fmr is a share of."""
    num_features: int
    """Features of the data set: what fcr is a share of."""
    signature: str


def diversity(
    sentences: Sequence[str], features: Sequence[str | None], feature_set: Collection[str]
) -> Diversity:
    """Scores tokenized sentences; a feature is found where its words are adjacent.

    Args:
        sentences: generated (or true) sentences.
        features: the feature of each record, None where it has none. ``<unk>`` is never found.
        feature_set: features of the data set; ``<unk>`` is not one.

    Raises:
        InputError: no sentence, or unequal numbers of sentences and features.
    """
    words = _checked(sentences, features)
    known = {" ".join(feature.split()) for feature in feature_set} - {UNKNOWN, ""}
    found = find_features(sentences, known)
    matched = [match for match in match_features(sentences, features) if match is not None]
    return _diversity(words, found, matched, known, signature("diversity", features="words"))


def diversity_peter_compat(
    sentences: Sequence[str], features: Sequence[str | None], feature_set: Collection[str]
) -> Diversity:
    """The same as PETER's evaluation counts: a feature is found where it is one token of the sentence.

    A feature of several words is thus never found. A record's feature outside ``feature_set`` becomes ``<unk>``,
    which then is a feature like any other: it is in the denominator of FCR and is found where ``<unk>`` is written.

    Args:
        sentences: generated (or true) sentences.
        features: the feature of each record, None where it has none.
        feature_set: features of the data set.

    Raises:
        InputError: as ``diversity``.
    """
    words = _checked(sentences, features)
    known = set(feature_set)
    asked = [feature if feature is None or feature in known else UNKNOWN for feature in features]
    if UNKNOWN in asked:
        known.add(UNKNOWN)
    found = [known.intersection(sentence) for sentence in words]
    matched = [
        feature in present for present, feature in zip(found, asked, strict=True) if feature is not None
    ]
    return _diversity(words, found, matched, known, signature("diversity", features="tokens"))


def find_features(sentences: Iterable[str], feature_set: Collection[str]) -> list[set[str]]:
    """The features whose words are adjacent in each sentence; nested ones (desk, front desk) count each."""
    known = {tuple(feature.split()): feature for feature in feature_set}
    lengths = sorted({len(words) for words in known})
    found = []
    for sentence in sentences:
        words = sentence.split()
        present = set()
        for length in lengths:
            for start in range(len(words) - length + 1):
                feature = known.get(tuple(words[start : start + length]))
                if feature is not None:
                    present.add(feature)
        found.append(present)
    return found


def match_features(sentences: Iterable[str], features: Iterable[str | None]) -> list[bool | None]:
    """Whether each sentence has the adjacent words of its record's feature; None where the record has none."""
    return [
        None
        if feature is None
        else feature != UNKNOWN and f" {' '.join(feature.split())} " in f" {' '.join(sentence.split())} "
        for sentence, feature in zip(sentences, features, strict=True)
    ]


def feature_diversity(found: Sequence[Collection[str]]) -> float | None:
    """DIV: mean over all pairs of sentences of the number of features both have; None for fewer than two.

    Each feature that stands in n_f sentences is shared by C(n_f, 2) of the C(N, 2) pairs: summing over features
    instead of pairs is exact and linear.
    """
    if len(found) < 2:
        return None
    frequency = Counter(feature for present in found for feature in present)
    return sum(comb(times, 2) for times in frequency.values()) / comb(len(found), 2)


def distinct(sentences: Sequence[str], order: int) -> float | None:
    """Distinct-n: different n-grams over n-grams of all sentences; None where no sentence has n words."""
    return _distinct(_ngram_counts([sentence.split() for sentence in sentences], order)[-1])


def _ngram_counts(words: Sequence[Sequence[str]], max_order: int) -> list[Int64[np.ndarray, "_"]]:
    """How often each different n-gram occurs, for n = 1 … ``max_order``; empty where no sentence is long enough."""
    counts = [np.bincount(grams) for grams, _ in number_ngrams(words, max_order)]
    return counts + [np.zeros(0, dtype=np.int64)] * (max_order - len(counts))


def _distinct(counts: Int64[np.ndarray, "_"]) -> float | None:
    return len(counts) / int(counts.sum()) if len(counts) else None


def _entropy(counts: Int64[np.ndarray, "_"]) -> float | None:
    """In bits."""
    if len(counts) == 0:
        return None
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # no entropy is 0, not −0


def _checked(sentences: Sequence[str], features: Sequence[str | None]) -> list[list[str]]:
    """The words of each sentence."""
    if len(sentences) == 0 or len(sentences) != len(features):
        raise InputError(
            f"expected as many features (or None) as sentences, found {len(features)} and {len(sentences)}"
        )
    return [sentence.split() for sentence in sentences]


def _diversity(
    words: list[list[str]],
    found: list[set[str]],
    matched: list[bool],
    known: set[str],
    definition: str,
) -> Diversity:
    unique = len({" ".join(sentence) for sentence in words})
    counts = _ngram_counts(words, 3)
    distinct_1, distinct_2, distinct_3 = map(_distinct, counts)
    entropies = [_entropy(of_order) for of_order in counts]
    measured = [entropy for entropy in entropies if entropy is not None]
    return Diversity(
        usr=unique / len(words),
        usn=unique,
        fmr=sum(matched) / len(matched) if matched else None,
        fcr=len(set().union(*found)) / len(known) if known else None,
        div=feature_diversity(found),
        distinct_1=distinct_1,
        distinct_2=distinct_2,
        distinct_3=distinct_3,
        entropy_1=entropies[0],
        entropy_2=entropies[1],
        entropy_3=entropies[2],
        entropy=fmean(measured) if len(measured) == len(entropies) else None,
        count=len(words),
        count_with_feature=len(matched),
        num_features=len(known),
        signature=definition,
    )
