"""Whether an explanation is true of its item: only in the synthetic world, where the truth is known.

What a sentence says and a picture shows is read by the world's oracles and given here as plain dicts
``{feature: value}``; nothing of the world is imported. An item may offer several values of a feature: a value that is
possible there is true.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from meter.errors import InputError
from meter.metrics.version import signature

Values = Mapping[str, str]
PossibleValues = Mapping[str, Sequence[str]]


@dataclass(kw_only=True, slots=True)
class ExplanationTruth:
    """One explanation compared with the truth; None where no feature is asked for or no picture was made."""

    feature: str | None
    """The asked feature."""
    visit: bool | None = None
    """Whether its value belongs to the visit, so that the item offers several."""
    chance: float | None = None
    """The share of its values that are possible for the item."""
    sentence_truth: bool | None = None
    silent: bool | None = None
    picture_shows_asked: bool | None = None
    picture_truth_named: bool | None = None
    agreement: bool | None = None
    num_statements: int
    """Statements of the sentence."""
    true_statements: int
    """Those of them that are true of the item."""
    num_values: int | None = None
    """Features of the item that the picture shows."""
    true_values: int | None = None
    """Those of them that it shows with a possible value."""


@dataclass(kw_only=True, slots=True)
class FeatureTruth:
    """Shares among the records that ask for this feature; None where there is no picture."""

    sentence_truth: float
    silent: float
    picture_shows_asked: float | None
    picture_truth: float | None
    """Of the asked feature."""
    agreement: float | None
    count: int
    """Records that ask for the feature."""
    count_with_picture: int
    """Those of them with a picture."""


@dataclass(kw_only=True, slots=True)
class VisitTruth:
    """The shares of ``TruthMetrics`` among the records that ask for a feature whose value belongs to the visit."""

    sentence_truth: float | None
    picture_shows_asked: float | None
    picture_truth_named: float | None
    agreement: float | None
    chance: float | None
    count: int
    count_with_picture: int


@dataclass(kw_only=True, slots=True)
class TruthMetrics:
    """Shares in 0 … 1; None where there was nothing to check."""

    sentence_truth: float | None
    """Sentences that say the asked feature with a value that is possible for the item; saying nothing is false."""
    chance: float | None
    """Expected share of true sentences if each said the asked feature with any of its values, all equally likely."""
    silent: float | None
    """Sentences that say nothing of the asked feature."""
    statement_truth: float | None
    """Statements (feature and value, asked for or not) that are true of the item."""
    picture_truth: float | None
    """Features that a picture shows, of those that the item has, with a possible value."""
    picture_shows_asked: float | None
    """Pictures that show the asked feature, with whatever value."""
    picture_truth_named: float | None
    """Pictures that show the asked feature with a possible value."""
    agreement: float | None
    """Pairs where sentence and picture give the asked feature the same value; a silent sentence disagrees."""
    count: int
    """Records checked."""
    count_with_feature: int
    """Records that ask for a feature: what sentence_truth and silent are shares of."""
    count_with_picture: int
    """Records with a picture."""
    count_with_both: int
    """Records with a feature and a picture: what picture_shows_asked, picture_truth_named, agreement are shares of."""
    num_statements: int
    """Statements of all sentences: what statement_truth is a share of."""
    num_values: int
    """Features of their items that all pictures show: what picture_truth is a share of."""
    visit: VisitTruth
    """Among the records that ask for a value of the visit."""
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
    possible: Mapping[str, PossibleValues],
    num_values: Mapping[str, int],
    visit_features: Collection[str] = (),
) -> TruthMetrics:
    """Checks N explanations; ``check_truth`` describes the arguments and errors."""
    return summarize_truth(check_truth(items, features, said, shown, possible, num_values, visit_features))


def check_truth(
    items: Sequence[str],
    features: Sequence[str | None],
    said: Sequence[Values],
    shown: Sequence[Values | None],
    possible: Mapping[str, PossibleValues],
    num_values: Mapping[str, int],
    visit_features: Collection[str] = (),
) -> list[ExplanationTruth]:
    """Compares N explanations with the truth one by one.

    Args:
        items: the item of each record.
        features: the feature that each record asks for, None where it asks for none.
        said: what each sentence says, as read by the world's oracle.
        shown: what each picture shows, None where there is no picture.
        possible: the values that are possible for each item, ``{item: {feature: [value, …]}}``.
        num_values: how many values each feature has in the world.
        visit_features: those whose value belongs to the visit.

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
    checked = []
    for item, feature, sentence, picture in records:
        values = _values_of(item, feature, possible)
        explanation = _check(values, feature, sentence, picture)
        if feature is not None:
            explanation.visit = feature in visit_features
            explanation.chance = len(values[feature]) / num_values[feature]
        checked.append(explanation)
    return checked


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
        sentence_truth=_mean(explanation.sentence_truth for explanation in with_feature),
        chance=_mean(explanation.chance for explanation in with_feature),
        silent=_mean(explanation.silent for explanation in with_feature),
        statement_truth=_ratio(
            sum(explanation.true_statements for explanation in explanations), num_statements
        ),
        picture_truth=_ratio(sum(explanation.true_values or 0 for explanation in drawn), num_values),
        picture_shows_asked=_mean(explanation.picture_shows_asked for explanation in with_feature),
        picture_truth_named=_mean(explanation.picture_truth_named for explanation in with_feature),
        agreement=_mean(explanation.agreement for explanation in with_feature),
        count=len(explanations),
        count_with_feature=len(with_feature),
        count_with_picture=len(drawn),
        count_with_both=sum(explanation.agreement is not None for explanation in with_feature),
        num_statements=num_statements,
        num_values=num_values,
        visit=_visit_truth([explanation for explanation in with_feature if explanation.visit]),
        by_feature={feature: _feature_truth(asked[feature]) for feature in sorted(asked)},
        signature=signature("truth", silent="false", true="possible"),
    )


