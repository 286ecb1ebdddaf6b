"""Linear layers whose weights stay as they are for a while, laid out in memory as the processor multiplies them."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Map = Callable[[Tensor], Tensor]


def prepacked(module: nn.Linear) -> Map:
    """What the layer computes, for many calls during which its weights do not change; no gradient comes back.

    Decoding multiplies few rows with the same weights again and again, and a product of few rows spends up to half of
    its time on bringing the weights into order. On a CPU oneDNN does that here once, in the precision of autocast.
    Elsewhere, and in precisions that oneDNN does not multiply on this processor, it is the layer itself.
    """
    weight, bias = module.weight.detach(), module.bias.detach()
    if weight.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        weight, bias = (each.to(torch.get_autocast_dtype("cpu")) for each in (weight, bias))
    if weight.device.type != "cpu" or not can_pack(weight.dtype):
        return partial(F.linear, weight=weight, bias=bias)
    return partial(_multiply, packed=torch.ops.mkldnn._reorder_linear_weight(weight), bias=bias)


def can_pack(precision: torch.dtype) -> bool:
    """Whether oneDNN packs and multiplies weights of this precision here; bf16 needs AVX-512 or its successors."""
    if not torch.backends.mkldnn.is_available():
        return False
    if precision is torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return precision is torch.float32


def _multiply(rows: Tensor, packed: Tensor, bias: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows.to(bias.dtype), packed, bias, "none", [], "")
