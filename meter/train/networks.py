"""The two networks of a joint training with their optimizers, and the state of both that a checkpoint keeps."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from meter.disc import PairScorer
from meter.model import Meter, System
from meter.train.sharding import gathered, load_optimizer, load_weights

Module = TypeVar("Module", bound=nn.Module)


@dataclass(kw_only=True, slots=True)
class TrainedNetwork(Generic[Module]):
    """A network and its optimizer.

    module: the network itself.  wrapped: the same as Fabric wrapped it for the devices; training steps call this one.
    """

    module: Module
    wrapped: nn.Module
    optimizer: torch.optim.Optimizer

    def weights(self) -> list[nn.Parameter]:
        """The weights that are trained."""
        return [weight for weight in self.wrapped.parameters() if weight.requires_grad]


@dataclass(kw_only=True, slots=True)
class JointNetworks:
    """Transformer and discriminator; there is no discriminator where λd is 0.

    model: what is saved.  transformer: its training pass, or that of a baseline in its place; it gives a
    ``PackedOutput``.  discriminator: D where it is trained beside the transformer.  held: D where its weights stay.
    """

    model: System
    transformer: TrainedNetwork[nn.Module]
    discriminator: TrainedNetwork[PairScorer] | None = None
    held: PairScorer | None = None

    @property
    def meter(self) -> Meter:
        """The model, where it is METER."""
        assert isinstance(self.model, Meter)
        return self.model

    @property
    def scorer(self) -> nn.Module | None:
        """D as a training step calls it, trained or held."""
        return self.held if self.discriminator is None else self.discriminator.wrapped

    @property
    def pair_scorer(self) -> PairScorer | None:
        """The module itself, without what Fabric wraps it in."""
        return self.held if self.discriminator is None else self.discriminator.module

    def named(self) -> dict[str, TrainedNetwork[Any]]:
        """The networks that are trained, by name."""
        networks = {"transformer": self.transformer, "discriminator": self.discriminator}
        return {name: network for name, network in networks.items() if network is not None}

    def all(self) -> list[TrainedNetwork[Any]]:
        """The networks that are trained."""
        return list(self.named().values())

    def zero_gradients(self) -> None:
        """Drops the gradients of the last step."""
        for network in self.all():
            network.optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizer states, whole; all processes must call it together."""
        state = {
            "model": gathered(self.model.state_dict()),
            "model_optimizer": gathered(self.transformer.optimizer.state_dict()),
        }
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.module.state_dict()
            state["discriminator_optimizer"] = self.discriminator.optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes over what ``state_dict`` gave; other entries of ``state`` are ignored."""
        load_weights(self.model, state["model"])
        load_optimizer(self.transformer.optimizer, state["model_optimizer"])
        if self.discriminator is not None:
            self.discriminator.module.load_state_dict(state["discriminator"], strict=True)
            self.discriminator.optimizer.load_state_dict(state["discriminator_optimizer"])
