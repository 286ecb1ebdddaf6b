"""How words and codes are chosen by their probabilities."""

import math
from dataclasses import dataclass, field
from enum import Enum

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.model.generation.beam_search import BeamConfig
from meter.model.generation.sampling import SamplingConfig


class WordChoice(Enum):
    """How words are chosen."""

    greedy = "greedy"
    """The likeliest word each time, as in the paper."""
    sample = "sample"
    """At random, by ``word_sampling``."""
    beam = "beam"
    """The sentence that is likeliest as a whole, by ``beam``."""


class CodeChoice(Enum):
    """How visual codes are chosen."""

    greedy = "greedy"
    """The likeliest code each time, as in the paper."""
    sample = "sample"
    """At random, by ``code_sampling``."""


@dataclass(kw_only=True, slots=True)
class DecodingConfig(EnumFields):
    """How words and codes are chosen by their probabilities. The paper is greedy."""

    words: WordChoice = WordChoice.greedy
    """How words are chosen."""
    codes: CodeChoice = CodeChoice.greedy
    """How visual codes are chosen."""
    word_sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """What words are drawn from where they are sampled."""
    code_sampling: SamplingConfig = field(default_factory=SamplingConfig)
    """What codes are drawn from where they are sampled."""
    beam: BeamConfig = field(default_factory=BeamConfig)
    """The beam search where words are chosen by it."""
    guidance: float = 1.0
    """How much what the sentence adds to the codes' logits counts; 1 is the model as it is, above 1 the picture owes
    more to the sentence."""
    allow_unknown: bool = True
    """Whether <unk> may be a word of a sentence, as in PETER."""

    def check(self, name: str) -> None:
        """Raises InputError where a value means nothing; ``name`` is that of this config."""
        self.word_sampling.check(f"{name}.word_sampling")
        self.code_sampling.check(f"{name}.code_sampling")
        self.beam.check(f"{name}.beam")
        if not 0 <= self.guidance < math.inf:
            raise InputError(f"{name}.guidance: expected a number of at least 0, found {self.guidance}")
