"""The multimodally-enhanced transformer: user, item, words and visual codes in one sequence."""

from meter.model.embedding import Positions, VisualTable
from meter.model.generation.beam_search import BeamConfig
from meter.model.generation.config import CodeChoice, DecodingConfig, WordChoice
from meter.model.generation.generate import Generated
from meter.model.generation.sampling import SamplingConfig
from meter.model.initialisation import Initialisation
from meter.model.meter import Meter, MeterOutput, ModelConfig
from meter.model.packed import PackedMeter, PackedOutput
from meter.model.sequence import Layout, Mask, RatingFrom, word_slots
from meter.model.system import System
from meter.model.transformer import Norm
from meter.special_words import BOS, EOS, PAD, UNK

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
    "PackedMeter",
    "PackedOutput",
    "Positions",
    "RatingFrom",
    "SamplingConfig",
    "System",
    "VisualTable",
    "WordChoice",
    "word_slots",
]
