"""Which systems there are: what each is made from, which pass trains it, and how its saved weights are opened."""

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from meter.baselines import (
    Att2Seq,
    Att2SeqConfig,
    Baseline,
    BaselineConfig,
    Nete,
    NeteConfig,
    Nrt,
    NrtConfig,
    PhotoChooser,
    Records,
    Retrieval,
    RetrievalConfig,
)
from meter.data import Prepared
from meter.data.catalogue import training_photos
from meter.disc import Discriminator
from meter.model import Meter, PackedMeter, System


class SystemKind(Enum):
    """What is trained."""

    meter = "meter"
    """The transformer of ``model``: METER, and by its settings PETER and PETER+."""
    nrt = "nrt"
    """NRT: rating, and a sentence that knows it."""
    att2seq = "att2seq"
    """Att2Seq: a sentence."""
    nete = "nete"
    """NETE: rating, then a sentence about a given feature."""
    retrieval = "retrieval"
    """No network: rating by biases, sentence from the training records, picture from the item's photos."""


@dataclass(kw_only=True, slots=True)
class BaselinesConfig:
    """The sizes of the systems that METER is compared with; only those of the chosen one count."""

    nrt: NrtConfig = field(default_factory=NrtConfig)
    """NRT's."""
    att2seq: Att2SeqConfig = field(default_factory=Att2SeqConfig)
    """Att2Seq's."""
    nete: NeteConfig = field(default_factory=NeteConfig)
    """NETE's."""
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    """How retrieval finds ratings and sentences."""


NETWORKS: dict[SystemKind, type[Baseline]] = {
    SystemKind.nrt: Nrt,
    SystemKind.att2seq: Att2Seq,
    SystemKind.nete: Nete,
}
"""The baselines that are trained step by step."""
BASELINES: dict[SystemKind, type[Baseline] | type[Retrieval]] = {
    **NETWORKS,
    SystemKind.retrieval: Retrieval,
}
"""The class of every system but the transformer; its config is the field of ``BaselinesConfig`` of the same name."""


Config = TypeVar("Config", bound=BaselineConfig)


def new_baseline(kind: SystemKind, config: BaselinesConfig, prepared: Prepared) -> Baseline:
    """A baseline with fresh weights, which depend on torch's global generator, of the sizes that the data decide."""
    return NETWORKS[kind](sized(getattr(config, kind.name), prepared))


def fit_retrieval(
    config: BaselinesConfig, prepared: Prepared, photos: PhotoChooser | None = None
) -> Retrieval:
    """Biases and sentences of the training split; nothing of it is random. photos: choose the pictures."""
    train, validation = (records_of(prepared, split) for split in ("train", "validation"))
    return Retrieval.fit(sized(config.retrieval, prepared), train, validation, photos)


def photo_chooser(prepared: Prepared, codes: Int[np.ndarray, "P M"], matcher: Discriminator) -> PhotoChooser:
    """Chooses among the photos that suit training records; those of the other splits stay unseen.

    codes: of all photos.
    """
    items, photos = training_photos(prepared).T
    return PhotoChooser(matcher, torch.from_numpy(items), torch.from_numpy(np.asarray(codes[photos])))


def sized(config: Config, prepared: Prepared) -> Config:
    """The config with the sizes that the data decide."""
    return dataclasses.replace(
        config,
        num_users=len(prepared.users),
        num_items=len(prepared.items),
        num_words=len(prepared.vocabulary),
        # A prepared sentence is followed by its EOS.
        text_length=prepared.records.words.shape[1] - 1,
    )


def records_of(prepared: Prepared, split: str) -> Records:
    """The records of a split as plain arrays."""
    rows, records = np.asarray(prepared.splits[split]), prepared.records
    whole = {
        name: np.array(getattr(records, name)[rows], dtype=np.int64)
        for name in ("users", "items", "features", "words")
    }
    return Records(ratings=np.array(records.ratings[rows], dtype=np.float64), **whole)


def system_class(kind: SystemKind) -> type[System]:
    """The class of a system."""
    return BASELINES.get(kind, Meter)


def open_system(kind: SystemKind, folder: Path) -> System:
    """Opens saved weights. Raises InputError where the files are missing, damaged or of another system."""
    return system_class(kind).from_pretrained(folder)


def training_pass(system: Meter | Baseline) -> nn.Module:
    """What a training step and the diagnosis run: called as ``PackedMeter.forward``, it gives a ``PackedOutput``."""
    return PackedMeter(system) if isinstance(system, Meter) else system
