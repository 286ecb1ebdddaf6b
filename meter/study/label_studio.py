"""The same study for Label Studio: tasks to import and the labelling interface, https://labelstud.io/guide/tasks."""

from typing import Any
from xml.etree import ElementTree

from meter.report.card import Card
from meter.report.pictures import data_uri
from meter.study.create import Study
from meter.study.questions import WORDINGS

SIDES = {"left": "Left", "tie": "No difference", "right": "Right"}


def tasks(study: Study) -> list[dict[str, Any]]:
    """A task for every trial of the first sheet, whose order and sides all annotators share.

    ``trial`` names it as the answers of the page do. Pictures are data URIs, so that nothing needs to be hosted.
    """
    return [
        {
            "data": {
                "study": study.id,
                "sheet": 1,
                "trial": place,
                "asked_for": f"{study.cards[trial.left].item}, for {study.cards[trial.left].user}"
                + (f", who asks about {trial.feature}" if trial.feature else ""),
                **_side("left", study.cards[trial.left]),
                **_side("right", study.cards[trial.right]),
            }
        }
        for place, trial in enumerate(study.sheets[0], start=1)
    ]


def labelling_config(study: Study) -> str:
    """The interface as XML: both cards side by side, a choice for each question."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Header", value="$asked_for")
    row = ElementTree.SubElement(view, "View", style="display: flex; gap: 2em")
    rated = any(card.rating is not None for card in study.cards)
    pictured = any(card.image is not None for card in study.cards)
    for side in ("left", "right"):
        column = ElementTree.SubElement(row, "View", style="flex: 1")
        ElementTree.SubElement(column, "Header", value=SIDES[side], size="5")
        for name in ("rating", "sentence") if rated else ("sentence",):
            ElementTree.SubElement(column, "Text", name=f"{side}_{name}", value=f"${side}_{name}")
        if pictured:
            ElementTree.SubElement(column, "Image", name=f"{side}_picture", value=f"${side}_picture")
    for question in study.questions:
        wording = WORDINGS[question]
        ElementTree.SubElement(view, "Header", value=wording.text.format(reader="this user"), size="5")
        choices = ElementTree.SubElement(
            view,
            "Choices",
            name=question.name,
            toName="left_sentence",
            choice="single-radio",
            showInline="true",
            required="false" if wording.needs_pictures else "true",
        )
        for value, shown in SIDES.items():
            ElementTree.SubElement(choices, "Choice", alias=value, value=shown)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _side(side: str, card: Card) -> dict[str, str]:
    rating = "" if card.rating is None else f"{card.rating:.1f} of {card.best_rating}"
    said = {f"{side}_rating": rating, f"{side}_sentence": card.sentence}
    return said if card.image is None else {**said, f"{side}_picture": data_uri(card.image)}
