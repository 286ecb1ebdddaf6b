"""The multimodally-enhanced transformer: user, item, words and visual codes in one sequence."""

from meter.model.decoding import Generated
from meter.model.embedding import Positions, VisualTable
from meter.model.initialisation import Initialisation
from meter.model.meter import Meter, MeterOutput, ModelConfig
from meter.model.sequence import BOS, EOS, PAD, UNK, Layout, Mask
from meter.model.transformer import Norm

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "UNK",
    "Generated",
    "Initialisation",
    "Layout",
    "Mask",
    "Meter",
    "MeterOutput",
    "ModelConfig",
    "Norm",
    "Positions",
    "VisualTable",
]
