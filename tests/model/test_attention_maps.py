"""Attention weights made again: they are what the values are mixed with, add up, and stay where the mask lets them."""

import numpy as np
import pytest
import torch

from meter.evaluate.attention import SlotKind, attention_mass, mark_words, measure_attention, slot_kinds
from meter.model import Mask, Norm
from meter.model.attention_maps import attention_maps
from meter.model.sequence import present_slots
from meter.model.transformer import split_heads
from meter.world.text.wording import VALUE_WORDS
from tests.conftest import Inputs, small_model
from tests.evaluate.test_diagnose import batch_of, distinct_inputs, examples_of, generation


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


def test_slots_stand_for_what_they_hold() -> None:
    model = small_model()
    words = torch.tensor([[11, 12, 13, 14, 2, 0, 0]])
    named, said = torch.zeros(1, 7, dtype=torch.bool), torch.zeros(1, 7, dtype=torch.bool)
    named[0, 1], said[0, 3] = True, True
    targets = slot_kinds(model.layout, words, named, said, model.layout.length)
    names = [SlotKind(int(target)).name for target in targets[0]]
    assert names[:4] == ["user", "item", "feature", "bos"]
    assert names[4:8] == ["words", "named_feature", "words", "value_word"]
    assert names[10:] == ["boi", "codes", "codes", "codes", "codes", "codes"]


def test_attention_mass_by_hand() -> None:
    weights = torch.tensor([[[[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]]]])
    asking = torch.tensor([[False, True, True]])
    targets = torch.tensor([[int(SlotKind.user), int(SlotKind.item), int(SlotKind.item)]])
    mass = attention_mass(weights, asking, targets)
    assert mass[0, [int(SlotKind.user), int(SlotKind.item)]].tolist() == pytest.approx([0.7, 1.3])
    assert mass.sum() == pytest.approx(2.0)


def test_words_are_marked_in_the_world_and_elsewhere() -> None:
    said = [
        generation("u", "i", "walls", "the walls were azure", ""),
        generation("u", "i", "front desk", "a front desk clerk", ""),
        generation("u", "i", None, "a clerk", ""),
    ]
    named, value = mark_words(said, 7, VALUE_WORDS)
    assert [np.flatnonzero(row).tolist() for row in named] == [[1], [1, 2], []]
    assert [np.flatnonzero(row).tolist() for row in value] == [[3], [], []]
    named, following = mark_words(said, 7, None)
    assert [np.flatnonzero(row).tolist() for row in following] == [[2], [3], []]


@pytest.mark.parametrize(("with_feature", "with_codes"), [(True, True), (False, True), (True, False)])
def test_looks_add_up_whatever_the_model_has(with_feature: bool, with_codes: bool) -> None:
    inputs = distinct_inputs()
    examples = examples_of(inputs, with_feature=with_feature, with_codes=with_codes)
    pictures = {} if with_codes else {"num_codes": 0, "grid": []}
    model = small_model(has_feature=with_feature, **pictures)
    texts = [generation("u", "i", "a", "a b", "")] * 6
    found = measure_attention(model, [batch_of(examples)], texts, None)

    assert (found.picture is None) == (not with_codes)
    for shares_of in filter(None, [found.text, found.picture]):
        assert [(one.layer, one.head) for one in shares_of.heads] == [(1, 1), (1, 2), (2, 1), (2, 2)]
        for shares in [shares_of.uniform, *(one.shares for one in shares_of.heads)]:
            assert sum(shares.values()) == pytest.approx(1)
            assert ("feature" in shares) == with_feature
        assert ("codes" in shares_of.uniform) == (shares_of is found.picture)
    # BOS, the words that stand there, and no others
    assert found.text.slots == 6 + (6 + 3 + 1 + 5 + 4 + 2)


def test_the_user_slot_sees_user_and_item_only() -> None:
    inputs = distinct_inputs()
    model = small_model(mask=Mask.peter)
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    nobody = torch.zeros(6, 7, dtype=torch.bool)
    targets = slot_kinds(model.layout, inputs.words, nobody, nobody, model.layout.length)
    asking = torch.zeros(6, model.layout.length, dtype=torch.bool)
    asking[:, 0] = True
    mass = attention_mass(maps[0], asking, targets)
    assert mass[:, [int(SlotKind.user), int(SlotKind.item)]].sum(dim=1).tolist() == pytest.approx([6, 6])
