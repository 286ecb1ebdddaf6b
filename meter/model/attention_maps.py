"""The attention weights of a pass, made again beside it for those who ask: a pass that nobody watches pays nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from meter.model.transformer import SelfAttention, Transformer, attention_weights


@contextmanager
def attention_maps(transformer: Transformer) -> Iterator[list[Float[Tensor, "B H Q T"]]]:
    """Within it, every pass adds the weights of each layer, from the first to the last, to the list it gives.

    The fused kernels never hold these weights, so they are computed a second time from what the attention was
    given. Without dropout they are exactly what the values are mixed with. Generation goes past the modules and
    is not watched: watch a pass over what was generated.
    """
    maps: list[Float[Tensor, "B H Q T"]] = []

    @torch.no_grad()
    def record(attention: nn.Module, given: tuple[Any, ...], _: Tensor) -> None:
        assert isinstance(attention, SelfAttention)
        tokens, visible, packing = given
        queries, keys, _values = attention.project(tokens, packing)
        maps.append(attention_weights(queries, keys, visible))

    watched = [module for module in transformer.modules() if isinstance(module, SelfAttention)]
    hooks = [attention.register_forward_hook(record) for attention in watched]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
