"""Systems that METER is compared with, each after its authors' released code, behind the same interface."""

from meter.baselines.att2seq import Att2Seq, Att2SeqConfig
from meter.baselines.baseline import Baseline, BaselineConfig, Phase
from meter.baselines.nete import Nete, NeteConfig
from meter.baselines.nrt import Nrt, NrtConfig
from meter.baselines.photo_chooser import PhotoChooser
from meter.baselines.records import Records
from meter.baselines.retrieval import Retrieval, RetrievalConfig

__all__ = [
    "Att2Seq",
    "Att2SeqConfig",
    "Baseline",
    "BaselineConfig",
    "Nete",
    "NeteConfig",
    "Nrt",
    "NrtConfig",
    "Phase",
    "PhotoChooser",
    "Records",
    "Retrieval",
    "RetrievalConfig",
]
