"""What the joint training needs, memory and time, measured on a few records before it begins."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from meter.errors import InputError
from meter.train.batches import Batch, Examples
from meter.train.networks import JointNetworks
from meter.train.objective import ObjectiveConfig
from meter.train.part_weights import part_weights
from meter.train.resources import (
    USABLE,
    LiveMemory,
    format_bytes,
    format_duration,
    free_memory,
    machine_name,
    seconds_of,
)
from meter.train.steps import discriminator_gradient, model_gradient

if TYPE_CHECKING:
    from lightning_fabric import Fabric

NUMBERS_OF_A_WEIGHT = 4
"""Itself, its gradient, and AdamW's two moments."""
MEASURED_RECORDS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class JointCost:
    """Bytes that a step of the joint training takes.

    weights: of all weights, their gradients and moments.  fixed: what any part takes beside them.
    record: what each record of a part takes.
    """

    weights: int
    fixed: int
    record: int

    def bytes(self, records: int) -> int:
        """The most that a part of so many records holds at a time."""
        return self.weights + self.fixed + records * self.record

    def most_records(self, free: int) -> int:
        """The records of the largest part that fits into ``free`` bytes with something to spare."""
        return max(0, int(free * USABLE - self.weights - self.fixed) // max(1, self.record))


def joint_cost(
    fabric: "Fabric",
    networks: JointNetworks,
    examples: Examples,
    records: np.ndarray,
    objective: ObjectiveConfig,
) -> JointCost:
    """Measures two small parts, one twice the other; neither weights nor random numbers change."""
    few = records[np.linspace(0, len(records) - 1, MEASURED_RECORDS).astype(int)]
    once, twice = (_batch(examples, np.tile(few, times)) for times in (1, 2))
    # The first pass leaves the gradients that every later one adds to.
    _gradients(fabric, networks, once, objective)
    peaks = []
    for batch in (once, twice):
        with LiveMemory() as memory:
            _gradients(fabric, networks, batch, objective)
        peaks.append(memory.peak)
    networks.zero_gradients()
    record = max(0, peaks[1] - peaks[0]) // MEASURED_RECORDS
    weights = [weight for network in networks.all() for weight in network.weights()]
    return JointCost(
        weights=NUMBERS_OF_A_WEIGHT * sum(weight.nbytes for weight in weights),
        fixed=max(0, peaks[0] - MEASURED_RECORDS * record),
        record=record,
    )


def joint_estimate(
    fabric: "Fabric",
    networks: JointNetworks,
    examples: Examples,
    records: np.ndarray,
    objective: ObjectiveConfig,
    *,
    batch_size: int,
    accumulation: int,
    steps: int,
) -> str:
    """One line: what is left of a training on one device, and about how much memory and time it takes at most.

    records: those that are trained on.  steps: how many are left at most.
    Raises InputError where a part of a step does not fit into the memory that is free.
    """
    batch_size = min(batch_size, len(records))
    cost = joint_cost(fabric, networks, examples, records, objective)
    part = -(-batch_size // accumulation)
    free = free_memory(fabric.device)
    if free is not None and cost.bytes(part) > free:
        fitting = cost.most_records(free)
        advice = (
            f"train.accumulation={-(-batch_size // fitting)}" if fitting else "a smaller model (model.width)"
        )
        raise InputError(
            f"train.batch_size={batch_size}, train.accumulation={accumulation}: a part of {part} records needs about "
            f"{format_bytes(cost.bytes(part))}, and {format_bytes(free)} are free; set {advice}"
        )
    batches = examples.by_picture(torch.from_numpy(np.array(records[:part], dtype=np.int64)))
    seconds = (
        steps
        * accumulation
        * seconds_of(
            lambda: [_gradients(fabric, networks, batch, objective) for batch in batches], fabric.device
        )
    )
    networks.zero_gradients()
    parts = f", each in {accumulation} parts" if accumulation > 1 else ""
    return (
        f"at most {steps:,} steps of {batch_size} records{parts}; about "
        f"{format_bytes(cost.bytes(part))} and {format_duration(seconds)} on this machine "
        f"({machine_name(fabric.device)})"
    )


def _batch(examples: Examples, records: np.ndarray) -> Batch:
    return examples.batch(torch.from_numpy(np.array(records, dtype=np.int64)))


def _gradients(fabric: "Fabric", networks: JointNetworks, batch: Batch, objective: ObjectiveConfig) -> None:
    """Adds the gradients of one part, as a step does; draws random numbers of its own."""
    device = fabric.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        (weight,) = part_weights(fabric, [batch], objective.context_targets)
        model_pass = model_gradient(fabric, networks, batch, objective, weight)
        if model_pass.scores is not None and networks.discriminator is not None:
            discriminator_gradient(fabric, networks, model_pass.scores, objective, weight)
