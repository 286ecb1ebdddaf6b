"""Attention of a single query, in the forms that a CPU reads well: equal to the plain formula on any view."""

import pytest
import torch
import torch.nn.functional as F

from meter.model.kernels.single_query import attend_single_query, weighted_sum

VIEWS = {
    "whole": lambda block: block,
    "first slots": lambda block: block[:, :, :5],
    "first examples": lambda block: block[:2, :, :3],
    "one of two blocks": lambda block: torch.stack([block * 0, block])[1, :, :, :6],
    "heads apart": lambda block: block.transpose(1, 2).contiguous().transpose(1, 2)[:, :, 2:7],
}


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weighted_sum_is_a_row_times_a_matrix(view: str, dtype: torch.dtype) -> None:
    values = VIEWS[view](drawn(3, 2, 9, 4, dtype=dtype))
    weights = drawn(*values.shape[:2], 1, values.shape[2], seed=1, dtype=dtype)
    torch.testing.assert_close(weighted_sum(weights, values), weights @ values)


def test_weighted_sum_of_short_values_adds_up_in_single_precision() -> None:
    values = torch.ones(1, 1, 1000, 2, dtype=torch.bfloat16)
    weights = torch.full((1, 1, 1, 1000), 1.0)
    # Added up in bf16, the sum would stand still at 256.
    assert weighted_sum(weights, values).flatten().tolist() == [1000, 1000]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("masked", [False, True])
def test_attention_of_one_query_is_the_formula(view: str, masked: bool) -> None:
    keys, values = (VIEWS[view](drawn(3, 2, 9, 4, seed=seed)) for seed in (2, 3))
    queries = drawn(*keys.shape[:2], 1, 4, seed=4)
    visible = None
    if masked:
        visible = drawn(keys.shape[0], 1, 1, keys.shape[2], seed=5) > 0
        visible[..., 0] = True
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)
    torch.testing.assert_close(attend_single_query(queries, keys, values, visible), expected)
