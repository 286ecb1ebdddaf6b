"""A choice that is no member is refused, never taken for whichever member comes last."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch

from meter.model import Layout, Mask, Norm
from meter.model.embedding import Embedding
from meter.model.initialisation import initialise
from meter.model.sequence import visibility
from meter.model.transformer import residual
from tests.conftest import small_model

LAYOUT = Layout(has_feature=True, text_length=1, visual_length=2)


@pytest.fixture
def without_type_checks() -> Iterator[None]:
    """As outside of these tests, where nothing looks at annotations."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize("mask", ["peter", "prefix", "literal", None])
def test_a_mask_that_is_only_named_shows_no_future(mask: object) -> None:
    with pytest.raises(AssertionError, match=repr(mask)):
        visibility(LAYOUT, mask)


@pytest.mark.usefixtures("without_type_checks")
def test_other_choices_are_refused_too() -> None:
    model, tokens = small_model(), torch.zeros(1, 2)
    with pytest.raises(AssertionError, match="'pre'"):
        residual("pre", torch.relu, torch.relu, tokens)
    with pytest.raises(AssertionError, match="'normal'"):
        initialise(model.embedding, model.transformer, model.heads, "normal")
    sizes = {"num_users": 1, "num_items": 1, "num_words": 4, "width": 2, "scale": 1.0, "visual": None}
    with pytest.raises(AssertionError, match="'learned'"):
        Embedding(layout=LAYOUT, positions="learned", **sizes)


@pytest.mark.parametrize("norm", list(Norm))
def test_a_sublayer_is_added_and_normalised(norm: Norm) -> None:
    """x + f(norm(x)) or norm(x + f(x)), here with f(x) = 3x and norm(x) = x + 1."""
    tokens = torch.tensor([[1.0, 2.0]])
    found = residual(norm, lambda x: x + 1, lambda x: 3 * x, tokens)
    expected = {Norm.pre: [[7.0, 11.0]], Norm.post: [[5.0, 9.0]]}
    assert found.tolist() == expected[norm]


def test_every_mask_is_another() -> None:
    masks = [visibility(LAYOUT, mask) for mask in Mask]
    assert all(not torch.equal(mask, other) for mask in masks for other in masks if mask is not other)
