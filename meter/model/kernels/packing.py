"""Padding left out: layers that work slot by slot see real tokens only, one after the other."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


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

    def spread(self, vectors: Float[Tensor, "P D"]) -> Float[Tensor, "B T D"]:
        """Puts vectors back into their slots; 0 where there is no token."""
        room = vectors.new_zeros(self.batch * self.length, vectors.shape[1])
        return torch.index_copy(room, 0, self.slots, vectors).view(self.batch, self.length, -1)
