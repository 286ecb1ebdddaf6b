"""The files and folders that a joint training writes; whoever starts it decides where they lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(kw_only=True, slots=True)
class TrainingFiles:
    """Where a training writes.

    checkpoint: folder of the state that it resumes from.
    best, best_discriminator: folders of the weights that validated best, each with its config.
    journal: file of the losses, one JSON object a line.
    run: the run's folder, where trackers put their files; its name is the run's name and id there.
    """

    checkpoint: Path
    best: Path
    best_discriminator: Path
    journal: Path
    run: Path
