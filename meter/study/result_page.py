"""The results of a study as one HTML page that looks like the report of a run and opens offline."""

from dataclasses import dataclass

from meter.report.rendering import render
from meter.study.results import Preference, StudyResult
from meter.study.writing import (
    agreement_table,
    explanations,
    percent,
    rater_table,
    raters_needed,
    strength_table,
    title,
    written,
)


@dataclass(kw_only=True, slots=True)
class PageRow:
    """A preference as the page shows it. The shares and the interval's ends are in percent of the bar."""

    question: str
    preference: Preference
    win_rate: str
    interval: str
    raters_needed: str
    wins: float
    ties: float
    losses: float


def result_page(result: StudyResult, command: str) -> str:
    """The page as text; the same result gives the same bytes. All text of users and data is escaped."""
    rows = [_row(title(question), one) for question in result.questions for one in question.preferences]
    left_out = sum(not rater.kept for rater in result.raters)
    return render(
        "study_results.html.j2",
        title=f"What {result.num_raters} raters preferred"
        if result.num_raters > 1
        else "What one rater preferred",
        subtitle=f"{' against '.join(result.labels)} on {result.dataset}, {result.split}: {result.num_pairs} pairs of "
        f"cards about {result.num_items} items"
        + (f"; {left_out} rater{'s' * (left_out > 1)} left out" if left_out else ""),
        figures=rows if len(result.labels) == 2 else [],
        rows=rows,
        tables=[strength_table(result), agreement_table(result), rater_table(result.raters)],
        explanations=explanations(result),
        runs=result.provenance["runs"],
        made=result.provenance["made"],
        study=result.study,
        command=command,
    )


def _row(question: str, one: Preference) -> PageRow:
    total = one.wins + one.ties + one.losses
    return PageRow(
        question=question,
        preference=one,
        win_rate=percent(one.win_rate),
        interval=written(one.interval),
        raters_needed=raters_needed(one),
        wins=100 * one.wins / total,
        ties=100 * one.ties / total,
        losses=100 * one.losses / total,
    )
