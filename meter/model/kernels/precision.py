"""How exactly a kernel computes where its inputs are short."""

import torch
from torch import Tensor


def at_least_single(values: Tensor) -> Tensor:
    """The values in float32, or in their own precision where that is higher."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
