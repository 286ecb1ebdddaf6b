"""Whether an explanation is true of its item: only in the synthetic world, where the truth is known.

What a sentence says and a picture shows is read by the world's oracles and given here as plain dicts
``{feature: value}``; nothing of the world is imported.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meter.errors import InputError
from meter.evaluate.version import signature

Values = Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class FeatureTruth:
    """Shares among the records that ask for this feature; None where no picture was made."""

    sentence_truth: float
    silent: float
    picture_truth: float | None
    agreement: float | None
    count: int
    """Records that ask for the feature."""
    count_with_picture: int
    """Those of them with a picture."""


@dataclass(kw_only=True, slots=True)
class TruthMetrics:
    """Shares in 0 … 1; None where nothing was there to judge."""

    sentence_truth: float | None
    """Sentences that say the asked feature with the item's true value; saying nothing of it counts as false."""
    silent: float | None
    """Sentences that say nothing of the asked feature."""
    statement_truth: float | None
    """Statements (feature and value, asked for or not) that are true of the item."""
    picture_truth: float | None
    """Values of the item, over all its features, that the picture shows right."""
    picture_truth_named: float | None
    """Pictures that show the asked feature's true value."""
    agreement: float | None
    """Pairs where sentence and picture give the asked feature the same value; a silent sentence disagrees."""
    count: int
    """Records judged."""
    count_with_feature: int
    """Records that ask for a feature: what sentence_truth and silent are shares of."""
    count_with_picture: int
    """Records with a picture."""
    count_with_both: int
    """Records with a feature and a picture: what picture_truth_named and agreement are shares of."""
    num_statements: int
    """Statements of all sentences: what statement_truth is a share of."""
    num_values: int
    """Values of the items of all pictures: what picture_truth is a share of."""
    by_feature: dict[str, FeatureTruth]
    """The same by asked feature, in alphabetical order."""
    signature: str


@dataclass(kw_only=True, slots=True)
class RatingFloor:
    """A rating error beside the least that is possible."""

    rmse: float
    floor: float
    """RMSE of the world's own expectation E[r | u, i]: what noise leaves to the best predictor."""
    ratio: float
    """rmse / floor, 1 is perfect."""


def truth_metrics(
    items: Sequence[str],
    features: Sequence[str | None],
    said: Sequence[Values],
    shown: Sequence[Values | None],
    truth: Mapping[str, Values],
) -> TruthMetrics:
    """Judges N explanations.

    Args:
        items: the item of each record.
        features: the feature that each record asks for, None where it asks for none.
        said: what each sentence says, as read by the world's oracle.
        shown: what each picture shows, None where there is no picture.
        truth: the true values of each item, ``{item: {feature: value}}``.

    Raises:
        InputError: no record, unequal numbers, an item without truth, or a feature that its item does not have.
    """
    sizes = {len(items), len(features), len(said), len(shown)}
    if len(sizes) != 1 or 0 in sizes:
        raise InputError(
            f"expected as many features, sentences and pictures as items, found {len(features)}, {len(said)}, "
            f"{len(shown)} and {len(items)}"
        )
    sentence_true: dict[str, list[bool]] = defaultdict(list)
    sentence_silent: dict[str, list[bool]] = defaultdict(list)
    picture_true: dict[str, list[bool]] = defaultdict(list)
    agree: dict[str, list[bool]] = defaultdict(list)
    statements: list[bool] = []
    values: list[bool] = []
    for item, feature, sentence, picture in zip(items, features, said, shown, strict=True):
        true = _values_of(item, feature, truth)
        statements += [true.get(named) == value for named, value in sentence.items()]
        if picture is not None:
            values += [picture.get(name) == value for name, value in true.items()]
        if feature is None:
            continue
        sentence_true[feature].append(sentence.get(feature) == true[feature])
        sentence_silent[feature].append(feature not in sentence)
        if picture is not None:
            picture_true[feature].append(picture.get(feature) == true[feature])
            agree[feature].append(feature in sentence and picture.get(feature) == sentence[feature])
    by_feature = {
        feature: FeatureTruth(
            sentence_truth=sum(sentence_true[feature]) / len(sentence_true[feature]),
            silent=sum(sentence_silent[feature]) / len(sentence_silent[feature]),
            picture_truth=_share(picture_true[feature]),
            agreement=_share(agree[feature]),
            count=len(sentence_true[feature]),
            count_with_picture=len(picture_true[feature]),
        )
        for feature in sorted(sentence_true)
    }
    return TruthMetrics(
        sentence_truth=_share(_all(sentence_true)),
        silent=_share(_all(sentence_silent)),
        statement_truth=_share(statements),
        picture_truth=_share(values),
        picture_truth_named=_share(_all(picture_true)),
        agreement=_share(_all(agree)),
        count=len(items),
        count_with_feature=len(_all(sentence_true)),
        count_with_picture=sum(picture is not None for picture in shown),
        count_with_both=len(_all(agree)),
        num_statements=len(statements),
        num_values=len(values),
        by_feature=by_feature,
        signature=signature("truth", silent="false"),
    )


def rating_floor(rmse: float, floor: float) -> RatingFloor:
    """Sets a split's RMSE beside its noise floor.

    Raises:
        InputError: the floor is not above 0.
    """
    if not floor > 0:
        raise InputError(f"the noise floor of a rating is above 0, found {floor}")
    return RatingFloor(rmse=rmse, floor=floor, ratio=rmse / floor)


def _values_of(item: str, feature: str | None, truth: Mapping[str, Values]) -> Values:
    if item not in truth:
        raise InputError(f"item {item!r} has no entry in the world's truth; was it made by another world?")
    if feature is not None and feature not in truth[item]:
        raise InputError(f"item {item!r} has no feature {feature!r}, only {', '.join(sorted(truth[item]))}")
    return truth[item]


def _all(by_feature: Mapping[str, list[bool]]) -> list[bool]:
    return [judged for judgements in by_feature.values() for judged in judgements]


def _share(judged: Sequence[bool]) -> float | None:
    return sum(judged) / len(judged) if judged else None
