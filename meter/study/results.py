"""What a study found, by rater and by question."""

from dataclasses import dataclass
from typing import Any

from meter.study.label_studio_export import ExportCounts
from meter.study.pigeonhole import Interval
from meter.study.power import Power
from meter.study.questions import Question


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
    """A system's π in Davidson's model; all sum to 1. at_bound: some system of the study was always or never preferred,
    so the fit ends at its bound and no strength is worth more than its order."""

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
    export: what exports of Label Studio hold besides; None without one.
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
    export: ExportCounts | None = None
