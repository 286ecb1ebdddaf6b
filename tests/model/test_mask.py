"""No slot learns of what it must not see: shown by the gradient of every output with respect to every input."""

import pytest
import torch

from meter.errors import InputError
from meter.model import Layout, Mask, Meter, PackedMeter, RatingFrom, word_slots
from meter.model.sequence import present_slots, visibility
from tests.conftest import Inputs, small_inputs, small_model

DEPTHS = (1, 2, 4)


def influence(model: Meter, inputs: Inputs) -> torch.Tensor:
    """(T, T): how much output slot (row) changes with input slot (column), summed over the batch."""
    tokens = model.embedding(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    tokens = tokens.detach().requires_grad_()
    visible = model.visible & present_slots(model.layout, inputs.words)[:, None]
    states = model.transformer(tokens, visible)
    rows = []
    for slot in range(states.shape[1]):
        # A layer norm's outputs sum to a constant: weigh them unevenly so that the gradient is seen.
        weights = torch.linspace(-1, 2, states.shape[2]) ** 3
        (gradient,) = torch.autograd.grad((states[:, slot] * weights).sum(), tokens, retain_graph=True)
        rows.append(gradient.abs().sum(dim=(0, 2)))
    return torch.stack(rows)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("mask", [Mask.peter, Mask.prefix])
def test_nothing_leaks_from_the_future(mask: Mask, depth: int) -> None:
    found = influence(small_model(mask=mask, layers=depth), small_inputs((6, 6)))
    allowed = torch.ones_like(found, dtype=torch.bool).tril()
    if mask is Mask.peter:
        allowed[0, 1] = True
    else:
        allowed[:3, :3] = True
    assert (found[~allowed] == 0).all()
    assert (found[allowed] > 0).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_literal_mask_shows_the_future_to_rating_and_context(depth: int) -> None:
    found = influence(small_model(mask=Mask.literal, layers=depth), small_inputs((6, 6)))
    assert (found[:2] > 0).all()


@pytest.mark.parametrize("depth", [2, 4])
def test_literal_mask_leaks_the_future_into_words_from_the_second_layer_on(depth: int) -> None:
    """u and i hand on what they saw: a word's state depends on later words (research, trap a)."""
    found = influence(small_model(mask=Mask.literal, layers=depth), small_inputs((6, 6)))
    first_word = Layout(has_feature=True, text_length=6, visual_length=6).text.start + 1
    assert (found[first_word, first_word + 1 :] > 0).all()


def test_literal_mask_of_one_layer_keeps_words_causal() -> None:
    found = influence(small_model(mask=Mask.literal, layers=1), small_inputs((6, 6)))
    assert (found[2:].triu(3) == 0).all()


def test_rating_and_context_do_not_see_the_feature_under_the_peter_mask(inputs: Inputs) -> None:
    model = small_model(mask=Mask.peter)
    other = (inputs.features + 1) % 46 + 4
    first = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    second = model(inputs.users, inputs.items, other, inputs.words, inputs.codes)
    assert torch.equal(first.rating, second.rating)
    assert torch.equal(first.context, second.context)
    assert not torch.equal(first.text, second.text)


def test_the_prefix_mask_shows_the_feature_to_the_rating(inputs: Inputs) -> None:
    model = small_model(mask=Mask.prefix)
    other = (inputs.features + 1) % 46 + 4
    first = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    second = model(inputs.users, inputs.items, other, inputs.words, inputs.codes)
    assert not torch.allclose(first.rating, second.rating)


def test_a_rating_read_from_the_feature_sees_it_and_the_context_does_not(inputs: Inputs) -> None:
    model = small_model(mask=Mask.peter, rating_from=RatingFrom.feature)
    first = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    others = {
        "users": (inputs.users + 1) % 9,
        "items": (inputs.items + 1) % 7,
        "features": (inputs.features + 1) % 46 + 4,
    }
    for name, changed in others.items():
        given = {
            column: getattr(inputs, column) for column in ("users", "items", "features", "words", "codes")
        }
        other = model(**(given | {name: changed}))
        assert not torch.isclose(first.rating, other.rating).any(), name
        assert torch.equal(first.context, other.context) == (name == "features")
    other = model(inputs.users, inputs.items, inputs.features, inputs.words.flip(0), inputs.codes.flip(0))
    assert torch.equal(first.rating, other.rating)


def test_a_rating_read_from_the_feature_is_the_same_in_every_pass(inputs: Inputs) -> None:
    model = small_model(rating_from=RatingFrom.feature)
    whole = model(inputs.users, inputs.items, inputs.features, inputs.words).rating
    packed = PackedMeter(model)(
        inputs.users, inputs.items, inputs.features, inputs.words, None, word_slots(inputs.words)
    )
    generated = model.generate(inputs.users, inputs.items, inputs.features)
    for rating in (packed.rating, generated.rating):
        assert rating is not None
        torch.testing.assert_close(rating, whole)


def test_no_rating_is_read_from_a_feature_that_is_not_given() -> None:
    with pytest.raises(
        InputError, match=r"model\.rating_from: expected user for a model without feature word"
    ):
        small_model(has_feature=False, rating_from=RatingFrom.feature)


def test_visibility_of_a_drawn_sequence() -> None:
    """u i f B e B v, by hand: rows see columns."""
    layout = Layout(has_feature=True, text_length=1, visual_length=2)
    drawn = ["110000 0", "110000 0", "111000 0", "111100 0", "111110 0", "111111 0", "111111 1"]
    expected = torch.tensor([[cell == "1" for cell in row if cell != " "] for row in drawn])
    assert torch.equal(visibility(layout, Mask.peter), expected)
