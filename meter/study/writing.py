"""Wording that the terminal, the Markdown file and the page of a study's results share."""

from collections.abc import Sequence
from dataclasses import dataclass

from meter.study.label_studio_export import ExportCounts
from meter.study.pigeonhole import Interval
from meter.study.power import NUMBERS_OF_RATERS, WANTED
from meter.study.questions import WORDINGS
from meter.study.results import Preference, QuestionResult, RaterRow, StudyResult


@dataclass(kw_only=True, slots=True)
class Table:
    """A table of written figures: the first column is text, the others are numbers."""

    title: str
    headings: list[str]
    rows: list[list[str]]


def tables(result: StudyResult) -> list[Table]:
    """All tables, in the order in which they are read."""
    return [
        preference_table(result),
        strength_table(result),
        agreement_table(result),
        rater_table(result.raters),
    ]


def preference_table(result: StudyResult) -> Table:
    """Win rates; a clear one has a star."""
    return Table(
        title="Preferences",
        headings=[
            "question",
            "first",
            "second",
            "won · tied · lost",
            "win rate",
            "95 % interval",
            "raters needed",
        ],
        rows=[
            [
                title(question),
                one.first,
                one.second,
                f"{one.wins} · {one.ties} · {one.losses}",
                percent(one.win_rate) + (" *" if one.clear else ""),
                written(one.interval),
                raters_needed(one),
            ]
            for question in result.questions
            for one in question.preferences
        ],
    )


def strength_table(result: StudyResult) -> Table:
    """Strengths of Davidson's model."""
    return Table(
        title="Strengths",
        headings=["question", *result.labels, "ν"],
        rows=[
            [
                title(question),
                *(
                    percent(one.value)
                    + (f" ({written(one.interval)})" if one.interval else "")
                    + " †" * one.at_bound
                    for one in question.strengths
                ),
                f"{question.nu:.2f}",
            ]
            for question in result.questions
        ],
    )


def agreement_table(result: StudyResult) -> Table:
    """Agreement between raters and with themselves."""
    return Table(
        title="Agreement",
        headings=["question", "answers", "α nominal", "α ordinal", "again", "repeats"],
        rows=[
            [
                title(question),
                str(question.num_answers),
                decimal(question.alpha_nominal),
                decimal(question.alpha_ordinal),
                percent(question.self_agreement),
                str(question.num_repeats),
            ]
            for question in result.questions
        ],
    )


def rater_table(raters: Sequence[RaterRow]) -> Table:
    """Every rater, those left out too."""
    return Table(
        title="Raters",
        headings=["rater", "counts", "checks", "again", "left", "seconds", "answers", "missing", "sheet"],
        rows=[
            [
                one.name,
                "yes" if one.kept else "left out",
                f"{one.checks_right} of {one.num_checks}",
                percent(one.self_agreement),
                percent(one.left_share),
                decimal(one.median_seconds, 1),
                str(one.num_answers),
                str(one.num_missing),
                str(one.sheet),
            ]
            for one in raters
        ],
    )


def explanations(result: StudyResult) -> list[str]:
    """How the numbers were made, a sentence or two each."""
    made = result.provenance
    left_out = [one.name for one in result.raters if not one.kept]
    missing = sum(one.num_missing for one in result.raters)
    said = [
        f"{len(result.raters)} raters answered; a rater counts who is right on {100 * made['min_checks']:g} % of the "
        f"attention checks at least, unanswered ones counted as wrong. Left out: {', '.join(left_out) or 'nobody'}.",
        "A win rate is the share of answers that prefer the first system, no difference counted as half. Repeats and "
        "checks are not in it. A star: the interval leaves out 50 %. Intervals are not corrected for several "
        "questions.",
        f"Intervals: pigeonhole bootstrap (Owen 2007) over {result.num_raters} raters and {result.num_items} items, "
        f"{made['num_resamples']:,} resamples, seed {made['seed']}."
        if result.num_raters > 1 and result.num_items > 1
        else "Intervals need two raters and two items at least; there are none here.",
        "Strengths: Bradley–Terry with ties (Davidson 1970) by maximum likelihood, their sum 100 %; ν grows with ties. "
        "†: somebody was never, or always, preferred, so the likelihood has no peak and the strength lies at its "
        "bound.",
        "α: Krippendorff's, over the pairs of cards; ordinal takes no difference as lying between both systems. Again: "
        "the share of repeated questions with the same answer, sides exchanged. Left: its share among answers that "
        "prefer a side. Seconds: the median for a pair of cards.",
    ]
    if made["num_studies"]:
        said.append(
            f"Raters needed for a power of {100 * WANTED:g} %: {made['num_studies']} simulated studies of each size "
            "with these pairs, the fitted strengths and the spread over raters and items found here; sizes "
            f"{', '.join(map(str, NUMBERS_OF_RATERS))}. It takes the difference found for the true one, so it is a "
            "plan for the next study, no verdict on this one."
        )
    if missing:
        said.append(f"{missing} questions have no answer; what is there counts.")
    if result.export:
        said.append(of_export(result.export))
    return said


def of_export(counts: ExportCounts) -> str:
    """What exports of Label Studio hold, and what of it counts for nothing."""
    return (
        f"Label Studio: {counts.annotations} annotations, of which {counts.incomplete} answer some of the questions "
        f"only. Left out: {counts.cancelled} cancelled annotations, {counts.drafts} drafts that were not submitted, "
        f"{counts.unknown_tasks} tasks of no trial of this study, {counts.not_asked} results about what is not asked."
    )


def title(result: QuestionResult) -> str:
    """The question's name."""
    return WORDINGS[result.question].title


def percent(share: float | None) -> str:
    """``62.5 %``, or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def decimal(value: float | None, decimals: int = 3) -> str:
    """``0.123``, or a dash."""
    return "–" if value is None else f"{value:.{decimals}f}".replace("-", "−")


def written(found: Interval | None) -> str:
    """``51.2 … 73.0 %``, or a dash."""
    return "–" if found is None else f"{100 * found.low:.1f} … {100 * found.high:.1f} %"


def raters_needed(preference: Preference) -> str:
    """The number, ``> 128``, or a dash where it was not computed."""
    if preference.power is None:
        return "–"
    needed = preference.power.raters_needed
    return f"> {NUMBERS_OF_RATERS[-1]}" if needed is None else str(needed)
