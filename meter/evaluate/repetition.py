"""Where a run repeats itself: which sentences, how often, and for records that share what.

Everything is exact and near-linear: sentences and names are numbered once, pairs are counted, never visited.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from jaxtyping import Int64

from meter.errors import InputError
from meter.evaluate.generations import Generation
from meter.metrics.diversity import distinct
from meter.metrics.version import signature

LARGEST = 12
"""Groups that are listed one by one; there may be thousands of users."""
MOST_REPEATED = 10
"""Sentences that are listed."""


@dataclass(kw_only=True, slots=True)
class SentenceDiversity:
    """How diverse some sentences are."""

    count: int
    """Sentences."""
    usr: float
    """Different sentences over sentences."""
    top_share: float
    """Share of the most frequent sentence."""
    distinct_2: float | None
    """Different pairs of adjoining words over all such pairs; None where no sentence has two words."""


@dataclass(kw_only=True, slots=True)
class GroupDiversity:
    """The sentences of one feature or one user, generated and true."""

    name: str
    generated: SentenceDiversity
    reference: SentenceDiversity


@dataclass(kw_only=True, slots=True)
class Groups:
    """Diversity within groups of records: means over the groups that have at least two."""

    num_groups: int
    """Groups with at least two records."""
    num_single: int
    """Groups left out, since they have one record only."""
    usr: float | None
    """Mean USR within a group, of the generated sentences; None without a group."""
    usr_of_references: float | None
    top_share: float | None
    """Mean share of a group's most frequent sentence."""
    top_share_of_references: float | None
    largest: list[GroupDiversity]
    """The groups with most records, one by one."""


@dataclass(kw_only=True, slots=True)
class Repetition:
    """How few sentences the output consists of; entry k of each list is for sentences that occur ``times[k]`` times."""

    times: list[int]
    """How often a sentence occurs, least first."""
    sentences: list[int]
    """Different sentences that occur so often."""
    cumulative_share: list[float]
    """Share of the output made up by sentences that occur at most so often."""
    half: int
    """Fewest different sentences that make up half of the output."""


@dataclass(kw_only=True, slots=True)
class RepeatedSentence:
    """A generated sentence that occurs more than once."""

    text: str
    count: int
    share: float
    """Of all generated sentences."""
    users: int
    """Different users that it was written for."""
    items: int
    """Different items that it was written for."""
    in_references: int
    """True sentences that are exactly the same."""


@dataclass(kw_only=True, slots=True)
class Coincidence:
    """How often two records that share something have exactly the same sentence: what repetition depends on."""

    shared: list[str]
    """What both records have: of feature, user, item; nothing for any two records."""
    pairs: int
    """Pairs of such records."""
    generated: float | None
    """Share of these pairs with equal generated sentences; None without a pair."""
    reference: float | None
    """The same of the true sentences."""


@dataclass(kw_only=True, slots=True)
class SentenceDiagnosis:
    """All of the above for one split."""

    count: int
    repetition: Repetition
    repetition_of_references: Repetition
    repeated: list[RepeatedSentence]
    coincidences: list[Coincidence]
    by_feature: Groups | None
    """None where no record has a feature."""
    by_user: Groups
    signature: str


SHARED: tuple[tuple[str, ...], ...] = (
    (),
    ("item",),
    ("user",),
    ("feature",),
    ("feature", "user"),
    ("feature", "item"),
)


def diagnose_sentences(generations: Sequence[Generation]) -> SentenceDiagnosis:
    """Looks for repetition in the generated sentences of one split, beside its true sentences.

    Raises:
        InputError: there is no generation.
    """
    if not generations:
        raise InputError(
            "a diagnosis needs at least one generated sentence, found none; evaluate a split with records"
        )
    texts = [_plain(generation.text) for generation in generations]
    references = [_plain(generation.reference) for generation in generations]
    with_feature = [index for index, generation in enumerate(generations) if generation.feature is not None]
    return SentenceDiagnosis(
        count=len(texts),
        repetition=repetition(texts),
        repetition_of_references=repetition(references),
        repeated=repeated_sentences(generations),
        coincidences=[
            coincidence(generations, shared) for shared in SHARED if "feature" not in shared or with_feature
        ],
        by_feature=within_groups(
            [str(generations[index].feature) for index in with_feature],
            [texts[index] for index in with_feature],
            [references[index] for index in with_feature],
        )
        if with_feature
        else None,
        by_user=within_groups([generation.user for generation in generations], texts, references),
        signature=signature("diagnosis", sentences="whole"),
    )


def sentence_diversity(sentences: Sequence[str]) -> SentenceDiversity:
    """Scores sentences together; there must be at least one."""
    counts = Counter(sentences)
    return SentenceDiversity(
        count=len(sentences),
        usr=len(counts) / len(sentences),
        top_share=max(counts.values()) / len(sentences),
        distinct_2=distinct(sentences, order=2),
    )


