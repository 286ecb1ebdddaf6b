"""Sentences of a recurrent network, by the same greedy choice, sampling and beam search as METER's."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.model.generation.config import DecodingConfig
from meter.model.generation.generate import decode_sentences, make_choosers
from meter.model.kernels.prepacked_linear import Map
from meter.model.sequence import Layout
from meter.special_words import BOS

State = tuple[Tensor, ...]
"""What a network has kept of the words so far, and what else goes with a sentence: a row of each for a sentence."""
Step = Callable[[Tensor, State], tuple[Tensor, State]]
"""From vectors (R, E) of words and the state before them to what predicts the next words (R, D), and the new state."""


@dataclass(slots=True)
class RecurrentDecoder:
    """A recurrent network word after word, as decoding sees a model (``WordDecoder``)."""

    text_length: int
    word_table: nn.Embedding
    step: Step
    text_head: Map
    state: State

    @property
    def num_words(self) -> int:
        """W, words of the vocabulary."""
        return self.word_table.num_embeddings

    def read_word(self, words: Int[Tensor, " R"], index: int) -> Float[Tensor, "R D"]:
        """Reads the next word of the sentences in the first R rows; a word's place counts for nothing."""
        output, new = self.step(self.word_table(words), tuple(part[: len(words)] for part in self.state))
        for part, of_rows in zip(self.state, new, strict=True):
            part[: len(words)] = of_rows
        return output

    def rearrange(self, rows: Int[Tensor, " R"], sources: Int[Tensor, " R"]) -> None:
        """Copies the source rows of the state into the given rows."""
        for part in self.state:
            part[rows] = part[sources]

    def copy_rows(self, rows: Int[Tensor, " R"]) -> "RecurrentDecoder":
        """The same network with a copy of the given rows of the state."""
        return replace(self, state=tuple(part[rows] for part in self.state))


def write_sentences(
    decoder: RecurrentDecoder,
    batch: int,
    device: torch.device,
    decoding: DecodingConfig,
    generator: torch.Generator | None,
) -> Int[Tensor, "B S"]:
    """The sentence, EOS, then PAD, of each of B = ``batch`` pairs, whose state the decoder begins with.

    Raises InputError where ``decoding`` means nothing or asks for a generator that is not there.
    """
    decoding.check("decoding")
    layout = Layout(has_feature=False, text_length=decoder.text_length, visual_length=0)
    choosers = make_choosers(decoding, layout, batch, generator, device)
    first = decoder.read_word(torch.full((batch,), BOS, device=device), 0)
    return decode_sentences(decoder, first, choosers.words, decoding).words
