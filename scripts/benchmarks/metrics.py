"""USR, FMR, FCR and DIV of a test split: by comparing every pair, as PETER's evaluation does, beside counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import torch

from meter.metrics import diversity_peter_compat
from meter.metrics.diversity import feature_diversity

from .part import Comparison, Row, Settings
from .timing import Timing, summed

PART = "metrics"
WHOLE, SAMPLE = 32_003, 4_000
"""Sentences of TripAdvisor's test split, and of the part that is compared pair by pair."""
VOCABULARY, FEATURES, KINDS = 20_000, 5_069, 6
"""Words, features among them (TripAdvisor's), and records to a different sentence: PETER+ wrote 5,337 of 32,003."""
NOTE = (
    "every record has a feature; the reference gets its sentences already split into words, ours splits them and "
    "counts distinct-1 and distinct-2 besides"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentences:
    """Generated sentences, once as text and once as words, the feature of each record, and all features."""

    texts: list[str]
    words: list[list[str]]
    features: list[str]
    feature_set: set[str]

    def first(self, count: int) -> "Sentences":
        return Sentences(
            texts=self.texts[:count],
            words=self.words[:count],
            features=self.features[:count],
            feature_set=self.feature_set,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What both sides give."""

    usr: float
    usn: int
    fmr: float
    fcr: float
    div: float


def draw_sentences(count: int, seed: int = 0) -> Sentences:
    """Sentences of words whose frequency falls as 1 / rank, many of them written again and again."""
    generator = np.random.default_rng(seed)

    def ranks(choices: int, draws: int) -> np.ndarray:
        shares = 1 / np.arange(1, choices + 1)
        return generator.choice(choices, draws, p=shares / shares.sum())

    kinds = -(-count // KINDS)
    lengths = generator.integers(5, 16, kinds)
    pool = [[f"word{rank}" for rank in ranks(VOCABULARY, length)] for length in lengths]
    # Every kind once, so that the number of different sentences grows with the number of sentences.
    chosen = generator.permutation(np.concatenate([np.arange(kinds), ranks(kinds, count - kinds)]))
    feature_names = [f"word{rank}" for rank in generator.permutation(VOCABULARY)[:FEATURES]]
    return Sentences(
        texts=[" ".join(pool[kind]) for kind in chosen],
        words=[pool[kind] for kind in chosen],
        features=[feature_names[rank] for rank in ranks(FEATURES, count)],
        feature_set=set(feature_names),
    )


def unique_sentences(sentences: Sequence[Sequence[str]]) -> int:
    """Different sentences: each is compared with all different ones so far until one is the same."""
    unique: list[Sequence[str]] = []
    for sentence in sentences:
        for earlier in unique:
            if same_words(sentence, earlier):
                break
        else:
            unique.append(sentence)
    return len(unique)


def same_words(first: Sequence[str], second: Sequence[str]) -> bool:
    """Word by word, up to the first difference."""
    if len(first) != len(second):
        return False
    for one, other in zip(first, second, strict=True):  # noqa: SIM110 - a generator would slow the reference down
        if one != other:
            return False
    return True


def detect_features(sentences: Sequence[Sequence[str]], feature_set: set[str]) -> list[set[str]]:
    """The features among the words of each sentence."""
    return [{word for word in sentence if word in feature_set} for sentence in sentences]


def matching_ratio(found: Sequence[set[str]], features: Sequence[str]) -> float:
    """FMR: sentences that have the feature of their record."""
    return sum(feature in each for each, feature in zip(found, features, strict=True)) / len(found)


def coverage_ratio(found: Sequence[set[str]], feature_set: set[str]) -> float:
    """FCR: features found in any sentence."""
    covered: set[str] = set()
    for each in found:
        covered = covered | each
    return len(covered) / len(feature_set)


def mean_shared_features(found: Sequence[set[str]]) -> float:
    """DIV: for every pair of sentences, how many features both have."""
    shared = 0
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            shared += len(one & other)
    return shared / (len(found) * (len(found) - 1) / 2)


def compare_all_pairs(sentences: Sentences) -> Values:
    """All values as PETER's evaluation computes them."""
    usn = unique_sentences(sentences.words)
    found = detect_features(sentences.words, sentences.feature_set)
    return Values(
        usr=usn / len(sentences.words),
        usn=usn,
        fmr=matching_ratio(found, sentences.features),
        fcr=coverage_ratio(found, sentences.feature_set),
        div=mean_shared_features(found),
    )


def count_comparisons(sentences: Sequence[str]) -> int:
    """Pairs of sentences that ``unique_sentences`` compares, counted without comparing them."""
    places: dict[str, int] = {}
    compared = 0
    for sentence in sentences:
        compared += places[sentence] + 1 if sentence in places else len(places)
        places.setdefault(sentence, len(places))
    return compared


def ours(sentences: Sentences) -> Values:
    """The same values by the library."""
    made = diversity_peter_compat(sentences.texts, sentences.features, sentences.feature_set)
    assert made.fmr is not None
    assert made.fcr is not None
    assert made.div is not None
    return Values(usr=made.usr, usn=made.usn, fmr=made.fmr, fcr=made.fcr, div=made.div)


def measure(settings: Settings) -> list[Row]:
    """Both sides on a sample, then on a whole split, where the pairs are counted unless ``settings.whole``."""
    count, sampled = (60, 30) if settings.quick else (WHOLE, SAMPLE)
    whole = draw_sentences(count)
    sample = whole.first(sampled)
    sample_found, whole_found = (detect_features(each.words, each.feature_set) for each in (sample, whole))

    def ratios() -> None:
        found = detect_features(sample.words, sample.feature_set)
        matching_ratio(found, sample.features)
        coverage_ratio(found, sample.feature_set)

    sides = {
        "unique": settings.side(lambda: unique_sentences(sample.words)),
        "ratios": settings.side(ratios),
        "pairs": settings.side(lambda: mean_shared_features(sample_found)),
        "ours": settings.side(lambda: ours(sample)),
        "ours whole": settings.side(lambda: ours(whole)),
        "div whole": settings.side(lambda: feature_diversity(whole_found)),
    }
    if settings.whole:
        sides["all whole"] = settings.slow_side(lambda: compare_all_pairs(whole))
        sides["pairs whole"] = settings.slow_side(lambda: mean_shared_features(whole_found))
    timings = settings.timed(sides)
    parts = [timings[name] for name in ("unique", "ratios", "pairs")]
    growth = [
        count_comparisons(whole.texts) / count_comparisons(sample.texts),
        count / sampled,
        comb(count, 2) / comb(sampled, 2),
    ]
    extrapolated = f"extrapolated from {sampled:,} sentences by the number of pairs, counted exactly"
    how = "measured" if settings.whole else extrapolated

    def row(case: str, amount: int, reference: Timing, ours: Timing, note: str) -> Row:
        return Row(
            part=PART,
            case=case,
            reference=reference,
            ours=ours,
            amount=amount,
            unit="sentences",
            note=note,
        )

    return [
        row(f"USR, FMR, FCR, DIV of {sampled:,}", sampled, summed(parts, [1, 1, 1]), timings["ours"], NOTE),
        row(
            f"USR, FMR, FCR, DIV of {count:,}",
            count,
            timings["all whole"] if settings.whole else summed(parts, growth),
            timings["ours whole"],
            f"{NOTE}; the reference is {how}",
        ),
        row(
            f"DIV alone of {count:,}",
            count,
            timings["pairs whole"] if settings.whole else summed(parts[2:], growth[2:]),
            timings["div whole"],
            f"features found beforehand; the reference is {how}",
        ),
    ]


def compare(device: torch.device) -> list[Comparison]:
    """Every value of a few hundred sentences; metrics run on the host, whatever the device."""
    sentences = draw_sentences(300)
    expected, found = compare_all_pairs(sentences), ours(sentences)
    return [
        Comparison(PART, name.upper(), abs(getattr(expected, name) - getattr(found, name)), 1e-12)
        for name in Values.__slots__
    ]
