"""What the answers of one rater tell: checks passed, the same answer again, a liking for a side."""

from collections.abc import Sequence
from statistics import median

from meter.study.answers import Answer, Rater
from meter.study.design import Kind
from meter.study.questions import Question
from meter.study.results import RaterRow


def rater_row(rater: Rater, min_checks: float) -> RaterRow:
    """What a rater's own answers tell, and whether they count. The right answer of a check is that to usefulness."""
    checks = [
        answer.answer == answer.trial.right_answer
        for answer in rater.answers
        if answer.trial.kind is Kind.check and answer.question is Question.usefulness
    ]
    same = same_again(rater)
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
        self_agreement=share([agrees for _, agrees in same]),
        left_share=share([side == "left" for side in sides]),
        median_seconds=median(rater.seconds) if rater.seconds else None,
    )


def share(truths: Sequence[bool]) -> float | None:
    return sum(truths) / len(truths) if truths else None


def outcome_of(answer: Answer) -> float:
    """1 where the system of the lower number was preferred, ½ for a tie, 0 for the other."""
    left, right = answer.trial.left, answer.trial.right
    assert left is not None
    assert right is not None
    value = {"left": 1.0, "tie": 0.5, "right": 0.0}[answer.answer]
    return value if left < right else 1.0 - value


def same_again(rater: Rater) -> list[tuple[Question, bool]]:
    """For every repeated question whether the answer is the same, sides apart."""
    first = {
        (answer.trial.number, answer.question): outcome_of(answer)
        for answer in rater.answers
        if answer.trial.kind is Kind.pair
    }
    return [
        (answer.question, first[answer.trial.number, answer.question] == outcome_of(answer))
        for answer in rater.answers
        if answer.trial.kind is Kind.repeat and (answer.trial.number, answer.question) in first
    ]
