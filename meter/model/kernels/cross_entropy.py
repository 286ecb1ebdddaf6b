"""−log p of one word in each of many rows, on a CPU a few rows at a time.

A step of 1,500 words over 20,000 is 120 MB of logits in single precision, and softmax, loss and gradient read or
write it seven times over. A few rows stay in a core's cache, and only the logits themselves and their gradient are
ever whole, in the precision that they came in.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from meter.model.kernels.precision import at_least_single

IN_CACHE = 2**19
"""Numbers worked on at once."""


def cross_entropies(logits: Float[Tensor, "R W"], targets: Int[Tensor, " R"]) -> Float[Tensor, " R"]:
    """−log softmax(logits) at the targets, in single precision at least."""
    if logits.device.type == "cpu":
        return CrossEntropies.apply(logits, targets)  # pyright: ignore[reportReturnType]
    return F.cross_entropy(at_least_single(logits), targets, reduction="none")


class CrossEntropies(torch.autograd.Function):
    """Keeps the logits and a peak and a log-sum for each row, and makes probabilities again on the way back.

    Peak and log-sum stay apart: their sum would lose the small one's last digits where logits are large.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        precision = torch.promote_types(logits.dtype, torch.float32)
        peaks = torch.empty(len(logits), 1, dtype=precision)
        log_sums = torch.empty_like(peaks)
        for part, peak, log_sum in in_parts(logits, peaks, log_sums):
            torch.amax(part.to(precision), dim=1, keepdim=True, out=peak)
            torch.sum(part.to(precision).sub(peak).exp_(), dim=1, keepdim=True, out=log_sum)
        log_sums.log_()
        ctx.save_for_backward(logits, targets, peaks, log_sums)
        return (log_sums - (logits.gather(1, targets[:, None]) - peaks)).squeeze(1)

    @staticmethod
    def backward(ctx: Any, pull: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        logits, targets, peaks, log_sums = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        columns, weights = targets[:, None], pull[:, None]
        for part, column, peak, log_sum, weight, result in in_parts(
            logits, columns, peaks, log_sums, weights, gradient
        ):
            probabilities = part.to(peak.dtype).sub(peak).sub_(log_sum).exp_().mul_(weight)
            result.copy_(probabilities.scatter_add_(1, column, -weight))
        return gradient, None


def in_parts(logits: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows of the logits, and of what goes with them, as many as stay in the cache."""
    rows = max(1, IN_CACHE // logits.shape[1])
    return zip(*(tensor.split(rows) for tensor in (logits, *others)), strict=True)
