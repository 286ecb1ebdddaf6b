"""Attention against the formula, query by query, in every precision and by every form."""

import math

import pytest
import torch

from meter.model.kernels.attention import attend, attention_weights
from meter.model.kernels.dropout import Dropout
from meter.model.kernels.precision import at_least_single


def drawn(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.float64).to(
        dtype
    )


def plain_attention(queries, keys, values, visible) -> torch.Tensor:
    """softmax(q·k / √dh) over what a query sees, one query after the other."""
    result = torch.zeros_like(queries)
    for example, head, query in torch.cartesian_prod(*map(torch.arange, queries.shape[:3])).tolist():
        seen = visible[example, 0, query].nonzero().flatten()
        exponents = [
            math.exp(
                float(queries[example, head, query] @ keys[example, head, key]) / math.sqrt(queries.shape[-1])
            )
            for key in seen
        ]
        for key, exponent in zip(seen, exponents, strict=True):
            result[example, head, query] += exponent / sum(exponents) * values[example, head, key]
    return result


@pytest.fixture
def visible() -> torch.Tensor:
    visible = torch.ones(2, 1, 5, 5, dtype=torch.bool).tril()
    visible[1, 0, :, 2] = False
    visible[1, 0, 2, 0] = True
    return visible


@pytest.mark.parametrize(
    "dropout", [None, Dropout(0.5).eval(), Dropout(1e-7)], ids=["none", "idle", "active"]
)
def test_attention_is_the_formula(visible: torch.Tensor, dropout: Dropout | None) -> None:
    """An active dropout goes by weights that are made one by one, all else by the fused kernel."""
    queries, keys, values = drawn(3, 2, 3, 5, 4)
    expected = plain_attention(queries, keys, values, visible)
    torch.testing.assert_close(attend(queries, keys, values, visible, dropout), expected)
    torch.testing.assert_close(attention_weights(queries, keys, visible) @ values, expected)


def test_everything_is_visible_where_no_mask_is_given() -> None:
    queries, keys, values = drawn(3, 2, 3, 5, 4)
    everything = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    expected = plain_attention(queries, keys, values, everything)
    torch.testing.assert_close(attend(queries, keys, values, None), expected)
    torch.testing.assert_close(attention_weights(queries, keys, None) @ values, expected)


def test_a_cpu_attends_in_single_precision_under_autocast(visible: torch.Tensor) -> None:
    short = drawn(3, 2, 3, 5, 4, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(*short, visible)
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, attend(*short.float(), visible))


def test_dropped_weights_are_those_of_the_mask_that_torch_draws(visible: torch.Tensor) -> None:
    queries, keys, values = drawn(3, 2, 3, 5, 4)
    dropout = Dropout(0.5)
    torch.manual_seed(3)
    found = attend(queries, keys, values, visible, dropout)
    torch.manual_seed(3)
    torch.testing.assert_close(found, dropout(attention_weights(queries, keys, visible)) @ values)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_short_numbers_are_widened_and_long_ones_kept(given: torch.dtype, expected: torch.dtype) -> None:
    values = drawn(3, dtype=given)
    widened = at_least_single(values)
    assert widened.dtype is expected
    assert torch.equal(widened.to(given), values)
