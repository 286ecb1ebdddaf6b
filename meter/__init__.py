"""METER: a rating, a sentence and a picture that explain why an item suits a user."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from meter.explain import Explainer

__version__ = "0.1.0"


def load(folder: "Path | str") -> "Explainer":
    """Opens a finished run: ``meter.load("runs/…").explain(user=…, item=…, feature=…)``.

    Raises meter.errors.InputError where the folder is not a finished run.
    """
    from meter.bundle import Bundle
    from meter.explain import Explainer

    return Explainer(Bundle.open(folder))
