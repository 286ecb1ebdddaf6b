"""METER: a rating, a sentence and a picture that explain why an item suits a user."""

from typing import TYPE_CHECKING

from meter.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from meter.notebook import Explainer

__all__ = ["__version__", "load"]


def load(folder: "Path | str") -> "Explainer":
    """Opens a finished run: ``meter.load("runs/…").explain(user=…, item=…, feature=…)``.

    Raises meter.errors.InputError where the folder is not a finished run.
    """
    from meter.notebook import Explainer
    from meter.run_folder import RunFolder

    return Explainer(RunFolder(folder))
