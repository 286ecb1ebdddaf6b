"""Which rate and which photos a step has: functions of the step alone, so that nothing of them must be saved."""

import math
from enum import Enum

import numpy as np
from jaxtyping import Int


class Schedule(Enum):
    """How the learning rate runs."""

    one_cycle = "one_cycle"
    """Straight up over the first steps, then half a cosine down to a hundredth."""
    constant = "constant"
    """The same at every step, as in the paper's code."""


def rate_share(step: int, *, steps: int, warmup: float, schedule: Schedule) -> float:
    """The share of the highest rate that step ``step`` (from 0) of ``steps`` has."""
    if schedule is Schedule.constant:
        return 1.0
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def rows_of_step(rows: Int[np.ndarray, "T"], step: int, batch_size: int, seed: int) -> Int[np.ndarray, "B"]:
    """The photos of a step: the next window over an endless series of seeded permutations of ``rows``."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs = places // len(rows)
    chosen = np.empty(batch_size, dtype=rows.dtype)
    for epoch in np.unique(epochs):
        order = np.random.default_rng([seed, int(epoch)]).permutation(rows)
        here = epochs == epoch
        chosen[here] = order[places[here] % len(rows)]
    return chosen


def held_out_rows(
    num_photos: int, share: float, seed: int
) -> tuple[Int[np.ndarray, "T"], Int[np.ndarray, "H"]]:
    """Rows to train on and rows to measure on, at least one of each, by a seeded draw."""
    order = np.random.default_rng(seed).permutation(num_photos)
    count = min(max(1, round(share * num_photos)), num_photos - 1)
    return np.sort(order[count:]), np.sort(order[:count])