def rating_floor(rmse: float, floor: float) -> RatingFloor:
    """Compares a split's RMSE with its noise floor.

    Raises:
        InputError: the floor is not above 0.
    """
    if not floor > 0:
        raise InputError(f"expected a noise floor above 0, found {floor}")
    return RatingFloor(rmse=rmse, floor=floor, ratio=rmse / floor)


def _values_of(item: str, feature: str | None, possible: Mapping[str, PossibleValues]) -> PossibleValues:
    if item not in possible:
        raise InputError(
            f"item {item!r} has no entry in the world's truth; was the run trained on another world?"
        )
    if feature is not None and feature not in possible[item]:
        raise InputError(
            f"item {item!r} has no feature {feature!r}, only {', '.join(sorted(possible[item]))}"
        )
    return possible[item]


def _check(
    possible: PossibleValues, feature: str | None, sentence: Values, picture: Values | None
) -> ExplanationTruth:
    explanation = ExplanationTruth(
        feature=feature, num_statements=len(sentence), true_statements=_num_true(sentence, possible)
    )
    if picture is not None:
        explanation.num_values = sum(name in possible for name in picture)
        explanation.true_values = _num_true(picture, possible)
    if feature is not None:
        explanation.sentence_truth = sentence.get(feature) in possible[feature]
        explanation.silent = feature not in sentence
        if picture is not None:
            explanation.picture_shows_asked = feature in picture
            explanation.picture_truth_named = picture.get(feature) in possible[feature]
            explanation.agreement = feature in sentence and picture.get(feature) == sentence[feature]
    return explanation


def _num_true(values: Values, possible: PossibleValues) -> int:
    return sum(value in possible.get(feature, ()) for feature, value in values.items())


def _visit_truth(group: Sequence[ExplanationTruth]) -> VisitTruth:
    return VisitTruth(
        sentence_truth=_mean(explanation.sentence_truth for explanation in group),
        picture_shows_asked=_mean(explanation.picture_shows_asked for explanation in group),
        picture_truth_named=_mean(explanation.picture_truth_named for explanation in group),
        agreement=_mean(explanation.agreement for explanation in group),
        chance=_mean(explanation.chance for explanation in group),
        count=len(group),
        count_with_picture=sum(explanation.agreement is not None for explanation in group),
    )


def _feature_truth(group: Sequence[ExplanationTruth]) -> FeatureTruth:
    return FeatureTruth(
        sentence_truth=sum(bool(explanation.sentence_truth) for explanation in group) / len(group),
        silent=sum(bool(explanation.silent) for explanation in group) / len(group),
        picture_shows_asked=_mean(explanation.picture_shows_asked for explanation in group),
        picture_truth=_mean(explanation.picture_truth_named for explanation in group),
        agreement=_mean(explanation.agreement for explanation in group),
        count=len(group),
        count_with_picture=sum(explanation.picture_truth_named is not None for explanation in group),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _ratio(sum(known), len(known))


def _ratio(part: float | int, whole: int) -> float | None:
    return part / whole if whole else None
