"""How a gradient gets through a choice of tokens on its way from D to the transformer (decision D2)."""

from enum import Enum

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


class Relaxation(Enum):
    """What stands in for the chosen token."""

    gumbel = "gumbel"
    """A sample: one-hot forwards, softmax of logits plus Gumbel noise backwards (Jang et al., 2017)."""
    straight_through = "straight_through"
    """The most likely token: one-hot forwards, softmax backwards (Bengio et al., 2013)."""
    soft = "soft"
    """The distribution itself, forwards and backwards."""


def relax(
    logits: Float[Tensor, "*L W"],
    relaxation: Relaxation,
    temperature: float = 1.0,
    *,
    chosen: Int[Tensor, "*L"] | None = None,
) -> Float[Tensor, "*L W"]:
    """Turns logits into (one-hot or soft) probabilities that a gradient flows through.

    temperature: divides the logits; a small one makes the softmax sharp.
    chosen: tokens that have been generated already. The result is then one-hot at these under every relaxation, which
        decides the gradient alone.
    Gumbel noise comes from torch's global generator, as dropout does.
    """
    if relaxation is Relaxation.gumbel:
        uniform = torch.rand_like(logits).clamp(min=torch.finfo(logits.dtype).tiny)
        logits = logits - (-uniform.log()).log()
    probabilities = F.softmax(logits / temperature, dim=-1)
    if chosen is None:
        if relaxation is Relaxation.soft:
            return probabilities
        chosen = probabilities.argmax(dim=-1)
    one_hot = torch.zeros_like(probabilities).scatter_(-1, chosen[..., None], 1)
    return one_hot + probabilities - probabilities.detach()
