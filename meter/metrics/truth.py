"""Whether an explanation is true of its item: only in the synthetic world, where the truth is known.

What a sentence says and a picture shows is read by the world's oracles and given here as plain dicts
``{feature: value}``; nothing of the world is imported.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from meter.errors import InputError
from meter.metrics.version import signature

Values = Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class ExplanationTruth:
    """One explanation compared with the truth; None where no feature is asked for or no picture was made."""

    feature: str | None
    """The asked feature."""
    sentence_truth: bool | None = None
    silent: bool | None = None
    picture_truth_named: bool | None = None
    agreement: bool | None = None
    num_statements: int
    """Statements of the sentence."""
    true_statements: int
    """Those of them that are true of the item."""
    num_values: int | None = None
    """Values of the item that a picture of it shows."""
    true_values: int | None = None
    """Those of them that the picture shows right."""


@dataclass(kw_only=True, slots=True)
class FeatureTruth:
    """Shares among the records that ask for this feature; None where there is no picture."""

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
    """Shares in 0 … 1; None where there was nothing to check."""

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
    """Records checked."""
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
    """Checks N explanations; ``check_truth`` describes the arguments and errors."""
    return summarize_truth(check_truth(items, features, said, shown, truth))


def check_truth(
    items: Sequence[str],
    features: Sequence[str | None],
    said: Sequence[Values],
    shown: Sequence[Values | None],
    truth: Mapping[str, Values],
) -> list[ExplanationTruth]:
    """Compares N explanations with the truth one by one.

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
    records = zip(items, features, said, shown, strict=True)
    return [
        _check(_values_of(item, feature, truth), feature, sentence, picture)
        for item, feature, sentence, picture in records
    ]


def summarize_truth(explanations: Sequence[ExplanationTruth]) -> TruthMetrics:
    """The shares over N checked explanations."""
    asked: dict[str, list[ExplanationTruth]] = defaultdict(list)
    for explanation in explanations:
        if explanation.feature is not None:
            asked[explanation.feature].append(explanation)
    with_feature = [explanation for group in asked.values() for explanation in group]
    drawn = [explanation for explanation in explanations if explanation.num_values is not None]
    num_statements = sum(explanation.num_statements for explanation in explanations)
    num_values = sum(explanation.num_values or 0 for explanation in drawn)
    return TruthMetrics(
        sentence_truth=_share(explanation.sentence_truth for explanation in with_feature),
        silent=_share(explanation.silent for explanation in with_feature),
        statement_truth=_ratio(
            sum(explanation.true_statements for explanation in explanations), num_statements
        ),
        picture_truth=_ratio(sum(explanation.true_values or 0 for explanation in drawn), num_values),
        picture_truth_named=_share(explanation.picture_truth_named for explanation in with_feature),
        agreement=_share(explanation.agreement for explanation in with_feature),
        count=len(explanations),
        count_with_feature=len(with_feature),
        count_with_picture=len(drawn),
        count_with_both=sum(explanation.agreement is not None for explanation in with_feature),
        num_statements=num_statements,
        num_values=num_values,
        by_feature={feature: _feature_truth(asked[feature]) for feature in sorted(asked)},
        signature=signature("truth", silent="false"),
    )


def rating_floor(rmse: float, floor: float) -> RatingFloor:
    """Compares a split's RMSE with its noise floor.

    Raises:
        InputError: the floor is not above 0.
    """
    if not floor > 0:
        raise InputError(f"expected a noise floor above 0, found {floor}")
    return RatingFloor(rmse=rmse, floor=floor, ratio=rmse / floor)


def _values_of(item: str, feature: str | None, truth: Mapping[str, Values]) -> Values:
    if item not in truth:
        raise InputError(
            f"item {item!r} has no entry in the world's truth; was the run trained on another world?"
        )
    if feature is not None and feature not in truth[item]:
        raise InputError(f"item {item!r} has no feature {feature!r}, only {', '.join(sorted(truth[item]))}")
    return truth[item]


def _check(true: Values, feature: str | None, sentence: Values, picture: Values | None) -> ExplanationTruth:
    explanation = ExplanationTruth(
        feature=feature,
        num_statements=len(sentence),
        true_statements=sum(true.get(named) == value for named, value in sentence.items()),
    )
    if picture is not None:
        explanation.num_values = len(true)
        explanation.true_values = sum(picture.get(name) == value for name, value in true.items())
    if feature is not None:
        explanation.sentence_truth = sentence.get(feature) == true[feature]
        explanation.silent = feature not in sentence
        if picture is not None:
            explanation.picture_truth_named = picture.get(feature) == true[feature]
            explanation.agreement = feature in sentence and picture.get(feature) == sentence[feature]
    return explanation


def _feature_truth(group: Sequence[ExplanationTruth]) -> FeatureTruth:
    return FeatureTruth(
        sentence_truth=sum(bool(explanation.sentence_truth) for explanation in group) / len(group),
        silent=sum(bool(explanation.silent) for explanation in group) / len(group),
        picture_truth=_share(explanation.picture_truth_named for explanation in group),
        agreement=_share(explanation.agreement for explanation in group),
        count=len(group),
        count_with_picture=sum(explanation.picture_truth_named is not None for explanation in group),
    )


def _share(values: Iterable[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _ratio(sum(known), len(known))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
