"""Another record to take something from: the same as this one in one respect, different in another."""

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Int64


def draw_other_records(
    same: Sequence[Hashable], different: Sequence[Hashable], generator: np.random.Generator
) -> Int64[np.ndarray, "N"]:
    """For each of N records another one, equal in ``same`` and unequal in ``different``; all such are equally likely.

    Returns their indices, −1 where there is none.
    """
    groups = _numbered(same)
    blocks = _numbered(list(zip(groups.tolist(), different, strict=True)))
    # Sorted so, the records of a group lie side by side, and within them those of one block.
    order = np.lexsort((blocks, groups))
    group_sizes, block_sizes = np.bincount(groups), np.bincount(blocks)
    group_starts = np.concatenate([[0], np.cumsum(group_sizes)])[groups]
    sorted_blocks = blocks[order]
    block_starts = np.zeros(len(block_sizes), dtype=np.int64)
    block_starts[sorted_blocks[::-1]] = np.arange(len(sorted_blocks))[::-1]
    num_choices = group_sizes[groups] - block_sizes[blocks]
    drawn = group_starts + generator.integers(0, np.maximum(num_choices, 1))
    drawn += np.where(drawn >= block_starts[blocks], block_sizes[blocks], 0)
    return np.where(num_choices > 0, order[np.minimum(drawn, len(order) - 1)], -1)


def _numbered(keys: Sequence[Hashable]) -> Int64[np.ndarray, "N"]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
