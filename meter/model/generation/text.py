"""Decoding of sentences, word after word."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.model.generation.sampling import Chooser
from meter.model.kernels.prepacked_linear import Map
from meter.special_words import BOS, EOS, PAD, UNK

CHECK_EVERY = 4
"""Words after which the host asks an accelerator which sentences have ended: it has to wait for the answer."""


Same = TypeVar("Same")


@runtime_checkable
class WordDecoder(Protocol):
    """A model that writes B sentences word after word; it holds what it has read in B rows."""

    @property
    def text_length(self) -> int:
        """n, the longest sentence in words."""
        ...

    @property
    def num_words(self) -> int:
        """W, words of the vocabulary."""
        ...

    @property
    def text_head(self) -> Map:
        """From a state (R, D) to the logits (R, W) of the next word."""
        ...

    def read_word(self, words: Int[Tensor, " R"], index: int) -> Float[Tensor, "R D"]:
        """Reads the word number ``index`` of the sentences in the first R rows; the states that predict the next."""
        ...

    def rearrange(self, rows: Int[Tensor, " R"], sources: Int[Tensor, " R"]) -> None:
        """Copies the source rows into the given rows."""
        ...

    def copy_rows(self: Same, rows: Int[Tensor, " R"]) -> Same:
        """The same model with a copy of the given rows."""
        ...


Decoder = TypeVar("Decoder", bound=WordDecoder)


@dataclass(slots=True)
class Sentences(Generic[Decoder]):
    """Sentences, and the model whose cache the picture continues from.

    words: the sentence, EOS, then PAD.
    model: its caches hold all slots before the last word's; those of absent words hold anything.
    rows: which row of the caches each example has.
    """

    words: Int[Tensor, "B S"]
    model: Decoder
    rows: Int[Tensor, " B"]


def decode_text(
    model: Decoder, state: Float[Tensor, "B D"], chooser: Chooser, *, allow_unknown: bool
) -> Sentences[Decoder]:
    """Chooses word after word until every sentence has ended or is n words long; ``state`` predicts the first word."""
    writing = decode_text_stepwise(model, state, chooser, allow_unknown=allow_unknown)
    while True:
        try:
            next(writing)
        except StopIteration as end:
            return end.value


def decode_text_stepwise(
    model: Decoder, state: Float[Tensor, "B D"], chooser: Chooser, *, allow_unknown: bool
) -> Generator[Int[Tensor, "B S"], None, Sentences[Decoder]]:
    """``decode_text`` that hands out the words so far after each one, PAD where there is none yet.

    What has ended costs nothing more: it moves to the back of the cache, and the others go on without it.
    """
    batch, length = len(state), model.text_length
    words = torch.full((batch, length + 1), PAD, dtype=torch.long, device=state.device)
    examples = torch.arange(batch, device=state.device)
    active = examples
    for index in range(length):
        logits = word_logits(model, state, allow_unknown=allow_unknown)
        words[active, index] = chooser.choose(logits, active, index)
        yield words
        if index + 1 == length:
            break
        if checks_for_ends(index, state.device):
            active = move_active_first(model, examples, (words[active] == EOS).any(dim=1))
            if not len(active):
                break
        state = model.read_word(words[active, index], index)
    return Sentences(end_sentences(words), model, examples.argsort())


def checks_for_ends(index: int, device: torch.device) -> bool:
    """Whether to look after this word which sentences have ended; in between, those write on to no effect."""
    return device.type == "cpu" or (index + 1) % CHECK_EVERY == 0


def word_logits(
    model: WordDecoder, state: Float[Tensor, "R D"], *, allow_unknown: bool
) -> Float[Tensor, "R W"]:
    """Logits of the next word; PAD and BOS are no words, never trained, and cannot be chosen."""
    logits = model.text_head(state)
    logits[:, [PAD, BOS] if allow_unknown else [PAD, BOS, UNK]] = -torch.inf
    return logits


def move_active_first(
    model: WordDecoder, examples: Int[Tensor, " B"], ended: Bool[Tensor, " R"]
) -> Int[Tensor, " A"]:
    """Reorders the rows of the cache until the active sentences are the first, and returns their examples.

    examples: which example each row of the cache belongs to; reordered with them.
    ended: which of the first R rows have ended; all behind have.
    """
    num_active = len(ended) - int(ended.sum())
    ended_early = ended[:num_active].nonzero().squeeze(1)
    active_late = (~ended[num_active:]).nonzero().squeeze(1) + num_active
    rows, sources = torch.cat([ended_early, active_late]), torch.cat([active_late, ended_early])
    examples[rows] = examples[sources]
    model.rearrange(rows, sources)
    return examples[:num_active]


def end_sentences(words: Int[Tensor, "B S"]) -> Int[Tensor, "B S"]:
    """Ends sentences that are n words long, and clears what stands behind an end."""
    words[:, -1] = EOS
    ends = (words == EOS).long()
    return words.masked_fill(ends.cumsum(dim=1) > ends, PAD)
