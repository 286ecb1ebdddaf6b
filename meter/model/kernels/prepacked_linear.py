"""Linear layers whose weights stay as they are for a while, laid out in memory as the processor multiplies them."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Map = Callable[[Tensor], Tensor]
PACKED_TYPES = (torch.float32, torch.bfloat16)


def prepacked(module: nn.Linear) -> Map:
    """What the layer computes, for many calls during which its weights do not change; no gradient comes back.

    Decoding multiplies few rows with the same weights again and again, and a product of few rows spends up to half of
    its time on bringing the weights into order. On a CPU oneDNN does that here once, in the precision of autocast.
    Elsewhere, and in double precision, it is the layer itself.
    """
    weight, bias = module.weight.detach(), module.bias.detach()
    if weight.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        weight, bias = (each.to(torch.get_autocast_dtype("cpu")) for each in (weight, bias))
    if (
        weight.device.type != "cpu"
        or weight.dtype not in PACKED_TYPES
        or not torch.backends.mkldnn.is_available()
    ):
        return partial(F.linear, weight=weight, bias=bias)
    return partial(_multiply, packed=torch.ops.mkldnn._reorder_linear_weight(weight), bias=bias)


def _multiply(rows: Tensor, packed: Tensor, bias: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows.to(bias.dtype), packed, bias, "none", [], "")
