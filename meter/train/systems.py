"""Which systems there are: what each is made from, which pass trains it, and how its saved weights are opened."""

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from torch import nn

from meter.baselines import Att2Seq, Att2SeqConfig, Baseline, Nete, NeteConfig, Nrt, NrtConfig
from meter.data import Prepared
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


@dataclass(kw_only=True, slots=True)
class BaselinesConfig:
    """The sizes of the systems that METER is compared with; only those of the chosen one count."""

    nrt: NrtConfig = field(default_factory=NrtConfig)
    """NRT's."""
    att2seq: Att2SeqConfig = field(default_factory=Att2SeqConfig)
    """Att2Seq's."""
    nete: NeteConfig = field(default_factory=NeteConfig)
    """NETE's."""


BASELINES: dict[SystemKind, type[Baseline]] = {
    SystemKind.nrt: Nrt,
    SystemKind.att2seq: Att2Seq,
    SystemKind.nete: Nete,
}
"""The class of every system but the transformer; its config is the field of ``BaselinesConfig`` of the same name."""


def new_baseline(kind: SystemKind, config: BaselinesConfig, prepared: Prepared) -> Baseline:
    """A baseline with fresh weights, which depend on torch's global generator, of the sizes that the data decide."""
    sizes = dataclasses.replace(
        getattr(config, kind.name),
        num_users=len(prepared.users),
        num_items=len(prepared.items),
        num_words=len(prepared.vocabulary),
        # A prepared sentence is followed by its EOS.
        text_length=prepared.records.words.shape[1] - 1,
    )
    return BASELINES[kind](sizes)


def open_system(kind: SystemKind, folder: Path) -> System:
    """Opens saved weights. Raises InputError where the files are missing, damaged or of another system."""
    return BASELINES.get(kind, Meter).from_pretrained(folder)


def training_pass(system: System) -> nn.Module:
    """What a training step and the diagnosis run: called as ``PackedMeter.forward``, it gives a ``PackedOutput``."""
    return PackedMeter(system) if isinstance(system, Meter) else system
