"""What the VQ-GAN's codec is trained for: its losses, and what the discriminator adds where it is computed in parts."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum

import torch
from jaxtyping import Float
from torch import Tensor, nn

from meter.enum_fields import EnumFields
from meter.vq.losses import adaptive_weight, generator_loss, reconstruction_loss
from meter.vq.vqgan import VQGAN, VQOutput


class CodebookUpdate(Enum):
    """What moves the codes."""

    gradient = "gradient"
    """The optimizer, down the codebook term, as in taming-transformers."""
    ema = "ema"
    """Moving averages of the encoder's outputs nearest to them (``meter.train.vqgan.moving_averages``)."""


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
    """Step from which the decoder reads codes. Before it, it reads the encoder's own output; then the codes are moved
    to where that output lies. 0 is the paper; a few dozen steps save a short training many more."""
    perceptual_weight: float = 0.0
    """Weight of LPIPS beside the reconstruction; 1 in the paper's code. It needs the package lpips."""
    disc_weight: float = 0.0
    """Weight of the patch discriminator, on top of the adaptive weight; 0: none; .8 in the paper's code."""
    disc_start: int = 0
    """Step from which the codec is trained against the discriminator."""
    disc_warmup: int = 50
    """Steps before ``disc_start`` in which the discriminator alone learns: an untrained one would damage the codec."""
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
class LossNetworks:
    """Networks that the codec's losses call; None for a loss that is not used.

    discriminator: photos to scores of patches, trained in its own step.  perceptual: a frozen distance between photos.
    """

    discriminator: nn.Module | None = None
    perceptual: nn.Module | None = None


@dataclass(kw_only=True, slots=True)
class CodecLosses:
    """total: what the codec minimises.  values: its terms by name, detached."""

    total: Float[Tensor, ""]
    values: dict[str, Tensor]
    output: VQOutput


@dataclass(kw_only=True, slots=True)
class AdversarialFeedback:
    """What the discriminator tells the codec about a batch, for a step whose codec is computed in parts.

    loss: the adversarial loss of the whole batch.  weight: its adaptive weight.
    gradients: of the loss at each reconstruction, times B, so that a mean over photos has the gradient of the loss.
    """

    loss: Float[Tensor, ""]
    weight: Float[Tensor, ""]
    gradients: Float[Tensor, "B 3 S S"]

    def of(self, first: int, count: int) -> "AdversarialFeedback":
        """The same, with the gradients of some photos."""
        return replace(self, gradients=self.gradients[first : first + count])

    def loss_of(self, reconstruction: Float[Tensor, "B 3 S S"]) -> Float[Tensor, ""]:
        """The adversarial loss, with its gradient at these photos' reconstructions."""
        product = (self.gradients * reconstruction).sum() / len(reconstruction)
        return self.loss + product - product.detach()


