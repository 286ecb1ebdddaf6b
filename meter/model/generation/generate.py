"""Generation in the paper's order, rating → text → picture, with a key–value cache."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.errors import InputError
from meter.model.generation.beam_search import beam_search
from meter.model.generation.config import CodeChoice, DecodingConfig, WordChoice
from meter.model.generation.cuda_graph import decode_by_cuda_graph
from meter.model.generation.image import ImageDecoder
from meter.model.generation.incremental import IncrementalModel
from meter.model.generation.sampling import Chooser
from meter.model.generation.text import Decoder, Sentences, decode_text, decode_text_stepwise
from meter.model.sequence import Layout
from meter.special_words import PAD


@dataclass(slots=True)
class Generated:
    """What was generated for each pair.

    rating: None for a model that predicts none.
    context: the N words that the context head finds most likely, best first; None for a model without that head.
    context_probabilities: of these words; None with it.
    words: the sentence, EOS, then PAD.
    codes: the picture row by row, −1 throughout where there is none; None for a model without pictures.
    """

    rating: Float[Tensor, " B"] | None
    context: Int[Tensor, "B N"] | None
    words: Int[Tensor, "B S"]
    codes: Int[Tensor, "B M"] | None
    context_probabilities: Float[Tensor, "B N"] | None = None


def generate(
    model: IncrementalModel,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    config: DecodingConfig,
    generator: torch.Generator | None,
    *,
    pictures: bool = True,
) -> Generated:
    """Generates for B pairs at once.

    model: with empty caches.
    generator: on the CPU; needed where words or codes are sampled.
    pictures: False ends with the sentence.

    Raises InputError where the config means nothing or asks for a generator that is not there.
    """
    config.check("decoding")
    choosers = make_choosers(config, model.layout, len(users), generator, users.device)
    prefix = encode_prefix(model, users, items, features)
    sentences = decode_sentences(model, prefix.state, choosers.words, config)
    codes = None
    if model.layout.visual_length and pictures:
        codes = decode_image(sentences, choosers.codes, config.guidance)
    return replace(before_words(model, prefix), words=sentences.words, codes=codes)


def generate_stepwise(
    model: IncrementalModel,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    config: DecodingConfig,
    generator: torch.Generator | None,
) -> Iterator[Generated]:
    """Generates for B pairs as ``generate`` does, and hands out what there is so far.

    First comes the rating without words, then another after every word and after every code; codes that are not chosen
    yet are −1. The last is what ``generate`` returns. By beam search the words come at once.
    """
    config.check("decoding")
    choosers = make_choosers(config, model.layout, len(users), generator, users.device)
    prefix = encode_prefix(model, users, items, features)
    found = before_words(model, prefix)
    yield found
    if config.words is WordChoice.beam:
        sentences = decode_sentences(model, prefix.state, choosers.words, config)
    else:
        writing = decode_text_stepwise(
            model, prefix.state, choosers.words, allow_unknown=config.allow_unknown
        )
        while True:
            try:
                yield replace(found, words=next(writing).clone())
            except StopIteration as end:
                sentences = end.value
                break
    found = replace(found, words=sentences.words)
    if not model.layout.visual_length:
        yield found
        return
    decoder = ImageDecoder(sentences, choosers.codes, config.guidance)
    decoder.codes.fill_(-1)
    decoder.choose_first()
    yield replace(found, codes=decoder.codes.clone())
    for index in range(1, model.layout.visual_length):
        decoder.choose_next(index)
        yield replace(found, codes=decoder.codes.clone())


def before_words(model: IncrementalModel, prefix: "Prefix") -> Generated:
    """Rating and context words, no word and no code."""
    context = prefix.context.topk(min(model.layout.text_length, model.num_words), dim=-1)
    normalizer = prefix.context.float().logsumexp(dim=-1, keepdim=True)
    return Generated(
        rating=prefix.rating,
        context=context.indices,
        context_probabilities=(context.values.float() - normalizer).exp(),
        words=context.indices.new_full((len(context.indices), model.layout.text_length + 1), PAD),
        codes=None,
    )


def draw(
    model: IncrementalModel,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    words: Int[Tensor, "B S"],
    config: DecodingConfig,
    generator: torch.Generator | None,
) -> Int[Tensor, "B M"]:
    """Draws the pictures to given sentences.

    model: with pictures and empty caches.
    words: the sentence, EOS, then PAD.
    generator: on the CPU; needed where codes are sampled.

    Raises InputError where the config means nothing or asks for a generator that is not there.
    """
    config.check("decoding")
    choosers = make_choosers(config, model.layout, len(users), generator, users.device)
    encode_prefix(model, users, items, features)
    # The last word is encoded with the picture.
    model.read_words(words[:, :-2])
    sentences = Sentences(words, model, torch.arange(len(words), device=words.device))
    return decode_image(sentences, choosers.codes, config.guidance)


@dataclass(slots=True)
class Prefix:
    """What [u, i, f, BOS] gives: rating, context logits, and the state that predicts the first word."""

    rating: Float[Tensor, " B"]
    context: Float[Tensor, "B W"]
    state: Float[Tensor, "B D"]


def encode_prefix(
    model: IncrementalModel,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
) -> Prefix:
    """Encodes [u, i, f, BOS] in one pass and reads the heads that need nothing more."""
    tokens = model.embedding.embed_conditions(users, items, features)
    length = tokens.shape[1]
    states = model.extend(tokens, model.visible[None, None, :length, :length])
    return Prefix(
        rating=model.rating_head(states[:, model.layout.rating]),
        context=model.context_head(states[:, 1]),
        state=states[:, -1],
    )


def decode_sentences(
    model: Decoder, state: Float[Tensor, "B D"], chooser: Chooser, config: DecodingConfig
) -> Sentences[Decoder]:
    """Chooses all words, one by one or by beam search; ``state`` predicts the first."""
    match config.words:
        case WordChoice.greedy | WordChoice.sample:
            return decode_text(model, state, chooser, allow_unknown=config.allow_unknown)
        case WordChoice.beam:
            return beam_search(model, state, config.beam, allow_unknown=config.allow_unknown)
        case _:
            assert_never(config.words)


def decode_image(
    sentences: Sentences[IncrementalModel], chooser: Chooser, guidance: float
) -> Int[Tensor, "B M"]:
    """Chooses all codes; on a CUDA device as one graph."""
    decoder = ImageDecoder(sentences, chooser, guidance)
    decoder.choose_first()
    if sentences.words.device.type == "cuda":
        decode_by_cuda_graph(decoder)
    else:
        decoder.choose_others()
    return decoder.codes


@dataclass(slots=True)
class Choosers:
    """How words, where no beam search chooses them, and codes are chosen."""

    words: Chooser
    codes: Chooser


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
    words, codes = Chooser(config.word_sampling), Chooser(config.code_sampling)
    samples_words, samples_codes = config.words is WordChoice.sample, config.codes is CodeChoice.sample
    if samples_words or samples_codes:
        if generator is None or generator.device.type != "cpu":
            found = "none" if generator is None else f"one on {generator.device}"
            raise InputError(
                f"generator: expected torch.Generator().manual_seed(…), on the CPU, to sample from, found {found}"
            )
        size = (batch, layout.text_length + layout.visual_length)
        numbers = torch.rand(size, generator=generator, dtype=torch.float64).to(device)
        of_words, of_codes = numbers.split([layout.text_length, layout.visual_length], dim=1)
        words.numbers = of_words if samples_words else None
        codes.numbers = of_codes if samples_codes else None
    return Choosers(words, codes)
