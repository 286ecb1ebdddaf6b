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

CHUNK_SIZE = 2**19
"""Logits worked on at once: as many as stay in a core's cache."""


def cross_entropies(logits: Float[Tensor, "R W"], targets: Int[Tensor, " R"]) -> Float[Tensor, " R"]:
    """−log softmax(logits) at the targets, in single precision at least."""
    if logits.device.type == "cpu":
        return ChunkedCrossEntropy.apply(logits, targets)  # pyright: ignore[reportReturnType]
    return F.cross_entropy(at_least_single(logits), targets, reduction="none")


class ChunkedCrossEntropy(torch.autograd.Function):
    """Keeps the logits and a peak and a log-sum for each row, and computes probabilities again in the backward pass.

    Peak and log-sum stay apart: their sum would lose the small one's last digits where logits are large.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        precision = torch.promote_types(logits.dtype, torch.float32)
        peaks = torch.empty(len(logits), 1, dtype=precision)
        log_sums = torch.empty_like(peaks)
        for chunk, peak, log_sum in in_chunks(logits, peaks, log_sums):
            torch.amax(chunk.to(precision), dim=1, keepdim=True, out=peak)
            torch.sum(chunk.to(precision).sub(peak).exp_(), dim=1, keepdim=True, out=log_sum)
        log_sums.log_()
        ctx.save_for_backward(logits, targets, peaks, log_sums)
        return (log_sums - (logits.gather(1, targets[:, None]) - peaks)).squeeze(1)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        logits, targets, peaks, log_sums = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        columns, weights = targets[:, None], grad_output[:, None]
        for chunk, column, peak, log_sum, weight, result in in_chunks(
            logits, columns, peaks, log_sums, weights, gradient
        ):
            probabilities = chunk.to(peak.dtype).sub(peak).sub_(log_sum).exp_().mul_(weight)
            result.copy_(probabilities.scatter_add_(1, column, -weight))
        return gradient, None


def in_chunks(logits: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """A few rows of the logits at a time, with the same rows of the other tensors."""
    rows = max(1, CHUNK_SIZE // logits.shape[1])
    return zip(*(tensor.split(rows) for tensor in (logits, *others)), strict=True)
