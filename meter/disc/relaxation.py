"""How a gradient passes a choice of tokens on its way from D to the transformer (decision D2)."""

from enum import Enum

import torch
import torch.nn.functional as F
from jaxtyping import Float
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
    logits: Float[Tensor, "*L W"], relaxation: Relaxation, temperature: float = 1.0
) -> Float[Tensor, "*L W"]:
    """Turns logits into (one-hot or soft) probabilities that a gradient flows through.

    Gumbel noise comes from torch's global generator, as dropout does.
    temperature: divides the logits; a small one makes the softmax sharp.
    """
    if relaxation is Relaxation.gumbel:
        uniform = torch.rand_like(logits).clamp(min=torch.finfo(logits.dtype).tiny)
        logits = logits - (-uniform.log()).log()
    probabilities = F.softmax(logits / temperature, dim=-1)
    if relaxation is Relaxation.soft:
        return probabilities
    chosen = F.one_hot(probabilities.argmax(dim=-1), logits.shape[-1]).to(probabilities.dtype)
    return chosen + probabilities - probabilities.detach()