def repetition(sentences: Sequence[str]) -> Repetition:
    """How often sentences occur, and how few of them make up half of the output."""
    counts = np.sort(np.array(list(Counter(sentences).values())))
    times, different = np.unique(counts, return_counts=True)
    most_frequent = np.cumsum(counts[::-1])
    return Repetition(
        times=times.tolist(),
        sentences=different.tolist(),
        cumulative_share=(np.cumsum(times * different) / len(sentences)).tolist(),
        half=int(np.searchsorted(2 * most_frequent, len(sentences))) + 1,
    )


def repeated_sentences(generations: Sequence[Generation]) -> list[RepeatedSentence]:
    """The generated sentences that occur most often, more than once; equally frequent ones in alphabetical order."""
    counts = Counter(_plain(generation.text) for generation in generations)
    ranked = sorted((text for text in counts if counts[text] > 1), key=lambda text: (-counts[text], text))
    listed: dict[str, tuple[set[str], set[str]]] = {text: (set(), set()) for text in ranked[:MOST_REPEATED]}
    for generation in generations:
        users, items = listed.get(_plain(generation.text), (set(), set()))
        users.add(generation.user)
        items.add(generation.item)
    written = Counter(_plain(generation.reference) for generation in generations)
    return [
        RepeatedSentence(
            text=text,
            count=counts[text],
            share=counts[text] / len(generations),
            users=len(users),
            items=len(items),
            in_references=written[text],
        )
        for text, (users, items) in listed.items()
    ]


def coincidence(generations: Sequence[Generation], shared: Sequence[str]) -> Coincidence:
    """Counts the pairs of records that agree in all that ``shared`` names, and those of them with equal sentences.

    Where ``shared`` names the feature, records without one are left out.
    """
    needs_feature = "feature" in shared
    counted = [
        generation for generation in generations if generation.feature is not None or not needs_feature
    ]
    keys = [tuple(getattr(generation, name) for name in shared) for generation in counted]
    pairs = _num_pairs(keys)

    def share(texts: list[str]) -> float | None:
        return _num_pairs(list(zip(keys, texts, strict=True))) / pairs if pairs else None

    return Coincidence(
        shared=list(shared),
        pairs=pairs,
        generated=share([_plain(generation.text) for generation in counted]),
        reference=share([_plain(generation.reference) for generation in counted]),
    )


def within_groups(names: Sequence[str], texts: Sequence[str], references: Sequence[str]) -> Groups:
    """How diverse generated and true sentences are within the records of the same name."""
    known = sorted(set(names))
    numbers = {name: number for number, name in enumerate(known)}
    groups = np.array([numbers[name] for name in names])
    sizes = np.bincount(groups)
    counted = sizes > 1
    different, most = _within(groups, texts)
    different_true, most_true = _within(groups, references)

    def mean(values: Int64[np.ndarray, "G"]) -> float | None:
        return float((values[counted] / sizes[counted]).mean()) if counted.any() else None

    ordered = np.argsort(groups, kind="stable")
    members: list[list[int]] = [indices.tolist() for indices in np.split(ordered, np.cumsum(sizes)[:-1])]
    # Stable, so that groups of one size stay in alphabetical order.
    largest: list[int] = np.argsort(-sizes, kind="stable")[:LARGEST].tolist()
    return Groups(
        num_groups=int(counted.sum()),
        num_single=int((~counted).sum()),
        usr=mean(different),
        usr_of_references=mean(different_true),
        top_share=mean(most),
        top_share_of_references=mean(most_true),
        largest=[
            GroupDiversity(
                name=known[group],
                generated=sentence_diversity([texts[index] for index in members[group]]),
                reference=sentence_diversity([references[index] for index in members[group]]),
            )
            for group in largest
            if counted[group]
        ],
    )


def _within(
    groups: Int64[np.ndarray, "N"], sentences: Sequence[str]
) -> tuple[Int64[np.ndarray, "G"], Int64[np.ndarray, "G"]]:
    """Different sentences of each group, and how often its most frequent one occurs."""
    numbers: dict[str, int] = {}
    written = np.array([numbers.setdefault(text, len(numbers)) for text in sentences])
    pairs, counts = np.unique(groups * len(numbers) + written, return_counts=True)
    group_of_pair = pairs // len(numbers)
    most = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    np.maximum.at(most, group_of_pair, counts)
    return np.bincount(group_of_pair), most


def _num_pairs(keys: Sequence[Hashable]) -> int:
    return sum(comb(times, 2) for times in Counter(keys).values())


def _plain(sentence: str) -> str:
    return " ".join(sentence.split())
