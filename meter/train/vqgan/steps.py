"""One step of each side of the VQ-GAN's pretraining: the codec's, and the discriminator's."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from meter.enum_fields import EnumFields
from meter.vq.losses import (
    adaptive_weight,
    discriminator_loss,
    generator_loss,
    patch_discriminator,
    perceptual_distance,
    reconstruction_loss,
)
from meter.vq.vqgan import VQGAN, VQConfig, VQOutput

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class CodebookUpdate(Enum):
    """What moves the codes."""

    gradient = "gradient"
    """The optimizer, down the codebook term, as in taming-transformers."""
    ema = "ema"
    """Moving averages of the encoder's outputs that chose them (``meter.train.vqgan.moving_averages``)."""


@dataclass(kw_only=True, slots=True)
class LossConfig(EnumFields):
    """What the codec is trained for."""

    squared_share: float = 0.0
    """Share of the squared difference in the reconstruction loss; the rest is the absolute difference."""
    codebook_weight: float = 1.0
    """Weight of codebook and commitment terms."""
    codebook: CodebookUpdate = CodebookUpdate.gradient
    """What moves the codes."""
    codebook_start: int = 0
    """Step from which the decoder sees codes. Before it, it sees the encoder's own output; then the codes are put
    where that output lies. 0 is the paper; a few dozen steps save a short training many more."""
    perceptual_weight: float = 0.0
    """Weight of LPIPS beside the reconstruction; 1 in the paper's code. It needs the package lpips."""
    disc_weight: float = 0.0
    """Weight of the patch discriminator, on top of the adaptive weight; 0: none; .8 in the paper's code."""
    disc_start: int = 0
    """Step from which the codec is trained against the discriminator."""
    disc_warmup: int = 50
    """Steps before ``disc_start`` in which the discriminator alone learns: one that starts raw wrecks the codec."""
    disc_width: int = 64
    """Channels of the discriminator's first layer."""
    disc_layers: int = 3
    """Layers of the discriminator that halve the resolution."""
    mixed_precision: bool = False
    """Whether the run's precision holds here too. The published network is trained in float32; half precision has
    ended in NaN for others."""

    @property
    def first_discriminator_step(self) -> int:
        """The step from which the discriminator learns."""
        return self.disc_start - self.disc_warmup


@dataclass(kw_only=True, slots=True)
class Judges:
    """What looks at the codec's photos without being trained with it; None where it is not wanted.

    discriminator: photos to scores of patches.  perceptual: a frozen distance between photos.
    """

    discriminator: nn.Module | None = None
    perceptual: nn.Module | None = None


@dataclass(kw_only=True, slots=True)
class CodecLosses:
    """total: what the codec descends.  values: its parts by name, detached."""

    total: Float[Tensor, ""]
    values: dict[str, Tensor]
    output: VQOutput


class CodecObjective(nn.Module):
    """The codec and its losses in one module, for Fabric to wrap.

    The adaptive weight asks for gradients before the backward pass, which Fabric allows inside a module only.
    """

    def __init__(self, vq: VQGAN, config: LossConfig, judges: Judges) -> None:
        super().__init__()
        self.vq, self.config = vq, config
        # Not a module: the judges' weights are neither trained nor saved with the codec's.
        self.judges = judges

    def forward(self, images: Float[Tensor, "B 3 S S"], step: int) -> CodecLosses:
        """The losses of a batch at this step."""
        if self.config.mixed_precision:
            return self.losses(images, step)
        with torch.autocast(images.device.type, enabled=False):
            return self.losses(images.float(), step)

    def losses(self, images: Float[Tensor, "B 3 S S"], step: int) -> CodecLosses:
        """The losses in whatever precision the caller has chosen."""
        config, judges = self.config, self.judges
        quantize = step >= config.codebook_start
        output = self.vq(images, quantize=quantize)
        likelihood = reconstruction_loss(images, output.reconstruction, config.squared_share)
        values = {"reconstruction": likelihood, "codebook": output.codebook_loss}
        if judges.perceptual is not None:
            values["perceptual"] = judges.perceptual(images, output.reconstruction).float().mean()
            likelihood = likelihood + config.perceptual_weight * values["perceptual"]
        # Weight 0, not left out: under DDP every weight must have a gradient.
        total = likelihood + (config.codebook_weight if quantize else 0.0) * output.codebook_loss
        if judges.discriminator is not None and step >= config.disc_start:
            adversarial = generator_loss(_frozen_scores(judges.discriminator, output.reconstruction))
            weight = adaptive_weight(likelihood, adversarial, self.vq.last_layer)
            total = total + config.disc_weight * weight * adversarial
            values |= {"adversarial": adversarial, "adaptive_weight": weight}
        values["total"] = total
        return CodecLosses(
            total=total, values={name: value.detach() for name, value in values.items()}, output=output
        )


