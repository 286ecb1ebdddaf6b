"""What was generated as networks take it: numbers of words and codes, batches, encoded pairs, decoded pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from meter.data import Prepared, Vocabulary
from meter.data.encoding import encode_sentences
from meter.disc import Discriminator
from meter.evaluate.generations import Generation
from meter.train.batches import Batch, Examples
from meter.vq import VQGAN, pixels_from_images

NUM_ENCODED, NUM_DECODED = 256, 128
"""Sentences or pictures that are encoded at once, and pictures that are decoded at once."""


@dataclass(kw_only=True, slots=True)
class EncodedPairs:
    """The vectors of N sentences and of N pictures."""

    texts: Float[np.ndarray, "N D"]
    images: Float[np.ndarray, "N D"]


def encode_words(
    texts: Sequence[str], vocabulary: Vocabulary, num_slots: int
) -> Int[Tensor, "B {num_slots}"]:
    """Tokenized sentences as numbers of the vocabulary: at most ``num_slots`` − 1 words, then EOS, then PAD."""
    return torch.from_numpy(encode_sentences(texts, vocabulary, num_slots - 1)).long()


def generated_words(generated: Sequence[Generation], prepared: Prepared) -> Int[Tensor, "B S"]:
    """The generated sentences, as long as the dataset's."""
    num_slots = prepared.records.words.shape[1]
    return encode_words([generation.text for generation in generated], prepared.vocabulary, num_slots)


def features_of(generated: Sequence[Generation], prepared: Prepared) -> Int[Tensor, " B"]:
    """The word ids of the features that were asked for."""
    rows = [generation.row for generation in generated]
    return torch.from_numpy(np.array(prepared.records.features[rows], dtype=np.int64))


def generated_batches(
    generated: Sequence[Generation], prepared: Prepared, examples: Examples, batch_size: int
) -> Iterator[Batch]:
    """The examples with what was generated in place of the true sentence and picture."""
    for start in range(0, len(generated), batch_size):
        chunk = generated[start : start + batch_size]
        batch = examples.batch(torch.tensor([generation.row for generation in chunk]).to(examples.device))
        codes = None
        if chunk[0].codes is not None:
            codes = torch.tensor([generation.codes for generation in chunk]).to(examples.device)
        yield replace(batch, words=generated_words(chunk, prepared).to(examples.device), codes=codes)


@torch.no_grad()
def encode_pairs(
    network: Discriminator,
    words: Int[Tensor, "N S"],
    codes: Int[Tensor, "N M"],
    features: Int[Tensor, " N"],
) -> EncodedPairs:
    """Encodes each sentence and each picture once, on the network's device.

    features: those that the sentences were asked for; only a gated network reads them.
    """
    device = network.log_scale.device
    texts = [
        network.encode_text(chunk.to(device), of_chunk.to(device))
        for chunk, of_chunk in zip(words.split(NUM_ENCODED), features.split(NUM_ENCODED), strict=True)
    ]
    images = [network.encode_image(chunk.to(device)) for chunk in codes.split(NUM_ENCODED)]
    return EncodedPairs(texts=torch.cat(texts).cpu().numpy(), images=torch.cat(images).cpu().numpy())


@torch.no_grad()
def decode_pictures(
    generated: Sequence[Generation], vq: VQGAN | None
) -> list[UInt8[np.ndarray, "S S 3"] | None]:
    """The generated pictures as pixels; None where there is none."""
    pictures: list[UInt8[np.ndarray, "S S 3"] | None] = [None] * len(generated)
    drawn = [index for index, generation in enumerate(generated) if generation.codes is not None]
    if vq is None:
        return pictures
    device = next(vq.parameters()).device
    for start in range(0, len(drawn), NUM_DECODED):
        indices = drawn[start : start + NUM_DECODED]
        codes = torch.tensor([generated[index].codes for index in indices], device=device)
        for index, picture in zip(indices, pixels_from_images(vq.decode(codes).cpu()), strict=True):
            pictures[index] = picture
    return pictures
