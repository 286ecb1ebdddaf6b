"""Decoding of sentences, word after word."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.model.generation.incremental import IncrementalTransformer
from meter.model.generation.sampling import Chooser
from meter.special_words import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    from meter.model.meter import Meter

STEPS_UNWATCHED = 4
"""Words after which the host asks an accelerator which sentences have ended: it has to wait for the answer."""


@dataclass(slots=True)
class Sentences:
    """Sentences, and the cache that the picture goes on from.

    words: the sentence, EOS, then PAD.
    encoder: its caches hold all slots before the last word's; those of absent words hold anything.
    rows: where in the cache each example stands.
    """

    words: Int[Tensor, "B S"]
    encoder: IncrementalTransformer
    rows: Int[Tensor, " B"]


def decode_text(
    model: "Meter",
    encoder: IncrementalTransformer,
    state: Float[Tensor, "B D"],
    chooser: Chooser,
    *,
    allow_unknown: bool,
) -> Sentences:
    """Chooses word after word until every sentence has ended or is n words long.

    What ended costs nothing more: it moves to the back of the cache, and the others go on without it.
    """
    batch, length = len(state), model.config.text_length
    words = torch.full((batch, length + 1), PAD, dtype=torch.long, device=state.device)
    examples = torch.arange(batch, device=state.device)
    going = examples
    for index in range(length):
        logits = word_logits(encoder, state, allow_unknown=allow_unknown)
        words[going, index] = chooser.choose(logits, going, index)
        if index + 1 == length:
            break
        if watched(index, state.device):
            going = move_ended_back(encoder, examples, (words[going] == EOS).any(dim=1))
            if not len(going):
                break
        state = encoder.extend(model.embedding.embed_word(words[going, index], index))[:, -1]
    return Sentences(closed(words), encoder, examples.argsort())


def watched(index: int, device: torch.device) -> bool:
    """Whether to look after this word which sentences have ended; in between, those write on to no effect."""
    return device.type == "cpu" or (index + 1) % STEPS_UNWATCHED == 0


def word_logits(
    encoder: IncrementalTransformer, state: Float[Tensor, "R D"], *, allow_unknown: bool
) -> Float[Tensor, "R W"]:
    """Logits of the next word; PAD and BOS are no words, never trained, and cannot be chosen."""
    logits = encoder.text_head(state)
    logits[:, [PAD, BOS] if allow_unknown else [PAD, BOS, UNK]] = -torch.inf
    return logits


def move_ended_back(
    encoder: IncrementalTransformer, examples: Int[Tensor, " B"], ended: Bool[Tensor, " R"]
) -> Int[Tensor, " G"]:
    """Changes places in the cache until the sentences that go on are the first, and returns their examples.

    examples: which stand in the rows of the cache, moved with them.
    ended: which of the first R rows have ended; all behind have.
    """
    num_going = len(ended) - int(ended.sum())
    gaps = ended[:num_going].nonzero().squeeze(1)
    late = (~ended[num_going:]).nonzero().squeeze(1) + num_going
    rows, sources = torch.cat([gaps, late]), torch.cat([late, gaps])
    examples[rows] = examples[sources]
    encoder.rearrange(rows, sources)
    return examples[:num_going]


def closed(words: Int[Tensor, "B S"]) -> Int[Tensor, "B S"]:
    """Ends sentences that are n words long, and clears what stands behind an end."""
    words[:, -1] = EOS
    ends = (words == EOS).long()
    return words.masked_fill(ends.cumsum(dim=1) > ends, PAD)
