"""What a study found: preferences with intervals, strengths, agreement, and how many raters a difference needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int

from meter.errors import InputError
from meter.study.agreement import Level, krippendorff_alpha
from meter.study.answers import Answer, Rater, read_answers
from meter.study.davidson import BOUND, fit, fit_each
from meter.study.design import Kind
from meter.study.key import Key, read_key
from meter.study.pigeonhole import Draws, Interval, draw, interval, resampled_sums
from meter.study.power import Power, estimate_effect, power
from meter.study.questions import Question
from meter.version import __version__

OUTCOMES = (1.0, 0.5, 0.0)
"""The first of two systems preferred, no difference, the second preferred."""


@dataclass(kw_only=True, slots=True)
class ScoreConfig:
    """Answers to score."""

    answers: list[str] = field(default_factory=list)
    """The raters' CSV files."""
    key: str = ""
    """The study's key.json."""
    min_checks: float = 0.75
    """A rater who is right on a smaller share of the attention checks is left out. Unanswered checks count as
    failed."""
    num_resamples: int = 2000
    """Of the pigeonhole bootstrap."""
    num_studies: int = 300
    """Simulated studies for each number of raters; 0 leaves the power out."""
    seed: int = 0
    """Of the resamples and of the simulated studies."""
    out: str = ""
    """Folder of the results; by default ``results`` beside the key."""


@dataclass(kw_only=True, slots=True)
class RaterRow:
    """A rater and what tells whether the answers can be trusted.

    kept: whether enough checks are right. self_agreement: share of repeated questions with the same answer; None
    without. left_share: share of Left among answers that prefer a side; None where none does. median_seconds: per
    pair of cards.
    """

    name: str
    sheet: int
    num_answers: int
    num_missing: int
    checks_right: int
    num_checks: int
    kept: bool
    self_agreement: float | None
    left_share: float | None
    median_seconds: float | None


@dataclass(kw_only=True, slots=True)
class Preference:
    """How often the first of two systems was preferred. win_rate: share of answers, ties as halves.

    interval: of the win rate; None with fewer than two raters or items. power: None where it was not asked for, or
    where there is no interval.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    win_rate: float
    interval: Interval | None
    power: Power | None = None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out one half."""
        return self.interval is not None and (self.interval.low > 0.5 or self.interval.high < 0.5)


@dataclass(kw_only=True, slots=True)
class Strength:
    """A system's π in Davidson's model; all sum to 1. at_bound: nobody else, or always somebody else, was
    preferred."""

    label: str
    value: float
    interval: Interval | None
    at_bound: bool


@dataclass(kw_only=True, slots=True)
class QuestionResult:
    """What one question found.

    nu: Davidson's ν. alpha_nominal, alpha_ordinal: Krippendorff's; None where undefined. self_agreement: share of
    repeats with the same answer; None without repeats.
    """

    question: Question
    num_answers: int
    preferences: list[Preference]
    strengths: list[Strength]
    nu: float
    alpha_nominal: float | None
    alpha_ordinal: float | None
    self_agreement: float | None
    num_repeats: int


@dataclass(kw_only=True, slots=True)
class StudyResult:
    """All numbers; ``study.json`` holds them under these names.

    labels: of the systems. num_raters, num_items: whose answers count. provenance: key, files, settings.
    """

    study: str
    dataset: str
    split: str
    labels: list[str]
    num_raters: int
    num_items: int
    num_pairs: int
    raters: list[RaterRow]
    questions: list[QuestionResult]
    provenance: dict[str, Any]


@dataclass(kw_only=True, slots=True)
class _Judgement:
    """An answer by systems. systems: the two by number, rising. outcome: one of OUTCOMES."""

    rater: int
    item: int
    pair: int
    systems: tuple[int, int]
    outcome: float


def score(config: ScoreConfig) -> StudyResult:
    """Reads the answers and the key and computes everything.

    Raises:
        InputError: a file that cannot be read or does not belong to the key, or nobody passed the attention checks.
    """
    _check(config)
    key = read_key(Path(config.key))
    raters = read_answers([Path(path) for path in config.answers], key)
    rows = [rater_row(rater, config.min_checks) for rater in raters]
    kept = [rater for rater, row in zip(raters, rows, strict=True) if row.kept]
    if not kept:
        raise InputError(
            f"answers: none of {len(raters)} raters is right on {config.min_checks:g} of the attention checks; "
            "min_checks sets how many are wanted"
        )
    items = sorted(
        {answer.trial.item for rater in kept for answer in rater.answers if answer.trial.kind is Kind.pair}
    )
    draws = None
    if len(kept) > 1 and len(items) > 1:
        draws = draw(config.num_resamples, len(kept), len(items), np.random.default_rng(config.seed))
    return StudyResult(
        study=key.study,
        dataset=key.dataset,
        split=key.split,
        labels=[run.label for run in key.runs],
        num_raters=len(kept),
        num_items=len(items),
        num_pairs=key.num_pairs,
        raters=rows,
        questions=[
            result
            for question in key.questions
            if (result := _question(question, kept, items, key, draws, config)) is not None
        ],
        provenance={
            "package": __version__,
            "key": config.key,
            "answers": list(config.answers),
            "runs": {run.label: run.path for run in key.runs},
            "min_checks": config.min_checks,
            "num_resamples": config.num_resamples,
            "num_studies": config.num_studies,
            "seed": config.seed,
            "made": key.made,
        },
    )


