"""What slots attend to: what each slot holds, and shares that add up."""

import numpy as np
import pytest
import torch

from meter.evaluate.attention import SlotKind, attention_mass, mark_words, measure_attention, slot_kinds
from meter.model import Mask
from meter.model.attention_maps import attention_maps
from meter.world.text.wording import VALUE_WORDS
from tests.conftest import small_model
from tests.evaluate.examples import batch_of, distinct_inputs, examples_of, generation


def test_slots_stand_for_what_they_hold() -> None:
    model = small_model()
    words = torch.tensor([[11, 12, 13, 14, 2, 0, 0]])
    named, value = torch.zeros(1, 7, dtype=torch.bool), torch.zeros(1, 7, dtype=torch.bool)
    named[0, 1], value[0, 3] = True, True
    kinds = slot_kinds(model.layout, words, named, value, model.layout.length)
    names = [SlotKind(int(kind)).name for kind in kinds[0]]
    assert names[:4] == ["user", "item", "feature", "bos"]
    assert names[4:8] == ["words", "named_feature", "words", "value_word"]
    assert names[10:] == ["boi", "codes", "codes", "codes", "codes", "codes"]


def test_attention_mass_by_hand() -> None:
    weights = torch.tensor([[[[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]]]])
    queries = torch.tensor([[False, True, True]])
    kinds = torch.tensor([[int(SlotKind.user), int(SlotKind.item), int(SlotKind.item)]])
    mass = attention_mass(weights, queries, kinds)
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
def test_shares_add_up_whatever_the_model_has(with_feature: bool, with_codes: bool) -> None:
    inputs = distinct_inputs()
    examples = examples_of(inputs, with_feature=with_feature, with_codes=with_codes)
    pictures = {} if with_codes else {"num_codes": 0, "grid": []}
    model = small_model(has_feature=with_feature, **pictures)
    texts = [generation("u", "i", "a", "a b", "")] * 6
    found = measure_attention(model, [batch_of(examples)], texts, None)

    assert (found.picture is None) == (not with_codes)
    for part in filter(None, [found.text, found.picture]):
        assert [(one.layer, one.head) for one in part.heads] == [(1, 1), (1, 2), (2, 1), (2, 2)]
        for shares in [part.uniform, *(one.shares for one in part.heads)]:
            assert sum(shares.values()) == pytest.approx(1)
            assert ("feature" in shares) == with_feature
        assert ("codes" in part.uniform) == (part is found.picture)
    # BOS, the words that stand there, and no others
    assert found.text.slots == 6 + (6 + 3 + 1 + 5 + 4 + 2)


def test_the_user_slot_sees_user_and_item_only() -> None:
    inputs = distinct_inputs()
    model = small_model(mask=Mask.peter)
    with attention_maps(model.transformer) as maps, torch.no_grad():
        model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    nobody = torch.zeros(6, 7, dtype=torch.bool)
    kinds = slot_kinds(model.layout, inputs.words, nobody, nobody, model.layout.length)
    queries = torch.zeros(6, model.layout.length, dtype=torch.bool)
    queries[:, 0] = True
    mass = attention_mass(maps[0], queries, kinds)
    assert mass[:, [int(SlotKind.user), int(SlotKind.item)]].sum(dim=1).tolist() == pytest.approx([6, 6])
