"""Generation in the paper's order, rating → text → picture, with a key–value cache."""

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.model.generation.beam_search import BeamConfig, beam_search
from meter.model.generation.image import decode_picture
from meter.model.generation.incremental import IncrementalTransformer, incremental
from meter.model.generation.sampling import Chooser, SamplingConfig
from meter.model.generation.text import decode_text
from meter.model.sequence import Layout, Mask

if TYPE_CHECKING:
    from meter.model.meter import Meter


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


@dataclass(slots=True)
class Generated:
    """What was generated for each pair.

    context: the N words that the context head finds most likely, best first.
    words: the sentence, EOS, then PAD.
    codes: the picture row by row; None for a model without pictures.
    """

    rating: Float[Tensor, " B"]
    context: Int[Tensor, "B N"]
    words: Int[Tensor, "B S"]
    codes: Int[Tensor, "B M"] | None


@dataclass(slots=True)
class Prefix:
    """What [u, i, f, BOS] gives: rating, context logits, and the state that predicts the first word."""

    rating: Float[Tensor, " B"]
    context: Float[Tensor, "B W"]
    state: Float[Tensor, "B D"]


def generate(
    model: "Meter",
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    config: DecodingConfig,
    generator: torch.Generator | None,
) -> Generated:
    """Generates for B pairs at once."""
    if model.config.mask is Mask.literal:
        raise ValueError(
            "mask=literal lets u and i see words that do not exist yet; generate with mask=peter or prefix"
        )
    config.check("decoding")
    choosers = make_choosers(config, model.layout, len(users), generator, users.device)
    # The last word is encoded with the picture, if there is one.
    encoder = incremental(model.transformer, model.heads, model.layout.text.stop - 1)
    prefix = encode_prefix(model, encoder, users, items, features)
    if config.words is WordChoice.beam:
        sentences = beam_search(model, encoder, prefix.state, config.beam, allow_unknown=config.allow_unknown)
    else:
        sentences = decode_text(
            model, encoder, prefix.state, choosers.word, allow_unknown=config.allow_unknown
        )
    codes = None
    if model.config.num_codes:
        codes = decode_picture(model, sentences, choosers.code, config.guidance)
    num_context = min(model.config.text_length, model.config.num_words)
    context = prefix.context.topk(num_context, dim=-1).indices
    return Generated(rating=prefix.rating, context=context, words=sentences.words, codes=codes)


def encode_prefix(
    model: "Meter",
    encoder: IncrementalTransformer,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
) -> Prefix:
    """Encodes [u, i, f, BOS] in one pass and reads the heads that need nothing more."""
    tokens = model.embedding.embed_conditions(users, items, features)
    length = tokens.shape[1]
    states = encoder.extend(tokens, model.visible[None, None, :length, :length])
    return Prefix(
        rating=model.heads.rating(states[:, 0]),
        context=encoder.context_head(states[:, 1]),
        state=states[:, -1],
    )


@dataclass(slots=True)
class Choosers:
    """Who chooses words, where no beam search does, and who chooses codes."""

    word: Chooser
    code: Chooser


def make_choosers(
    config: DecodingConfig,
    layout: Layout,
    batch: int,
    generator: torch.Generator | None,
    device: torch.device,
) -> Choosers:
    """Draws all random numbers of a batch, where any are needed.

    They are drawn on the host, one example after the other: what an example is given depends neither on the device
    nor on how the examples are cut into batches.
    """
    word, code = Chooser(config.word_sampling), Chooser(config.code_sampling)
    samples_words, samples_codes = config.words is WordChoice.sample, config.codes is CodeChoice.sample
    if samples_words or samples_codes:
        if generator is None or generator.device.type != "cpu":
            found = "none" if generator is None else f"one on {generator.device}"
            raise ValueError(
                f"sampling needs generator=torch.Generator().manual_seed(…), on the CPU; got {found}"
            )
        size = (batch, layout.text_length + layout.visual_length)
        numbers = torch.rand(size, generator=generator, dtype=torch.float64).to(device)
        of_words, of_codes = numbers.split([layout.text_length, layout.visual_length], dim=1)
        word.numbers = of_words if samples_words else None
        code.numbers = of_codes if samples_codes else None
    return Choosers(word, code)
