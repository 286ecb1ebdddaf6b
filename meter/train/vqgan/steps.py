"""One step of the VQ-GAN's pretraining: the codec's, in parts where memory is short, and the discriminator's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.train.vqgan.networks import VQGANNetworks
from meter.vq.losses import discriminator_loss

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class CodecStep:
    """What a step of the codec computed for its batch, without a graph.

    values: the losses by name.
    """

    values: dict[str, Tensor]
    reconstruction: Float[Tensor, "B 3 S S"]
    codes: Int[Tensor, "B M"]
    encoded: Float[Tensor, "N C"]


def codec_step(
    fabric: "Fabric", networks: VQGANNetworks, images: Float[Tensor, "B 3 S S"], step: int, parts: int = 1
) -> CodecStep:
    """Trains encoder, codebook and decoder on one batch; the discriminator's weights stay as they are.

    parts: how many parts of the batch go through the codec one after another, at most B: less memory, the same step to
        rounding. Once the codec is trained against the discriminator, parts cost one forward pass more.
    """
    objective = networks.wrapped_objective
    networks.optimizer.zero_grad()
    feedback = None
    if parts > 1 and networks.discriminator is not None and step >= networks.config.disc_start:
        with fabric.no_backward_sync(objective):
            feedback = objective.feedback(images, step, parts)
    computed: list[CodecStep] = []
    first = 0
    for number, part in enumerate(images.tensor_split(parts)):
        # Processes exchange their gradients once a step, with the last part.
        with fabric.no_backward_sync(objective, enabled=number + 1 < parts):
            losses = objective(part, step, feedback and feedback.of(first, len(part)))
            share = len(part) / len(images)
            fabric.backward(losses.total * share)
        computed.append(
            CodecStep(
                values={name: value * share for name, value in losses.values.items()},
                reconstruction=losses.output.reconstruction.detach(),
                codes=losses.output.codes,
                encoded=losses.output.encoded,
            )
        )
        first += len(part)
    networks.optimizer.step()
    return CodecStep(
        values={
            name: torch.stack([part.values[name] for part in computed]).sum() for name in computed[0].values
        },
        reconstruction=torch.cat([part.reconstruction for part in computed]),
        codes=torch.cat([part.codes for part in computed]),
        encoded=torch.cat([part.encoded for part in computed]),
    )


def discriminator_step(
    fabric: "Fabric",
    networks: VQGANNetworks,
    images: Float[Tensor, "B 3 S S"],
    reconstruction: Float[Tensor, "B 3 S S"],
) -> Float[Tensor, ""]:
    """Trains the discriminator to tell photos from their reconstructions; the codec gets no gradient."""
    scores = networks.wrapped_discriminator(torch.cat([images, reconstruction.detach()]))
    true_scores, generated_scores = scores.chunk(2)
    loss = discriminator_loss(true_scores, generated_scores)
    networks.discriminator_optimizer.zero_grad()
    fabric.backward(loss)
    networks.discriminator_optimizer.step()
    return loss.detach()
