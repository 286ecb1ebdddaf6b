"""Optimizers and their schedules: AdamW with warm-up and cosine, PETER's annealed SGD, and Adam at one rate."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import nn

from meter.enum_fields import EnumFields


class OptimizerKind(Enum):
    """Which optimizer trains the transformer."""

    adamw = "adamw"
    """AdamW; the rate rises linearly, then falls as a cosine (Loshchilov & Hutter, 2019)."""
    peter_sgd = "peter_sgd"
    """As PETER: SGD, the rate cut to a quarter whenever the validation loss does not fall."""
    adam = "adam"
    """Adam at one rate throughout, as the code of NRT, Att2Seq and NETE; decay is part of the gradient (L2)."""


@dataclass(kw_only=True, slots=True)
class OptimizerConfig(EnumFields):
    """How weights are moved. The paper is silent; PETER's choice is ``kind=peter_sgd learning_rate=1``."""

    kind: OptimizerKind = OptimizerKind.adamw
    """Which optimizer."""
    learning_rate: float = 3e-4
    """Peak learning rate."""
    embedding_rate: float = 1.0
    """Factor on AdamW's rate for the transformer's embedding tables, whose rows are seldom read."""
    discriminator_learning_rate: float = 3e-4
    """Peak learning rate of D, which is always trained with AdamW."""
    weight_decay: float = 0.01
    """AdamW's weight decay, of matrices only; D's too, unless it is given its own. Adam's, of all weights: the gradient
    of weight_decay · Σ ½‖θ‖²."""
    discriminator_weight_decay: float | None = None
    """The weight decay of D's matrices; as ``weight_decay`` where None."""
    user_decay: float | None = None
    """AdamW's weight decay of the users' table; as ``weight_decay`` where None."""
    warmup_steps: int = 200
    """Steps until AdamW's peak."""
    final_rate: float = 0.05
    """Share of the peak rate that the cosine ends at."""
    annealing: float = 0.25
    """Factor on PETER's rate after an epoch that did not improve."""
    clip: float | None = 1.0
    """Largest norm of the gradient; None does not clip."""
    ema_decay: float | None = None
    """Decay of a moving average of the transformer's weights, which is then validated, saved and measured in their
    place; None keeps no average."""


def make_optimizer(module: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """The transformer's optimizer at its peak rate."""
    if config.kind is OptimizerKind.peter_sgd:
        return torch.optim.SGD(_trained(module.parameters()), lr=config.learning_rate)
    if config.kind is OptimizerKind.adam:
        return torch.optim.Adam(
            _trained(module.parameters()),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
    optimizer = _adamw(module, config.learning_rate, config.weight_decay, config.embedding_rate)
    if config.user_decay is not None:
        _decay_apart(optimizer, _users_table(module), config.user_decay)
    return optimizer


def make_discriminator_optimizer(module: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """D's optimizer at its peak rate."""
    own = config.discriminator_weight_decay
    return _adamw(module, config.discriminator_learning_rate, config.weight_decay if own is None else own)


def cosine_factor(step: int, config: OptimizerConfig, total_steps: int) -> float:
    """Share of the peak rate at a step: linear warm-up, then cosine down to ``final_rate``."""
    warmup = min(config.warmup_steps, max(1, total_steps // 10))
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total_steps - warmup))
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * progress)) / 2


class LearningRateSchedule:
    """Sets the learning rates before every step.

    annealed: the share of the peak rate that PETER's annealing has left.
    """

    def __init__(self, config: OptimizerConfig, total_steps: int) -> None:
        self.config = config
        self.total_steps = total_steps
        self.annealed = 1.0

    def set_rates(
        self, step: int, model: torch.optim.Optimizer, discriminator: torch.optim.Optimizer | None
    ) -> None:
        """Sets the rates of this step; D's follows the cosine whichever optimizer trains the transformer."""
        cosine = cosine_factor(step, self.config, self.total_steps)
        factors = {
            OptimizerKind.adamw: cosine,
            OptimizerKind.peter_sgd: self.annealed,
            OptimizerKind.adam: 1.0,
        }
        _set_rate(model, self.config.learning_rate * factors[self.config.kind])
        if discriminator is not None:
            _set_rate(discriminator, self.config.discriminator_learning_rate * cosine)

    def not_improved(self) -> None:
        """Anneals after an epoch whose validation loss did not fall."""
        self.annealed *= self.config.annealing

    def state_dict(self) -> dict[str, Any]:
        return {"annealed": self.annealed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.annealed = state["annealed"]


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def _adamw(
    module: nn.Module, rate: float, decay: float, embedding_rate: float = 1.0
) -> torch.optim.Optimizer:
    tables = [table for table in module.modules() if isinstance(table, nn.Embedding)]
    rows = _trained(table.weight for table in tables)
    in_tables = {id(weight) for weight in rows}
    others = [weight for weight in _trained(module.parameters()) if id(weight) not in in_tables]
    matrices = [weight for weight in others if weight.ndim >= 2]
    vectors = [weight for weight in others if weight.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": decay, "scale": 1.0},
        {"params": vectors, "weight_decay": 0.0, "scale": 1.0},
        {"params": rows, "weight_decay": decay, "scale": embedding_rate},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


def _users_table(module: nn.Module) -> torch.Tensor:
    """The table that every system has as its attribute ``users``: of several, the one that is trained."""
    return next(
        weight
        for name, weight in module.named_parameters()
        if weight.requires_grad and f".{name}".endswith(".users.weight")
    )


def _decay_apart(optimizer: torch.optim.Optimizer, weight: torch.Tensor, decay: float) -> None:
    """Moves a weight into a parameter group of its own, with the rate of the group that it was in."""
    for group in list(optimizer.param_groups):
        others = [other for other in group["params"] if other is not weight]
        if len(others) < len(group["params"]):
            group["params"] = others
            optimizer.add_param_group({"params": [weight], "weight_decay": decay, "scale": group["scale"]})


def _trained(parameters: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return [weight for weight in parameters if weight.requires_grad]
