"""Scaled dot-product attention (Vaswani et al., 2017), by whichever of torch's forms is the fastest."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from meter.model.kernels.dropout import Dropout
from meter.model.kernels.precision import at_least_single


def attend(
    queries: Float[Tensor, "B H Q dh"],
    keys: Float[Tensor, "B H T dh"],
    values: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "#B 1 #Q T"] | None,
    dropout: Dropout | None = None,
) -> Float[Tensor, "B H Q dh"]:
    """softmax(QKᵀ / √dh) V, by torch's fused kernel wherever that is faster.

    On a CPU in single precision at least: its kernels take several times as long for bf16.

    visible: what each query may see; everything where None.
    dropout: drops attention weights; nothing is dropped where None.
    """
    if queries.device.type != "cpu":
        probability = dropout.probability if dropout is not None and dropout.active else 0.0
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, dropout_p=probability)
    with torch.autocast("cpu", enabled=False):
        queries, keys, values = map(at_least_single, (queries, keys, values))
        if dropout is not None and dropout.active:
            return dropout(attention_weights(queries, keys, visible)) @ values
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)


def attention_weights(
    queries: Float[Tensor, "B H Q dh"],
    keys: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "#B 1 #Q T"] | None,
) -> Float[Tensor, "B H Q T"]:
    """softmax(QKᵀ / √dh); what is not visible gets 0."""
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    return scores.softmax(dim=-1)