def _check(config: ScoreConfig) -> None:
    if not config.answers or not config.key:
        raise InputError(
            "answers=… or key=… is missing: python -m meter.study score answers='[a.csv,b.csv]' key=key.json"
        )
    if not 0 <= config.min_checks <= 1:
        raise InputError(f"min_checks={config.min_checks:g}: expected a share from 0 to 1")
    if config.num_resamples < 100:
        raise InputError(f"num_resamples={config.num_resamples}: expected 100 at least; 2,000 are usual")
    if config.num_studies < 0 or config.seed < 0:
        raise InputError(f"num_studies={config.num_studies}, seed={config.seed}: expected 0 at least")


def rater_row(rater: Rater, min_checks: float) -> RaterRow:
    """What a rater's own answers tell, and whether they count. The right answer of a check is that to usefulness."""
    checks = [
        answer.answer == answer.trial.right_answer
        for answer in rater.answers
        if answer.trial.kind is Kind.check and answer.question is Question.usefulness
    ]
    same = _same_again(rater)
    sides = [
        answer.answer
        for answer in rater.answers
        if answer.trial.kind is not Kind.check and answer.answer != "tie"
    ]
    return RaterRow(
        name=rater.name,
        sheet=rater.sheet,
        num_answers=len(rater.answers),
        num_missing=rater.num_missing,
        checks_right=sum(checks),
        num_checks=rater.num_checks,
        kept=sum(checks) >= min_checks * rater.num_checks,
        self_agreement=_share([agrees for _, agrees in same]),
        left_share=_share([side == "left" for side in sides]),
        median_seconds=median(rater.seconds) if rater.seconds else None,
    )


def _share(truths: Sequence[bool]) -> float | None:
    return sum(truths) / len(truths) if truths else None


def _outcome(answer: Answer) -> float:
    """1 where the system of the lower number was preferred, ½ for a tie, 0 for the other."""
    left, right = answer.trial.left, answer.trial.right
    assert left is not None
    assert right is not None
    value = {"left": 1.0, "tie": 0.5, "right": 0.0}[answer.answer]
    return value if left < right else 1.0 - value


def _same_again(rater: Rater) -> list[tuple[Question, bool]]:
    """For every repeated question whether the answer is the same, sides apart."""
    first = {
        (answer.trial.number, answer.question): _outcome(answer)
        for answer in rater.answers
        if answer.trial.kind is Kind.pair
    }
    return [
        (answer.question, first[answer.trial.number, answer.question] == _outcome(answer))
        for answer in rater.answers
        if answer.trial.kind is Kind.repeat and (answer.trial.number, answer.question) in first
    ]


def _judgements(question: Question, kept: Sequence[Rater], items: Sequence[str]) -> list[_Judgement]:
    """First answers about pairs; repeats and checks have been used already."""
    numbers = {item: number for number, item in enumerate(items)}
    judged = []
    for place, rater in enumerate(kept):
        for answer in rater.answers:
            trial = answer.trial
            if answer.question is question and trial.kind is Kind.pair:
                assert trial.left is not None
                assert trial.right is not None
                judged.append(
                    _Judgement(
                        rater=place,
                        item=numbers[trial.item],
                        pair=trial.number,
                        systems=(min(trial.left, trial.right), max(trial.left, trial.right)),
                        outcome=_outcome(answer),
                    )
                )
    return judged


