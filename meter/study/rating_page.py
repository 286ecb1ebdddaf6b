"""The page that raters open: one file that works offline and says nothing of which system made what."""

import json

from markupsafe import Markup

from meter.report.rendering import asset, render, script_hash
from meter.study.create import Study
from meter.study.design import Kind
from meter.study.questions import WORDINGS


def rating_page(study: Study) -> str:
    """The page as text; the same study gives the same bytes.

    All text of runs is escaped, and the page's own policy forbids every script but its own and everything from
    outside.
    """
    script = asset("study.js")
    return render(
        "study.html.j2",
        cards=study.cards,
        num_sheets=len(study.sheets),
        num_trials=max(len(sheet) for sheet in study.sheets),
        questions=[WORDINGS[question] for question in study.questions],
        with_ratings=any(card.rating is not None for card in study.cards),
        with_pictures=any(card.image is not None for card in study.cards),
        with_repeats=any(trial.kind is Kind.repeat for trial in study.key.sheets[0]),
        data=_in_script(_data(study)),
        script=Markup(script),
        script_hash=script_hash(script),
    )


def _data(study: Study) -> dict[str, object]:
    """What the page's script reads: ids, questions, and the numbers of the cards of every trial."""
    return {
        "study": study.id,
        "questions": {
            question.name: {"text": WORDINGS[question].text, "hint": WORDINGS[question].hint}
            for question in study.questions
        },
        "sheets": [
            [
                {
                    "left": trial.left,
                    "right": trial.right,
                    "feature": trial.feature,
                    "asked": [question.name for question in trial.asked],
                }
                for trial in sheet
            ]
            for sheet in study.sheets
        ],
    }


def _in_script(value: object) -> Markup:
    """JSON that no browser takes for the end of its script element, or for markup."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
