"""The multimodally-enhanced transformer: user, item, words and visual codes in one sequence."""

from meter.model.beam import BeamConfig
from meter.model.choice import SamplingConfig
from meter.model.decoding import CodeChoice, DecodingConfig, Generated, WordChoice
from meter.model.embedding import Positions, VisualTable
from meter.model.initialisation import Initialisation
from meter.model.meter import Meter, MeterOutput, ModelConfig
from meter.model.sequence import BOS, EOS, PAD, UNK, Layout, Mask, word_places
from meter.model.transformer import Norm

__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "UNK",
    "BeamConfig",
    "CodeChoice",
    "DecodingConfig",
    "Generated",
    "Initialisation",
    "Layout",
    "Mask",
    "Meter",
    "MeterOutput",
    "ModelConfig",
    "Norm",
    "Positions",
    "SamplingConfig",
    "VisualTable",
    "WordChoice",
    "word_places",
]
