"""Dropout whose random numbers cost little on a CPU."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from meter.errors import InputError

LEVELS = 1 << 16
"""Values of the 16 bits that decide about one activation."""


class Dropout(nn.Module):
    """Drops activations with some probability while training and scales up the rest (Srivastava et al., 2014).

    On a CPU torch draws one number after the other, an activation each, which takes as long as all the arithmetic
    of a small network. Here one draw of 64 bits decides four activations; the probability is exact to 2⁻¹⁷.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise InputError(f"dropout: expected a probability in [0, 1), found {probability}")
        self.probability = probability

    @property
    def active(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.probability > 0

    def forward(self, values: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        if not self.active:
            return values
        if values.device.type != "cpu":
            return F.dropout(values, self.probability)
        return values * dropout_mask(values, self.probability)

    def extra_repr(self) -> str:
        return f"{self.probability}"


def dropout_mask(like: Float[Tensor, "..."], probability: float) -> Float[Tensor, "..."]:
    """0 where an activation is dropped, else the factor that keeps the expected value; drawn from torch's generator."""
    dropped = round(probability * LEVELS)
    draws = torch.empty(math.ceil(like.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: like.numel()].view(like.shape)
    return (bits >= dropped - LEVELS // 2).to(like.dtype).mul_(LEVELS / (LEVELS - dropped))
