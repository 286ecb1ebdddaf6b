"""What a pretraining has seen since the last line of its journal."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor


class Interval:
    """Sums over the steps since the last line of the journal; kept on the device, so that no step waits for it.

    sums: of every loss.  steps: how many each sum is over.  code_counts: how often each code was chosen (K,).
    first_not_finite: the first step whose loss is not finite, −1 while there is none.  revived: codes that were moved.
    """

    def __init__(self, num_codes: int, device: torch.device) -> None:
        self.sums: dict[str, Tensor] = {}
        self.steps: dict[str, int] = {}
        self.code_counts = torch.zeros(num_codes, dtype=torch.long, device=device)
        self.first_not_finite = torch.tensor(-1, device=device)
        self.revived = 0

    def add(self, losses: dict[str, Tensor], code_counts: Int[Tensor, "K"], step: int) -> None:
        """Adds the losses of a step and its choices of codes."""
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss
            self.steps[name] = self.steps.get(name, 0) + 1
        self.code_counts += code_counts
        finite = torch.stack([loss.isfinite() for loss in losses.values()]).all()
        self.first_not_finite = torch.where(
            finite | (self.first_not_finite >= 0), self.first_not_finite, step
        )

    def means(self) -> dict[str, float]:
        """The mean of every loss."""
        return {name: total.item() / self.steps[name] for name, total in self.sums.items()}

    def state_dict(self) -> dict[str, Any]:
        return {
            "sums": self.sums,
            "steps": self.steps,
            "code_counts": self.code_counts,
            "first_not_finite": self.first_not_finite,
            "revived": self.revived,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        device = self.code_counts.device
        self.sums = {name: total.to(device) for name, total in state["sums"].items()}
        self.steps = dict(state["steps"])
        self.code_counts.copy_(state["code_counts"])
        self.first_not_finite.copy_(state["first_not_finite"])
        self.revived = state["revived"]
