"""The attention weights of a pass, computed again beside it: a pass that is not watched pays nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from meter.model.kernels.attention import attention_weights
from meter.model.transformer import SelfAttention, Transformer, split_heads


@contextmanager
def attention_maps(transformer: Transformer) -> Iterator[list[Float[Tensor, "B H Q T"]]]:
    """Within it, every pass adds the weights of each layer, from the first to the last, to the list it gives.

    The fused kernels never hold these weights, so they are computed a second time from the attention's inputs.
    Without dropout they are exactly what the values are mixed with. Generation and ``PackedMeter`` do not call these
    modules and leave the list as it is: run ``Meter`` over what was generated.
    """
    maps: list[Float[Tensor, "B H Q T"]] = []

    @torch.no_grad()
    def record(attention: nn.Module, inputs: tuple[Tensor], options: dict[str, Tensor], _: Tensor) -> None:
        assert isinstance(attention, SelfAttention)
        queries, keys, _values = split_heads(attention.project_in(inputs[0]), attention.heads)
        maps.append(attention_weights(queries, keys, options["visible"]))

    attentions = [module for module in transformer.modules() if isinstance(module, SelfAttention)]
    hooks = [attention.register_forward_hook(record, with_kwargs=True) for attention in attentions]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()
