"""Codes that are hidden while the model learns."""

import pytest
import torch

from meter.errors import InputError
from meter.model.embedding import VisualEmbedding, draw_hidden
from tests.conftest import Inputs, small_model


@pytest.fixture
def embedding() -> VisualEmbedding:
    torch.manual_seed(0)
    visual = VisualEmbedding(num_codes=9, grid=(4, 4), width=8, codebook=None, scale=1.0, dropout=1.0)
    for weight in visual.parameters():
        torch.nn.init.normal_(weight)
    return visual


def _codes(pictures: int) -> torch.Tensor:
    return torch.randint(9, (pictures, 16), generator=torch.Generator().manual_seed(1))


def test_a_hidden_code_leaves_its_position_alone(embedding: VisualEmbedding) -> None:
    codes = _codes(5)
    torch.manual_seed(2)
    hidden = draw_hidden(5, 16, 1.0, codes.device)
    torch.manual_seed(2)
    embedded = embedding.train()(codes)

    assert hidden.any()
    assert not hidden.all()
    positions = embedding.axial_positions().expand(5, -1, -1)
    torch.testing.assert_close(embedded[hidden], positions[hidden], rtol=0, atol=0)
    torch.testing.assert_close(embedded[~hidden], (positions + embedding.table(codes))[~hidden])


def test_nothing_is_hidden_when_the_model_is_used(embedding: VisualEmbedding) -> None:
    codes = _codes(5)
    torch.testing.assert_close(
        embedding.eval()(codes), embedding.axial_positions() + embedding.table(codes), rtol=0, atol=0
    )


@pytest.mark.parametrize("largest_share", [0.4, 1.0])
def test_every_picture_hides_another_share_evenly_up_to_the_largest(largest_share: float) -> None:
    torch.manual_seed(3)
    shares = draw_hidden(4000, 400, largest_share, torch.device("cpu")).float().mean(dim=1) / largest_share
    quarters = torch.histc(shares.clamp(0, 1), bins=4, min=0, max=1) / len(shares)
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), rtol=0, atol=0.03)


@pytest.mark.parametrize(("code_dropout", "equal"), [(1.0, True), (0.0, False)])
def test_a_code_is_then_foretold_without_those_before_it(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch, code_dropout: float, equal: bool
) -> None:
    monkeypatch.setattr(
        "meter.model.embedding.draw_hidden", lambda batch, length, *_: torch.ones(batch, length).bool()
    )
    model = small_model(code_dropout=code_dropout, dropout=0.0).train()
    before, after = (
        model(inputs.users, inputs.items, inputs.features, inputs.words, codes).visual
        for codes in (inputs.codes, inputs.codes.flip(1))
    )
    assert torch.equal(before, after) is equal


def test_a_share_above_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"model.code_dropout: expected a share from 0 to 1, found 1.5"):
        small_model(code_dropout=1.5)
