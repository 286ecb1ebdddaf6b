"""What raters are asked about a pair of cards."""

from dataclasses import dataclass
from enum import Enum


class Question(Enum):
    """A question of a study, by the name that its answers carry."""

    fluency = "fluency"
    usefulness = "usefulness"
    match = "match"
    picture = "picture"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """How a question is put.

    title: its name in tables. text: what raters read; ``{reader}`` is who asks for the explanation. hint: what to
    look at. needs_pictures: whether it is asked only where both cards have a picture.
    """

    title: str
    text: str
    hint: str
    needs_pictures: bool = False


WORDINGS = {
    Question.fluency: Wording(
        title="Fluency",
        text="Which sentence reads better?",
        hint="Grammar and natural wording, whatever it says.",
    ),
    Question.usefulness: Wording(
        title="Usefulness",
        text="Which explanation is more useful to {reader}?",
        hint="Does it say something that helps to decide?",
    ),
    Question.match: Wording(
        title="Text–image match",
        text="On which card do sentence and picture fit each other better?",
        hint="Does the picture show what the sentence says?",
        needs_pictures=True,
    ),
    Question.picture: Wording(
        title="Picture quality",
        text="Which picture looks better?",
        hint="Clear and plausible as a photo, whatever it shows.",
        needs_pictures=True,
    ),
}
