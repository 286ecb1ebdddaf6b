"""Weights laid out once compute what the layer computes, in its precision, for any number of rows."""

import pytest
import torch
from torch import nn

from meter.model.kernels import prepacked_linear
from meter.model.kernels.prepacked_linear import prepacked


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (2, 3, 24)])
def test_the_layer_itself(precision: torch.dtype, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(24, 40).to(precision)
    rows = torch.randn(shape, dtype=precision)
    with torch.no_grad():
        torch.testing.assert_close(prepacked(layer)(rows), layer(rows))


@pytest.mark.parametrize("packs", [None, False], ids=["this processor", "a processor without bf16"])
def test_under_autocast_in_its_precision(monkeypatch: pytest.MonkeyPatch, packs: bool | None) -> None:
    if packs is not None:
        monkeypatch.setattr(prepacked_linear, "can_pack", lambda precision: packs)
    torch.manual_seed(0)
    layer, rows = nn.Linear(24, 40), torch.randn(5, 24)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found, expected = prepacked(layer)(rows), layer(rows)
    assert found.dtype is torch.bfloat16
    torch.testing.assert_close(found, expected)


def test_later_weights_are_not_those_that_were_packed() -> None:
    torch.manual_seed(0)
    layer, rows = nn.Linear(8, 8), torch.randn(2, 8)
    with torch.no_grad():
        before = layer(rows)
        packed = prepacked(layer)
        layer.weight.zero_()
        torch.testing.assert_close(packed(rows), before)
