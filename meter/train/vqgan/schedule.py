"""The learning rate and the photos of a step: functions of the step alone, so that no checkpoint holds them."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Int


class LearningRateCurve(Enum):
    """How the learning rate changes over the steps."""

    one_cycle = "one_cycle"
    """Linear up over the first steps, then half a cosine down to a hundredth."""
    constant = "constant"
    """The same at every step, as in the paper's code."""


def learning_rate_factor(step: int, *, steps: int, warmup: float, curve: LearningRateCurve) -> float:
    """The learning rate of step ``step`` (from 0) of ``steps``, as a share of the highest."""
    if curve is LearningRateCurve.constant:
        return 1.0
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    fallen = (step - rising) / max(1, steps - rising)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fallen))


def photos_of_step(
    photos: Int[np.ndarray, "T"], step: int, batch_size: int, seed: int
) -> Int[np.ndarray, "B"]:
    """The photos of a step: the next ``batch_size`` of an endless series of seeded permutations of ``photos``."""
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs = positions // len(photos)
    batch = np.empty(batch_size, dtype=photos.dtype)
    for epoch in np.unique(epochs):
        order = np.random.default_rng([seed, int(epoch)]).permutation(photos)
        in_epoch = epochs == epoch
        batch[in_epoch] = order[positions[in_epoch] % len(photos)]
    return batch


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoSplit:
    """Indices of the photos that are trained on, and of those that quality is measured on; both in order."""

    training: Int[np.ndarray, "T"]
    held_out: Int[np.ndarray, "H"]


def split_photos(num_photos: int, held_out: float, seed: int) -> PhotoSplit:
    """Holds out a share of the photos by a seeded draw; at least one photo on either side."""
    order = np.random.default_rng(seed).permutation(num_photos)
    count = min(max(1, round(held_out * num_photos)), num_photos - 1)
    return PhotoSplit(training=np.sort(order[count:]), held_out=np.sort(order[:count]))