def _question(
    question: Question,
    kept: Sequence[Rater],
    items: Sequence[str],
    key: Key,
    draws: Draws | None,
    config: ScoreConfig,
) -> QuestionResult | None:
    judged = _judgements(question, kept, items)
    if not judged:
        return None
    pairs = [
        pair for pair in combinations(range(len(key.runs)), 2) if any(one.systems == pair for one in judged)
    ]
    cells = np.zeros((len(kept), len(items), len(pairs), 3))
    for one in judged:
        cells[one.rater, one.item, pairs.index(one.systems), OUTCOMES.index(one.outcome)] += 1
    resampled = None
    if draws is not None:
        sums = resampled_sums(cells.reshape(len(kept), len(items), -1), draws)
        resampled = sums.reshape(-1, len(pairs), 3)
    values = _by_rater_and_pair(judged, len(kept))
    same = [agrees for rater in kept for asked, agrees in _same_again(rater) if asked is question]
    preferences = [
        _preference(cells[:, :, place], resampled, place, pair, key) for place, pair in enumerate(pairs)
    ]
    strengths, nu = _strengths(np.array(pairs), cells.sum(axis=(0, 1)), resampled, key)
    if config.num_studies and draws is not None:
        for place, preference in enumerate(preferences):
            preference.power = _power(cells[:, :, place], pairs[place], question, key, config)
    return QuestionResult(
        question=question,
        num_answers=len(judged),
        preferences=preferences,
        strengths=strengths,
        nu=nu,
        alpha_nominal=krippendorff_alpha(values, Level.nominal),
        alpha_ordinal=krippendorff_alpha(values, Level.ordinal),
        self_agreement=_share(same),
        num_repeats=len(same),
    )


def _by_rater_and_pair(judged: Sequence[_Judgement], num_raters: int) -> Float64[np.ndarray, "R P"]:
    numbers = {number: place for place, number in enumerate(sorted({one.pair for one in judged}))}
    values = np.full((num_raters, len(numbers)), np.nan)
    for one in judged:
        values[one.rater, numbers[one.pair]] = one.outcome
    return values


def _preference(
    cells: Float64[np.ndarray, "R I 3"],
    resampled: Float64[np.ndarray, "B P 3"] | None,
    place: int,
    pair: tuple[int, int],
    key: Key,
) -> Preference:
    wins, ties, losses = cells.sum(axis=(0, 1))
    found = None
    if resampled is not None:
        with np.errstate(invalid="ignore"):
            found = interval(resampled[:, place] @ OUTCOMES / resampled[:, place].sum(axis=1))
    return Preference(
        first=key.runs[pair[0]].label,
        second=key.runs[pair[1]].label,
        wins=int(wins),
        ties=int(ties),
        losses=int(losses),
        win_rate=float((wins + ties / 2) / (wins + ties + losses)),
        interval=found,
    )


def _strengths(
    pairs: Int[np.ndarray, "P 2"],
    counts: Float64[np.ndarray, "P 3"],
    resampled: Float64[np.ndarray, "B P 3"] | None,
    key: Key,
) -> tuple[list[Strength], float]:
    fitted = fit(pairs, counts, len(key.runs))
    found: list[Interval | None] = [None] * len(key.runs)
    if resampled is not None:
        drawn = np.array([one.strengths for one in fit_each(pairs, resampled, len(key.runs))])
        found = [interval(drawn[:, number]) for number in range(len(key.runs))]
    spread = fitted.log_strengths - fitted.log_strengths[0]
    return [
        Strength(
            label=run.label,
            value=float(fitted.strengths[number]),
            interval=found[number],
            at_bound=bool(np.abs(spread).max() > BOUND - 0.01),
        )
        for number, run in enumerate(key.runs)
    ], fitted.nu


def _power(
    cells: Float64[np.ndarray, "R I 3"],
    pair: tuple[int, int],
    question: Question,
    key: Key,
    config: ScoreConfig,
) -> Power:
    """The power of a study with this one's sheets and items, for these two systems alone."""
    alone = fit(np.array([[0, 1]]), cells.sum(axis=(0, 1))[None], 2)
    effect = estimate_effect(
        cells @ OUTCOMES,
        cells.sum(axis=2),
        float(alone.log_strengths[0] - alone.log_strengths[1]),
        alone.log_nu,
    )
    seen, items = _sheets_of(pair, question, key)
    return power(effect, seen, items, num_studies=config.num_studies, seed=config.seed)


def _sheets_of(
    pair: tuple[int, int], question: Question, key: Key
) -> tuple[Bool[np.ndarray, "S P"], Int[np.ndarray, "P"]]:
    """Which pairs of two systems each sheet asks this question about, and the item of each pair."""
    asked = [
        {
            trial.number: trial.item
            for trial in sheet
            if trial.kind is Kind.pair and question in trial.asked and {trial.left, trial.right} == set(pair)
        }
        for sheet in key.sheets
    ]
    of_pair = {number: item for sheet in asked for number, item in sheet.items()}
    numbers = sorted(of_pair)
    names = {item: place for place, item in enumerate(dict.fromkeys(of_pair[number] for number in numbers))}
    seen = np.array([[number in sheet for number in numbers] for sheet in asked])
    return seen, np.array([names[of_pair[number]] for number in numbers])
