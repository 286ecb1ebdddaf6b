"""Where a training stands, and the random states that it goes on from."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class TrainingProgress:
    """Where a training stands.

    epoch, step_in_epoch: the current epoch and its next step.  step: optimizer steps so far, over all epochs.
    best_loss, best_epoch: of the validations so far.  failures: validations that count against the patience.
    """

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    best_loss: float = math.inf
    best_epoch: int = -1
    failures: int = 0


def random_states(fabric: "Fabric") -> list[dict[str, Any]]:
    """The states of torch's generators in every process: the only ones that a training step draws from."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    own = {"cpu": torch.get_rng_state(), "cuda": cuda}
    if fabric.world_size == 1:
        return [own]
    states: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(states, own)
    return states


def set_random_state(fabric: "Fabric", states: list[dict[str, Any]]) -> None:
    """Sets this process's generators to what ``random_states`` gave.

    With another number of processes than before, each starts from the first one's state. On a machine with another
    number of GPUs, only the CPU's generator is set.
    """
    state = states[fabric.global_rank] if len(states) == fabric.world_size else states[0]
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
