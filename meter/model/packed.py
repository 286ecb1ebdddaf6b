"""The model's pass without the padding: the same numbers, for training and validation, in less time.

Sentences differ in length. Layers that work slot by slot need not see the slots that hold no word, and the word head,
the widest of all, need not be asked what stands there: no loss reads it.
"""

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.model.meter import Meter
from meter.model.sequence import present_slots
from meter.model.transformer import Block, SelfAttention, Transformer


@dataclass(kw_only=True, slots=True)
class PackedOutput:
    """What one pass gives: a ``MeterOutput`` with the P words that stand in the sentences, one after the other.

    A baseline's pass gives the same, and None for what it does not predict.

    text: logits of these words.
    word_slots: where they stand, as ``sequence.word_slots`` counts.
    """

    word_slots: Int[Tensor, " P"]
    rating: Float[Tensor, " B"] | None = None
    context: Float[Tensor, "B W"] | None = None
    text: Float[Tensor, "P W"] | None = None
    visual: Float[Tensor, "B M K"] | None = None


class PackedMeter(nn.Module):
    """A ``Meter`` whose pass leaves padding out; the weights are the model's own."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self.meter = meter

    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        codes: Int[Tensor, "B M"] | None,
        word_slots: Int[Tensor, " P"],
        ratings: Float[Tensor, " B"] | None = None,
    ) -> PackedOutput:
        """Predicts what ``Meter.forward`` predicts, and of the words only those in ``word_slots``.

        word_slots: ``sequence.word_slots(words)``, which the host can count ahead of an accelerator.
        ratings: the true ones, while a model learns; a baseline may write by them, METER does not read them.
        """
        layout, heads = self.meter.layout, self.meter.heads
        tokens = self.meter.embedding(users, items, features, words, codes)
        states = self.encode(tokens, words, has_codes=codes is not None)
        return PackedOutput(
            rating=heads.rating(states[:, layout.rating]),
            context=heads.context_words(states[:, 1]),
            text=heads.text(states[:, layout.text].flatten(0, 1)[word_slots]),
            word_slots=word_slots,
            visual=None if codes is None or heads.visual is None else heads.visual(states[:, layout.visual]),
        )

    def encode(
        self, tokens: Float[Tensor, "B T D"], words: Int[Tensor, "B S"], *, has_codes: bool
    ) -> Float[Tensor, "B T D"]:
        """Packs where that pays: on a CPU, and with no picture behind the words.

        An accelerator would have to wait for the host, and beside a picture's codes a sentence has little padding.
        """
        transformer, visible = self.meter.transformer, self.meter.visible_slots(words, tokens.shape[1])
        if has_codes or tokens.device.type != "cpu":
            return transformer(tokens, visible)
        packing = Packing.of(present_slots(self.meter.layout, words)[:, : tokens.shape[1]])
        return encode_packed(transformer, tokens, visible, packing)


@dataclass(frozen=True, slots=True)
class Packing:
    """Which slots of B sequences of length T hold a token.

    slots: the P of them, counted through all sequences: sequence · T + slot.
    """

    slots: Int[Tensor, " P"]
    batch: int
    length: int

    @classmethod
    def of(cls, present: Bool[Tensor, "B T"]) -> "Packing":
        """From a mask; on an accelerator the host waits for it."""
        return cls(present.flatten().nonzero().squeeze(1), *present.shape)

    def pack(self, vectors: Float[Tensor, "B T D"]) -> Float[Tensor, "P D"]:
        """The vectors of real tokens."""
        return vectors.flatten(0, 1).index_select(0, self.slots)

    def unpack(self, vectors: Float[Tensor, "P D"]) -> Float[Tensor, "B T D"]:
        """Puts vectors back into their slots; 0 where there is no token."""
        zeros = vectors.new_zeros(self.batch * self.length, vectors.shape[1])
        return torch.index_copy(zeros, 0, self.slots, vectors).view(self.batch, self.length, -1)


def encode_packed(
    transformer: Transformer,
    tokens: Float[Tensor, "B T D"],
    visible: Bool[Tensor, "B T T"],
    packing: Packing,
) -> Float[Tensor, "B T D"]:
    """The transformer's states of the slots that hold a token; 0 in all others."""
    packed = transformer.dropout(packing.pack(tokens))
    for block in transformer.blocks:
        assert isinstance(block, Block)
        packed = block.encode(
            packed, partial(attend_packed, block.attention, visible=visible[:, None], packing=packing)
        )
    return packing.unpack(transformer.final_norm(packed))


def attend_packed(
    attention: SelfAttention,
    tokens: Float[Tensor, "P D"],
    visible: Bool[Tensor, "B 1 T T"],
    packing: Packing,
) -> Float[Tensor, "P D"]:
    """Attention between sequences' own slots; the projections before and after it see real tokens only."""
    projected = packing.unpack(attention.project_in(tokens))
    return attention.project_out(packing.pack(attention.mix(projected, visible)))