class CodecObjective(nn.Module):
    """The codec and its losses in one module, for Fabric to wrap.

    The adaptive weight needs gradients before the backward pass, which Fabric allows inside a module only.
    """

    def __init__(self, vq: VQGAN, config: LossConfig, networks: LossNetworks) -> None:
        super().__init__()
        self.vq, self.config = vq, config
        # Not a module: the weights of these networks are neither trained nor saved with the codec's.
        self.networks = networks

    def forward(
        self, images: Float[Tensor, "B 3 S S"], step: int, feedback: AdversarialFeedback | None = None
    ) -> CodecLosses:
        """The losses of some photos at this step.

        feedback: on these photos, where they are a part of a batch; None for a whole batch.
        """
        with self.precision(images):
            return self.losses(images if self.config.mixed_precision else images.float(), step, feedback)

    def precision(self, images: Tensor) -> AbstractContextManager:
        """The run's precision where the config says so, else 32 bits."""
        return (
            nullcontext()
            if self.config.mixed_precision
            else torch.autocast(images.device.type, enabled=False)
        )

    def losses(
        self, images: Float[Tensor, "B 3 S S"], step: int, feedback: AdversarialFeedback | None
    ) -> CodecLosses:
        """The losses, in the precision around the call."""
        config = self.config
        quantize = step >= config.codebook_start
        output = self.vq(images, quantize=quantize)
        values = self.distances(images, output.reconstruction)
        likelihood = self.likelihood(values)
        values["codebook"] = output.codebook_loss
        # Weight 0 rather than no term: under DDP every weight must have a gradient.
        total = likelihood + (config.codebook_weight if quantize else 0.0) * output.codebook_loss
        if self.networks.discriminator is not None and step >= config.disc_start:
            if feedback is None:
                adversarial = generator_loss(
                    _frozen_scores(self.networks.discriminator, output.reconstruction)
                )
                weight = adaptive_weight(
                    self.last_layer_gradient(likelihood), self.last_layer_gradient(adversarial)
                )
            else:
                adversarial, weight = feedback.loss_of(output.reconstruction), feedback.weight
            total = total + config.disc_weight * weight * adversarial
            values |= {"adversarial": adversarial, "adaptive_weight": weight}
        values["total"] = total
        return CodecLosses(
            total=total, values={name: value.detach() for name, value in values.items()}, output=output
        )

    def distances(
        self, images: Float[Tensor, "B 3 S S"], reconstruction: Float[Tensor, "B 3 S S"]
    ) -> dict[str, Tensor]:
        """The terms of the likelihood: how far the reconstruction is from the photos."""
        values = {"reconstruction": reconstruction_loss(images, reconstruction, self.config.squared_share)}
        if self.networks.perceptual is not None:
            values["perceptual"] = self.networks.perceptual(images, reconstruction).float().mean()
        return values

    def likelihood(self, distances: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The weighted sum of the distances."""
        likelihood = distances["reconstruction"]
        if "perceptual" in distances:
            likelihood = likelihood + self.config.perceptual_weight * distances["perceptual"]
        return likelihood

    def last_layer_gradient(self, loss: Float[Tensor, ""]) -> Tensor:
        """The gradient of a loss, whose graph is kept, at the decoder's last layer."""
        (gradient,) = torch.autograd.grad(loss, self.vq.last_layer, retain_graph=True)
        return gradient

    def feedback(self, images: Float[Tensor, "B 3 S S"], step: int, parts: int) -> AdversarialFeedback:
        """The adversarial loss of a whole batch and its adaptive weight, before the codec's own pass in parts.

        The discriminator normalizes over the batch and the adaptive weight is a ratio of the batch's gradients: neither
        has parts. This pass keeps no more of the codec than the input of its last layer.
        """
        assert self.networks.discriminator is not None
        images = images if self.config.mixed_precision else images.float()
        likelihood_gradient = torch.zeros_like(self.vq.last_layer)
        reconstructions = []
        with self.precision(images), _only_trained(self.vq, self.vq.last_layer):
            for part in images.tensor_split(parts):
                output = self.vq(part, quantize=step >= self.config.codebook_start)
                likelihood = self.likelihood(self.distances(part, output.reconstruction))
                likelihood_gradient += self.last_layer_gradient(likelihood) * (len(part) / len(images))
                reconstructions.append(output.reconstruction)
            whole = torch.cat(reconstructions)
            loss = generator_loss(_frozen_scores(self.networks.discriminator, whole))
            gradients, adversarial_gradient = torch.autograd.grad(loss, (whole, self.vq.last_layer))
        return AdversarialFeedback(
            loss=loss.detach(),
            weight=adaptive_weight(likelihood_gradient, adversarial_gradient),
            gradients=gradients * len(images),
        )


@contextmanager
def _only_trained(module: nn.Module, weight: Tensor | None = None) -> Iterator[None]:
    """No weight of the module but this one gets a gradient in this block."""
    others = [each for each in module.parameters() if each.requires_grad and each is not weight]
    for each in others:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in others:
            each.requires_grad_(True)


def _frozen_scores(
    discriminator: nn.Module, reconstruction: Float[Tensor, "B 3 S S"]
) -> Float[Tensor, "B 1 s s"]:
    # Not through Fabric's wrapper: DDP would wait for gradients of weights that get none here.
    with _only_trained(discriminator):
        return discriminator(reconstruction).float()
