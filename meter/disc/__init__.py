"""The text–image matching discriminator, the relaxations that let gradients through, and L_d."""

from meter.disc.discriminator import Discriminator, DiscriminatorConfig
from meter.disc.loss import GeneratorForm, MatchScores, generator_loss, matching_value
from meter.disc.matcher import Matcher
from meter.disc.pairs import Generated, GeneratedPairs, PairScorer, RelaxedSentences, TruePairs
from meter.disc.relaxation import Relaxation, relax

__all__ = [
    "Discriminator",
    "DiscriminatorConfig",
    "Generated",
    "GeneratedPairs",
    "GeneratorForm",
    "MatchScores",
    "Matcher",
    "PairScorer",
    "Relaxation",
    "RelaxedSentences",
    "TruePairs",
    "generator_loss",
    "matching_value",
    "relax",
]
