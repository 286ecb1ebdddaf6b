"""Whether sentences name what is said of the item: iFMR, iFCR and GT-FMR (Yang et al., MAPLE 2024).

FMR asks for the one feature that a record is about, which a model may have been told. These three ask for features that
training records of the same item name, and for those of the true sentence: nothing of it is handed in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from meter.errors import InputError
from meter.metrics.diversity import UNKNOWN, find_features
from meter.metrics.version import signature

MAPLE_SHORTEST = 4
"""Letters of the shortest feature of an item that MAPLE counts."""
MAPLE_LEFT_OUT = frozenset(["food", "that", "this", "very", "were"])
"""Longer words that MAPLE does not count as features of an item."""


@dataclass(kw_only=True, slots=True)
class NamedItemFeatures:
    """What one sentence names; None where there is nothing to be named.

    of_item: some training feature of the item. of_reference: some feature of the true sentence.
    """

    of_item: bool | None
    of_reference: bool | None


@dataclass(kw_only=True, slots=True)
class ItemFeatureMetrics:
    """Ratios in 0 … 1; None where there is nothing to compute a value from."""

    ifmr: float | None
    """Item-wise feature matching ratio: share of the sentences that name any training feature of their item."""
    ifcr: float | None
    """Item-wise feature coverage ratio: features of an item that any sentence about it names, over its training
    features; mean over items."""
    gt_fmr: float | None
    """Ground-truth feature matching ratio: share of the sentences that name any feature of their true sentence."""
    count_with_item_feature: int
    """Sentences that ifmr is a share of."""
    count_with_true_feature: int
    """Sentences that gt_fmr is a share of."""
    num_items: int
    """Items that ifcr is a mean over."""
    signature: str


def item_feature_metrics(
    sentences: Sequence[str],
    references: Sequence[str],
    items: Sequence[str],
    features_of_item: Mapping[str, Collection[str]],
    feature_set: Collection[str],
) -> ItemFeatureMetrics:
    """Scores tokenized sentences; a feature is named where its words are adjacent.

    Items without a training feature are left out of iFMR and iFCR, true sentences without a feature out of GT-FMR.

    Args:
        sentences: generated (or true) sentences.
        references: true sentences.
        items: what each sentence is about.
        features_of_item: features of each item's training records. ``<unk>`` is never named.
        feature_set: features of the data set, which the true sentences are searched for.

    Raises:
        InputError: no sentence, or unequal numbers of sentences, references and items.
    """
    known = _known(feature_set, *features_of_item.values())
    found, wanted = _found(sentences, references, items, known)
    own = {item: known.intersection(features) for item, features in features_of_item.items()}
    return _metrics(found, wanted, items, own, signature("item_features", match="words", empty="left_out"))


def item_feature_metrics_maple_compat(
    sentences: Sequence[str],
    references: Sequence[str],
    items: Sequence[str],
    features_of_item: Mapping[str, Collection[str]],
    feature_set: Collection[str],
) -> ItemFeatureMetrics:
    """The same as MAPLE's evaluation counts: a feature is named where its letters stand, even inside a word.

    An item's features have four letters at least and are none of a short list of words. Records of items without a
    feature, or whose true sentence has none, count as not named.

    Args and errors as ``item_feature_metrics``.
    """
    known = _known(feature_set, *features_of_item.values())
    _, wanted = _found(sentences, references, items, known)
    own = {
        item: {
            feature
            for feature in known.intersection(features)
            if len(feature) >= MAPLE_SHORTEST and feature not in MAPLE_LEFT_OUT
        }
        for item, features in features_of_item.items()
    }
    found = [
        {feature for feature in own.get(item, set()) | of_reference if feature in sentence}
        for sentence, item, of_reference in zip(sentences, items, wanted, strict=True)
    ]
    definition = signature("item_features", match="substring", least_letters=MAPLE_SHORTEST, empty="counted")
    return _metrics(found, wanted, items, own, definition, leave_out=False)


def name_item_features(
    sentences: Sequence[str],
    references: Sequence[str],
    items: Sequence[str],
    features_of_item: Mapping[str, Collection[str]],
    feature_set: Collection[str],
) -> list[NamedItemFeatures]:
    """What each sentence adds to iFMR and GT-FMR by ``item_feature_metrics``, which has the same arguments."""
    known = _known(feature_set, *features_of_item.values())
    found, wanted = _found(sentences, references, items, known)
    own = [known.intersection(features_of_item.get(item, ())) for item in items]
    return [
        NamedItemFeatures(
            of_item=_any_named(present, of_item), of_reference=_any_named(present, of_reference)
        )
        for present, of_item, of_reference in zip(found, own, wanted, strict=True)
    ]


def _known(*feature_sets: Collection[str]) -> set[str]:
    return {" ".join(feature.split()) for features in feature_sets for feature in features} - {UNKNOWN, ""}


def _found(
    sentences: Sequence[str], references: Sequence[str], items: Sequence[str], known: set[str]
) -> tuple[list[set[str]], list[set[str]]]:
    """The features in each sentence, and in each true one."""
    if len(sentences) == 0 or not len(sentences) == len(references) == len(items):
        raise InputError(
            "expected as many references and items as sentences, "
            f"found {len(references)}, {len(items)} and {len(sentences)}"
        )
    return find_features(sentences, known), find_features(references, known)


def _any_named(present: set[str], wanted: set[str]) -> bool | None:
    return not present.isdisjoint(wanted) if wanted else None


def _metrics(
    found: list[set[str]],
    wanted: list[set[str]],
    items: Sequence[str],
    own: Mapping[str, set[str]],
    definition: str,
    *,
    leave_out: bool = True,
) -> ItemFeatureMetrics:
    """leave_out: records and items without a feature, instead of counting them as not named."""
    of_item = [_any_named(present, own.get(item, set())) for present, item in zip(found, items, strict=True)]
    of_reference = [_any_named(present, asked) for present, asked in zip(found, wanted, strict=True)]
    named: dict[str, set[str]] = {item: set() for item in items}
    for present, item in zip(found, items, strict=True):
        named[item] |= present & own.get(item, set())
    covered = [len(features) / len(own[item]) if own.get(item) else None for item, features in named.items()]
    matched = [_counted(values, leave_out) for values in (of_item, covered, of_reference)]
    return ItemFeatureMetrics(
        ifmr=fmean(matched[0]) if matched[0] else None,
        ifcr=fmean(matched[1]) if matched[1] else None,
        gt_fmr=fmean(matched[2]) if matched[2] else None,
        count_with_item_feature=len(matched[0]),
        num_items=len(matched[1]),
        count_with_true_feature=len(matched[2]),
        signature=definition,
    )


def _counted(values: Sequence[bool | float | None], leave_out: bool) -> list[float]:
    return [float(value or 0) for value in values if value is not None or not leave_out]
