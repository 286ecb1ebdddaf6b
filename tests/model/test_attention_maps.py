"""Attention weights made again: they are what the values are mixed with, add up, and stay where the mask lets them."""

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
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    watched = [block.attention for block in model.transformer.blocks]
    hooks = [
        one.register_forward_hook(lambda _, tokens, out: kept.append((tokens[0], out))) for one in watched
    ]
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    for hook in hooks:
        hook.remove()

    assert len(maps) == len(kept) == 2
    for attention, weights, (tokens, output) in zip(watched, maps, kept, strict=True):
        _, _, values = split_heads(attention.project_in(tokens), attention.heads)
        mixed = (weights @ values).transpose(1, 2).flatten(2)
        torch.testing.assert_close(attention.project_out(mixed), output)


def test_attention_adds_up_and_stays_where_it_may(inputs: Inputs) -> None:
    model = small_model()
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    there = present_slots(model.layout, inputs.words)
    for weights in maps:
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(4, 2, model.layout.length))
        assert (weights.masked_select(~model.visible) == 0).all()
        assert (weights.masked_select(~there[:, None, None]) == 0).all()
        # u and i see each other only
        torch.testing.assert_close(weights[:, :, :2, :2].sum(dim=-1), torch.ones(4, 2, 2))
        assert (weights[:, :, :2, :2] > 0).all()


def test_nothing_is_recorded_afterwards_and_the_pass_is_the_same(inputs: Inputs) -> None:
    model = small_model()
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    with attention_maps(model.transformer) as maps:
        watched = model(*arguments)
    recorded = len(maps)
    unwatched = model(*arguments)
    assert len(maps) == recorded
    assert torch.equal(watched.visual, unwatched.visual)
