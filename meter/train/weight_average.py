"""A moving average of the weights, which is validated, saved and measured in place of the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from meter.train.sharding import gathered, split_like


class WeightAverage:
    """Of the weights of a network that are trained: average ← d · average + (1 − d) · weights after every step.

    Every step leaves noise in the weights, most of all in the rows of users and items, which few examples move. The
    average is free of it (Polyak & Juditsky, 1992). So that the first weights are soon forgotten, step t has
    d = min(decay, (1 + t) / (10 + t)).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: each for name, each in module.named_parameters() if each.requires_grad}
        self.averages = {name: weight.detach().clone() for name, weight in self.weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after ``step`` steps."""
        kept = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.averages.values()), list(self.weights.values()), 1 - kept)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it, the network has the averages for weights."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def state_dict(self) -> dict[str, Tensor]:
        """The averages, whole; all processes must call it together."""
        return gathered(self.averages)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over what ``state_dict`` gave."""
        for name, average in self.averages.items():
            average.copy_(split_like(state[name], average))

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, weight in self.weights.items():
            kept = weight.clone()
            weight.copy_(self.averages[name])
            self.averages[name].copy_(kept)