@dataclass(kw_only=True, slots=True)
class Players:
    """What is trained, and by what. ``objective`` and ``critic`` are the modules as Fabric has wrapped them."""

    vq: VQGAN
    objective: Any
    optimizer: Any
    discriminator: nn.Module | None = None
    critic: Any = None
    discriminator_optimizer: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizers of both sides."""
        state = {"vq": self.vq.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["discriminator_optimizer"] = self.discriminator_optimizer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts back what ``state_dict`` gave."""
        self.vq.load_state_dict(state["vq"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])

    def set_rate(self, rate: float) -> None:
        """Sets the learning rate of both sides."""
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups if optimizer is not None else ():
                group["lr"] = rate


def new_players(
    config: VQConfig, losses: LossConfig, fabric: "Fabric", *, rate: float, betas: list[float], seed: int
) -> Players:
    """Fresh networks and their Adam optimizers on Fabric's device; torch's own randomness stays as it was."""
    judges = Judges()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        vq = VQGAN(config)
        vq.codebook.vectors.requires_grad_(losses.codebook is CodebookUpdate.gradient)
        if losses.disc_weight > 0:
            judges.discriminator = patch_discriminator(
                image_size=config.image_size, width=losses.disc_width, num_layers=losses.disc_layers
            )
    if losses.perceptual_weight > 0:
        judges.perceptual = perceptual_distance().to(fabric.device)
    objective, optimizer = _set_up(fabric, CodecObjective(vq, losses, judges), rate, betas)
    players = Players(vq=vq, objective=objective, optimizer=optimizer, discriminator=judges.discriminator)
    if judges.discriminator is not None:
        players.critic, players.discriminator_optimizer = _set_up(fabric, judges.discriminator, rate, betas)
    return players


def codec_step(
    fabric: "Fabric", players: Players, images: Float[Tensor, "B 3 S S"], step: int
) -> CodecLosses:
    """Trains encoder, codebook and decoder on one batch; the discriminator's weights stay as they are."""
    losses = players.objective(images, step)
    players.optimizer.zero_grad()
    fabric.backward(losses.total)
    players.optimizer.step()
    return losses


def discriminator_step(
    fabric: "Fabric", players: Players, images: Float[Tensor, "B 3 S S"], made: Float[Tensor, "B 3 S S"]
) -> Float[Tensor, ""]:
    """Trains the discriminator to tell photos from what the codec made of them; the codec feels nothing of it."""
    true_scores, made_scores = players.critic(torch.cat([images, made.detach()])).chunk(2)
    loss = discriminator_loss(true_scores, made_scores)
    players.discriminator_optimizer.zero_grad()
    fabric.backward(loss)
    players.discriminator_optimizer.step()
    return loss.detach()


def _set_up(fabric: "Fabric", module: nn.Module, rate: float, betas: list[float]) -> tuple[Any, Any]:
    first, second = betas
    wrapped = fabric.setup_module(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=rate, betas=(first, second))
    return wrapped, fabric.setup_optimizers(optimizer)


def _frozen_scores(discriminator: nn.Module, made: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B 1 s s"]:
    # Not through Fabric's wrapper: DDP would wait for gradients of weights that get none here.
    discriminator.requires_grad_(False)
    scores = discriminator(made).float()
    discriminator.requires_grad_(True)
    return scores
