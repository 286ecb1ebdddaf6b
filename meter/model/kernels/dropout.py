"""Dropout whose random numbers cost little on a CPU."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

LEVELS = 1 << 16


class Dropout(nn.Module):
    """Drops a share of the activations while training and scales up the rest (Srivastava et al., 2014).

    On a CPU torch draws one number after the other, an activation each, which takes as long as all the arithmetic
    of a small network. Here one draw of 64 bits decides four activations; the share is exact to 2⁻¹⁷.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"dropout must be a share in [0, 1), got {share}")
        self.share = share

    @property
    def active(self) -> bool:
        """Whether anything is dropped now."""
        return self.training and self.share > 0

    def forward(self, values: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        if not self.active:
            return values
        if values.device.type != "cpu":
            return F.dropout(values, self.share)
        return values * kept(values, self.share)

    def extra_repr(self) -> str:
        return f"{self.share}"


def kept(like: Float[Tensor, "..."], share: float) -> Float[Tensor, "..."]:
    """0 where an activation is dropped, else the factor that keeps the expected value; drawn from torch's generator."""
    dropped = round(share * LEVELS)
    draws = torch.empty(math.ceil(like.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: like.numel()].view(like.shape)
    return (bits >= dropped - LEVELS // 2).to(like.dtype).mul_(LEVELS / (LEVELS - dropped))
