"""Choosing one word or code by its logits: the likeliest, or at random."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.errors import InputError


@dataclass(kw_only=True, slots=True)
class SamplingConfig:
    """Which distribution random choices are drawn from; by default the model's own."""

    temperature: float = 1.0
    """Divides the logits: below 1 the likely become likelier still."""
    top_k: int = 0
    """Only the k likeliest are drawn from (Fan et al., 2018); 0 for all."""
    top_p: float = 1.0
    """Only the fewest likeliest are drawn from that have this probability together (Holtzman et al., 2020); 1 for all.
    Where top_k is given too, it comes first."""

    def check(self, name: str) -> None:
        """Raises InputError where no distribution is left; ``name`` is that of this config."""
        if not 0 < self.temperature < math.inf:
            raise InputError(
                f"{name}.temperature: expected a number above 0, found {self.temperature}; towards 0 it is greedy"
            )
        if self.top_k < 0:
            raise InputError(f"{name}.top_k: expected at least 1, or 0 for all, found {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"{name}.top_p: expected a share above 0, at most 1, found {self.top_p}")


@dataclass(slots=True)
class Chooser:
    """Chooses for many examples at once.

    numbers: uniform in [0, 1), one for each of the P choices of each example; None takes the likeliest.
        An example has numbers of its own, so what is drawn for it does not depend on its batch.
    """

    sampling: SamplingConfig
    numbers: Float[Tensor, "B P"] | None = None

    def choose(
        self, logits: Float[Tensor, "R W"], examples: Int[Tensor, " R"], index: int | Int[Tensor, "1"]
    ) -> Int[Tensor, " R"]:
        """The choice number ``index`` of these examples."""
        if self.numbers is None:
            # As argmax, which takes four times as long for bf16 on a CPU.
            return logits.max(dim=-1).indices
        return sample(logits, self.numbers[examples, index], self.sampling)


def sample(
    logits: Float[Tensor, "B W"], numbers: Float[Tensor, " B"], sampling: SamplingConfig
) -> Int[Tensor, " B"]:
    """Draws one of W by inverting the cumulative distribution at the numbers."""
    logits = logits.float() / sampling.temperature
    num_choices = logits.shape[1]
    if not sampling.top_k and sampling.top_p == 1:
        return inverse_cdf(logits.softmax(dim=-1), numbers)
    likeliest = logits.topk(min(sampling.top_k or num_choices, num_choices), dim=-1)
    probabilities = likeliest.values.softmax(dim=-1)
    if sampling.top_p < 1:
        before = probabilities.cumsum(dim=-1) - probabilities
        probabilities = probabilities * (before < sampling.top_p)
    chosen = inverse_cdf(probabilities, numbers)
    return likeliest.indices.gather(1, chosen[:, None]).squeeze(1)


def inverse_cdf(weights: Float[Tensor, "B W"], numbers: Float[Tensor, " B"]) -> Int[Tensor, " B"]:
    """The first choice at which the sum of the weights so far exceeds that share of their total.

    A weight of 0 is never chosen; in double precision, lest the rounding of thousands of small weights add up.
    """
    sums = weights.cumsum(dim=-1, dtype=torch.float64)
    return torch.searchsorted(sums, numbers[:, None] * sums[:, -1:], right=True).squeeze(1)
