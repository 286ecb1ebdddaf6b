"""What one question found: preferences and strengths with intervals, agreement, power."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64, Int

from meter.study.agreement import Level, krippendorff_alpha
from meter.study.answers import Rater
from meter.study.davidson import BOUND, fit, fit_each
from meter.study.design import Kind
from meter.study.key import Key
from meter.study.pigeonhole import Draws, Interval, interval, resampled_sums
from meter.study.power import Power, estimate_effect, power
from meter.study.questions import Question
from meter.study.raters import outcome_of, same_again, share
from meter.study.results import Preference, QuestionResult, Strength

OUTCOMES = (1.0, 0.5, 0.0)
"""The first of two systems preferred, no difference, the second preferred."""


def score_question(
    question: Question,
    kept: Sequence[Rater],
    items: Sequence[str],
    key: Key,
    draws: Draws | None,
    *,
    num_studies: int,
    seed: int,
) -> QuestionResult | None:
    """All numbers of one question; None where nobody answered it.

    kept: raters whose answers count. items: all items of their pairs. draws: of the pigeonhole bootstrap; None leaves
    the intervals out. num_studies, seed: of the power.
    """
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
    same = [agrees for rater in kept for asked, agrees in same_again(rater) if asked is question]
    preferences = [
        _preference(cells[:, :, place], resampled, place, pair, key) for place, pair in enumerate(pairs)
    ]
    strengths, nu = _strengths(np.array(pairs), cells.sum(axis=(0, 1)), resampled, key)
    if num_studies and draws is not None:
        for place, preference in enumerate(preferences):
            preference.power = _power(
                cells[:, :, place], pairs[place], question, key, num_studies=num_studies, seed=seed
            )
    return QuestionResult(
        question=question,
        num_answers=len(judged),
        preferences=preferences,
        strengths=strengths,
        nu=nu,
        alpha_nominal=krippendorff_alpha(values, Level.nominal),
        alpha_ordinal=krippendorff_alpha(values, Level.ordinal),
        self_agreement=share(same),
        num_repeats=len(same),
    )


@dataclass(kw_only=True, slots=True)
class _Judgement:
    """An answer by systems. systems: the two by number, rising. outcome: one of OUTCOMES."""

    rater: int
    item: int
    pair: int
    systems: tuple[int, int]
    outcome: float


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
                        outcome=outcome_of(answer),
                    )
                )
    return judged


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
    *,
    num_studies: int,
    seed: int,
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
    return power(effect, seen, items, num_studies=num_studies, seed=seed)


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
