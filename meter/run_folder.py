"""A run's folder: the name of every file in it, and the one way to open it."""

import io
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Integer

from meter.config import RunConfig, read_config, run_hash
from meter.data import Prepared, Vocabulary
from meter.data.catalogue import Catalogue
from meter.disc import Discriminator, Matcher
from meter.errors import InputError
from meter.evaluate.generations import Generation, read_generations, read_scores
from meter.model import System
from meter.storage.atomic import write_bytes, write_text
from meter.storage.fingerprint import plain
from meter.storage.journal import Journal
from meter.storage.json_file import read_json, write_json
from meter.storage.pretrained import CONFIG, WEIGHTS
from meter.train.systems import open_system
from meter.version import __version__
from meter.vq import VQGAN

RUN_FORMAT = 1
"""Raised when the files of a run change so that earlier releases cannot open it (docs/sharing.md)."""


@dataclass(kw_only=True, slots=True)
class RunNames:
    """What a model's rows are called, and the scale of its ratings.

    users, items: names by row of the model's tables.  features: the feature words of the dataset.
    """

    users: list[str]
    items: list[str]
    features: list[str]
    dataset: str
    lowest_rating: float
    highest_rating: float


class RunFolder:
    """The folder of one run, finished or not. It opens on any machine: everything that explaining needs lies in it.

    Attributes that end in ``_file`` or ``_folder`` are paths. All others are what these paths hold: read when first
    asked for, and kept. Reading raises InputError where a part is missing or is not what it should be.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.yaml"
        self.manifest_file = self.path / "manifest.json"
        self.log_file = self.path / "train.log"
        self.journal_file = self.path / "metrics.jsonl"
        self.checkpoint_folder = self.path / "last"
        self.model_folder = self.path / "best"
        self.discriminator_folder = self.path / "best" / "discriminator"
        self.learned_discriminator_folder = self.path / "discriminator"
        self.vq_folder = self.path / "vq"
        self.matcher_folder = self.path / "matcher"
        self.names_file = self.path / "names.json"
        self.vocabulary_file = self.path / "vocabulary.json"
        self.catalogue_file = self.path / "catalogue.json"
        self.photo_codes_file = self.path / "photo_codes.npy"
        self.generations_file = self.path / "generations.jsonl"
        self.scores_file = self.path / "scores.jsonl"
        self.metrics_file = self.path / "metrics.json"
        self.report_file = self.path / "report.html"
        self.explanations_folder = self.path / "explanations"

    @classmethod
    def of(cls, config: RunConfig) -> "RunFolder":
        """The folder of a run, a function of its config: the same command finds it again and goes on."""
        return cls(Path(config.runs) / config.dataset.name / f"{config.name}-{run_hash(config)[:8]}")

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @cached_property
    def config(self) -> RunConfig:
        """The whole config of the run."""
        return read_config(self.config_file)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run was made from, where, and how long each step took.

        Raises InputError for a run of a later format.
        """
        manifest = _read_object(self._existing(self.manifest_file))
        found = manifest.get("format", RUN_FORMAT)
        if found > RUN_FORMAT:
            raise InputError(
                f"{self.path} was written by METER {manifest.get('package', '?')} in format {found}; this is METER "
                f"{__version__}, which reads up to {RUN_FORMAT}: install that release or a later one"
            )
        return manifest

    @property
    def journal(self) -> Journal:
        """Losses of the joint training, step by step."""
        return Journal(self.journal_file)

    @cached_property
    def names(self) -> RunNames:
        """Users, items, feature words and scale."""
        return RunNames(**_read_object(self._existing(self.names_file)))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the model."""
        return Vocabulary.load(self._existing(self.vocabulary_file))

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the training split says of users and items."""
        if not self.catalogue_file.is_file():
            raise InputError(
                f"{self.path} has no {self.catalogue_file.name}, which earlier versions did not write: "
                f"python -m meter.evaluate run={self.path} writes it"
            )
        return Catalogue.load(self.catalogue_file)

    @cached_property
    def photo_codes(self) -> Integer[np.ndarray, "P M"] | None:
        """The codes of the photos that the catalogue names; None for a model without pictures."""
        if not self.photo_codes_file.is_file():
            return None
        return np.load(self.photo_codes_file, mmap_mode="r", allow_pickle=False)

    @cached_property
    def model(self) -> System:
        """The weights that validated best, on the CPU, in evaluation mode."""
        return open_system(self.config.system, self._existing(self.model_folder))

    @cached_property
    def vq(self) -> VQGAN | None:
        """The VQ-GAN; None for a model without pictures."""
        return VQGAN.from_pretrained(self.vq_folder) if self.vq_folder.exists() else None

    @cached_property
    def discriminator(self) -> Discriminator | None:
        """D as it stood beside the best weights; None where there is none."""
        folders = (self.discriminator_folder, self.learned_discriminator_folder)
        folder = next((folder for folder in folders if folder.exists()), None)
        return None if folder is None else Discriminator.from_pretrained(folder)

    @cached_property
    def matcher(self) -> Matcher | None:
        """The matcher; None for a model without pictures."""
        return Matcher.from_pretrained(self.matcher_folder) if self.matcher_folder.exists() else None

    @cached_property
    def generations(self) -> list[Generation]:
        """What was generated for every record of the evaluated splits."""
        return read_generations(self._existing(self.generations_file))

    @cached_property
    def scores(self) -> list[dict[str, Any]] | None:
        """Scores of single examples, one for each generation; None where an older run has no such file."""
        return read_scores(self.scores_file) if self.scores_file.is_file() else None

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All metrics, by split and section."""
        return _read_object(self._existing(self.metrics_file))

    @property
    def splits(self) -> list[str]:
        """The splits that were evaluated."""
        return list(dict.fromkeys(generation.split for generation in self.generations))

    def bundle(self) -> list[Path]:
        """The files that explaining needs and that hold no review: weights, names, words, codes of photos.

        Raises InputError where the run is unfinished.
        """
        single = [
            self._existing(self.vocabulary_file),
            self._existing(self.catalogue_file),
            *([self.photo_codes_file] if self.photo_codes_file.is_file() else []),
        ]
        folders = (self.model_folder, self.learned_discriminator_folder, self.vq_folder, self.matcher_folder)
        self._existing(self.model_folder)
        self._existing(self.metrics_file)
        return single + [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]

    def of_phase(self, name: str) -> "RunFolder":
        """Where a phase of a training keeps checkpoint, weights and journal; this folder where the name is empty."""
        return RunFolder(self.path / name) if name else self

    def save_config(self, config: RunConfig) -> None:
        """Writes the whole config, defaults included, as YAML that ``--config-dir`` reads again."""
        import yaml

        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config_file, yaml.safe_dump(plain(config), sort_keys=False))

    def save_names(self, prepared: Prepared, config: RunConfig) -> None:
        """Writes words and names, which the networks' rows mean nothing without."""
        prepared.vocabulary.save(self.vocabulary_file)
        names = RunNames(
            users=prepared.users,
            items=prepared.items,
            features=prepared.features,
            dataset=config.dataset.name,
            lowest_rating=config.dataset.min_rating,
            highest_rating=config.dataset.max_rating,
        )
        write_json(self.names_file, names)

    def save_catalogue(self, prepared: Prepared, codes: Integer[np.ndarray, "P M"] | None) -> None:
        """Writes what the training split says of users and items, and the codes of all photos where there are any."""
        Catalogue.of(prepared).save(self.catalogue_file)
        if codes is not None:
            content = io.BytesIO()
            np.save(content, np.asarray(codes, dtype=np.uint16 if codes.max() < 2**16 else np.int32))
            write_bytes(self.photo_codes_file, content.getvalue())

    def copy_vq(self, stage_folder: Path) -> None:
        """Puts a copy of the VQ-GAN, which runs share in the cache, into the folder."""
        self.vq_folder.mkdir(exist_ok=True)
        for name in (CONFIG, WEIGHTS):
            shutil.copyfile(stage_folder / name, self.vq_folder / name)

    def _existing(self, path: Path) -> Path:
        if not path.exists():
            raise InputError(
                f"{self.path} is not a finished run: {path.name} is missing; run its command again to go on"
            )
        return path


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except ValueError as fault:
        raise InputError(f"{path} is not JSON ({fault}); run its command again to make it anew") from fault
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected an object, found a {type(value).__name__}; run its command again")
    return value
