"""What a run folder holds to explain on another machine: names, words, scale, and the networks."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from meter.data import Prepared, Vocabulary
from meter.disc import Matcher
from meter.errors import InputError
from meter.model import Meter
from meter.storage.json_file import read_json, write_json
from meter.vq import VQGAN

NAMES, VOCABULARY = "names.json", "vocabulary.json"
MODEL, VQ, MATCHER = "best", "vq", "matcher"


@dataclass(kw_only=True, slots=True)
class Bundle:
    """A finished run, opened.

    users, items: names by row of the model's tables.  features: the feature words of the dataset.
    vq, matcher: None for a model without pictures.
    """

    model: Meter
    vq: VQGAN | None
    matcher: Matcher | None
    vocabulary: Vocabulary
    users: list[str]
    items: list[str]
    features: list[str]
    dataset: str
    lowest_rating: float
    highest_rating: float

    @classmethod
    def open(cls, folder: Path | str) -> "Bundle":
        """Opens a run folder. Raises InputError where a part is missing."""
        folder = Path(folder)
        for part in (NAMES, VOCABULARY, MODEL):
            if not (folder / part).exists():
                raise InputError(
                    f"{folder} is not a finished run: {part} is missing; train it to the end first"
                )
        names = read_json(folder / NAMES)
        return cls(
            model=Meter.from_pretrained(folder / MODEL),
            vq=VQGAN.from_pretrained(folder / VQ) if (folder / VQ).exists() else None,
            matcher=Matcher.from_pretrained(folder / MATCHER) if (folder / MATCHER).exists() else None,
            vocabulary=Vocabulary.load(folder / VOCABULARY),
            **names,
        )


def write_names(
    folder: Path, prepared: Prepared, *, dataset: str, lowest_rating: float, highest_rating: float
) -> None:
    """Writes everything of a bundle that is not a network."""
    prepared.vocabulary.save(folder / VOCABULARY)
    names = {
        "users": prepared.users,
        "items": prepared.items,
        "features": prepared.features,
        "dataset": dataset,
        "lowest_rating": lowest_rating,
        "highest_rating": highest_rating,
    }
    write_json(folder / NAMES, names)


def copy_vq(stage_folder: Path, folder: Path) -> None:
    """Puts the VQ-GAN into the bundle."""
    (folder / VQ).mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(stage_folder / name, folder / VQ / name)
