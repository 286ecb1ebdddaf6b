"""The networks of the VQ-GAN's pretraining with their optimizers, set up for the devices."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from meter.train.vqgan.objective import CodebookUpdate, CodecObjective, LossConfig, LossNetworks
from meter.vq.losses import patch_discriminator, perceptual_distance
from meter.vq.vqgan import VQGAN, VQConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class VQGANNetworks:
    """What is trained, and by which optimizers.

    wrapped_objective, wrapped_discriminator: the modules as Fabric has wrapped them, called in a step.
    """

    vq: VQGAN
    config: LossConfig
    wrapped_objective: Any
    optimizer: Any
    discriminator: nn.Module | None = None
    wrapped_discriminator: Any = None
    discriminator_optimizer: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizers of codec and discriminator."""
        state = {"vq": self.vq.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["discriminator_optimizer"] = self.discriminator_optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what ``state_dict`` returned."""
        self.vq.load_state_dict(state["vq"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])

    def set_learning_rate(self, rate: float) -> None:
        """Sets the learning rate of both optimizers."""
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups if optimizer is not None else ():
                group["lr"] = rate


def new_codec(config: VQConfig, losses: LossConfig) -> VQGAN:
    """A codec with fresh weights; its codebook has no gradient where moving averages move it."""
    vq = VQGAN(config)
    vq.codebook.vectors.requires_grad_(losses.codebook is CodebookUpdate.gradient)
    return vq


def new_discriminator(config: VQConfig, losses: LossConfig) -> nn.Module | None:
    """A discriminator with fresh weights; None where its loss weighs nothing."""
    if losses.disc_weight <= 0:
        return None
    return patch_discriminator(
        image_size=config.image_size, width=losses.disc_width, num_layers=losses.disc_layers
    )


def new_networks(
    config: VQConfig, losses: LossConfig, fabric: "Fabric", *, rate: float, betas: list[float], seed: int
) -> VQGANNetworks:
    """Fresh networks and their Adam optimizers on Fabric's device; torch's own randomness stays as it was."""
    called = LossNetworks()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        vq = new_codec(config, losses)
        called.discriminator = new_discriminator(config, losses)
    if losses.perceptual_weight > 0:
        called.perceptual = perceptual_distance().to(fabric.device)
    objective, optimizer = _set_up(fabric, CodecObjective(vq, losses, called), rate, betas)
    objective.mark_forward_method("feedback")
    networks = VQGANNetworks(
        vq=vq,
        config=losses,
        wrapped_objective=objective,
        optimizer=optimizer,
        discriminator=called.discriminator,
    )
    if called.discriminator is not None:
        networks.wrapped_discriminator, networks.discriminator_optimizer = _set_up(
            fabric, called.discriminator, rate, betas
        )
    return networks


def _set_up(fabric: "Fabric", module: nn.Module, rate: float, betas: list[float]) -> tuple[Any, Any]:
    first, second = betas
    wrapped = fabric.setup_module(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate, betas=(first, second), fused=True)
    return wrapped, fabric.setup_optimizers(optimizer)
