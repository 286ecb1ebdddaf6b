"""METER: a rating, a sentence and a picture that explain why an item suits a user."""

from typing import TYPE_CHECKING

from meter.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from meter.notebook import Explainer

__all__ = ["__version__", "load"]


def load(run: "Path | str", *, revision: str | None = None) -> "Explainer":
    """Opens a finished run: ``meter.load("runs/…").explain(user=…, item=…, feature=…)``.

    run: its folder, an exported folder, or ``owner/name`` on the Hugging Face Hub.
    revision: branch, tag or commit there.

    Raises meter.errors.InputError where it is not a finished run, or not the one that was exported.
    """
    from meter.export import check_files, locate_run
    from meter.notebook import Explainer
    from meter.run_folder import RunFolder

    folder = locate_run(run, revision)
    check_files(folder)
    return Explainer(RunFolder(folder))
