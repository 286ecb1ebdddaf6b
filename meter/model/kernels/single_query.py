"""Attention of one query over everything before it, on a CPU: what decoding does once a slot.

Such an attention does no arithmetic to speak of: it reads keys and values once, and takes as long as that takes.
Torch's products read them slowly where one side is a single row, so each is given a form here that reads well.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def attend_single_query(
    queries: Float[Tensor, "B H 1 dh"],
    keys: Float[Tensor, "B H T dh"],
    values: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "#B 1 1 T"] | None,
) -> Float[Tensor, "B H 1 dh"]:
    """softmax(QKᵀ / √dh) V of a single query, in half the time of the fused kernel or less.

    Queries and keys are of one type; the values' may be shorter, and is the result's.
    """
    # Memory in this order lets keys times query be a matrix times a vector; query times keys takes four times as long.
    column = queries.contiguous().transpose(2, 3)
    with torch.autocast("cpu", enabled=False):
        scores = (keys @ column).transpose(2, 3) / math.sqrt(queries.shape[-1])
        if visible is not None:
            scores = scores.masked_fill(~visible, -math.inf)
        return weighted_sum(scores.softmax(dim=-1), values)


def weighted_sum(
    weights: Float[Tensor, "B H 1 T"], values: Float[Tensor, "B H T dh"]
) -> Float[Tensor, "B H 1 dh"]:
    """Σ wₜ vₜ, added up in float32 at least and given in the values' type.

    This is a sum over bags of a table's rows, and torch has a kernel for that which reads every value once and widens
    bf16 on its way; a row times a matrix takes it twice as long in float32 and four times in bf16.

    values: their last dimension lies dense in memory, and the others in steps of whole rows.
    """
    batch, heads, _, width = values.shape
    steps = [step // width for step in values.stride()[:3]]
    last = sum(step * (size - 1) for step, size in zip(steps, values.shape[:3], strict=True))
    table = values.as_strided((last + 1, width), (width, 1))
    of_examples, of_heads, of_slots = (
        torch.arange(size) * step for size, step in zip(values.shape[:3], steps, strict=True)
    )
    rows = of_examples[:, None, None] + of_heads[:, None] + of_slots
    summed = F.embedding_bag(
        rows.flatten(0, 1), table, mode="sum", per_sample_weights=weights.flatten(0, 2).to(values.dtype)
    )
    return summed.view(batch, heads, 1, width)
