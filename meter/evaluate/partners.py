"""Another record to take something from: like this one in one respect, unlike it in another."""

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Int64


def draw_partners(
    alike: Sequence[Hashable], unlike: Sequence[Hashable], generator: np.random.Generator
) -> Int64[np.ndarray, "N"]:
    """For each of N rows another one with the same ``alike`` and another ``unlike``, each with equal probability.

    Returns −1 where there is none.
    """
    groups = _numbered(alike)
    blocks = _numbered(list(zip(groups.tolist(), unlike, strict=True)))
    # Sorted so, the members of a group stand together, and within them those of one block.
    order = np.lexsort((blocks, groups))
    group_sizes, block_sizes = np.bincount(groups), np.bincount(blocks)
    group_starts = np.concatenate([[0], np.cumsum(group_sizes)])[groups]
    ranked = blocks[order]
    block_starts = np.zeros(len(block_sizes), dtype=np.int64)
    block_starts[ranked[::-1]] = np.arange(len(ranked))[::-1]
    choices = group_sizes[groups] - block_sizes[blocks]
    drawn = group_starts + generator.integers(0, np.maximum(choices, 1))
    drawn += np.where(drawn >= block_starts[blocks], block_sizes[blocks], 0)
    return np.where(choices > 0, order[np.minimum(drawn, len(order) - 1)], -1)


def _numbered(keys: Sequence[Hashable]) -> Int64[np.ndarray, "N"]:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
