"""Recomputed attention weights: what the values are mixed with; they add up, and stay where the mask lets them."""

import pytest
import torch

from meter.model import Norm
from meter.model.attention_maps import attention_maps
from meter.model.sequence import present_slots
from meter.model.transformer import split_heads
from tests.conftest import Inputs, small_model


@pytest.mark.parametrize("norm", [Norm.post, Norm.pre])
def test_recomputed_weights_give_the_attentions_own_output(inputs: Inputs, norm: Norm) -> None:
    model = small_model(norm=norm)
    calls: list[tuple[torch.Tensor, torch.Tensor]] = []
    attentions = [block.attention for block in model.transformer.blocks]
    hooks = [
        attention.register_forward_hook(lambda _, tokens, out: calls.append((tokens[0], out)))
        for attention in attentions
    ]
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    for hook in hooks:
        hook.remove()

    assert len(maps) == len(calls) == 2
    for attention, weights, (tokens, output) in zip(attentions, maps, calls, strict=True):
        _, _, values = split_heads(attention.project_in(tokens), attention.heads)
        mixed = (weights @ values).transpose(1, 2).flatten(2)
        torch.testing.assert_close(attention.project_out(mixed), output)


def test_attention_adds_up_and_stays_where_it_may(inputs: Inputs) -> None:
    model = small_model()
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    filled = present_slots(model.layout, inputs.words)
    for weights in maps:
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(4, 2, model.layout.length))
        assert (weights.masked_select(~model.visible) == 0).all()
        assert (weights.masked_select(~filled[:, None, None]) == 0).all()
        # u and i see each other only
        torch.testing.assert_close(weights[:, :, :2, :2].sum(dim=-1), torch.ones(4, 2, 2))
        assert (weights[:, :, :2, :2] > 0).all()


def test_nothing_is_recorded_afterwards_and_the_pass_is_the_same(inputs: Inputs) -> None:
    model = small_model()
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    with attention_maps(model.transformer) as maps:
        recorded_pass = model(*arguments)
    recorded = len(maps)
    plain_pass = model(*arguments)
    assert len(maps) == recorded
    assert torch.equal(recorded_pass.visual, plain_pass.visual)
