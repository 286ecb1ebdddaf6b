"""What the VQ-GAN is trained for: faithful pixels, an optional perceptual distance, and a critic of patches."""

import contextlib
import io

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from meter.errors import InputError


def reconstruction_loss(
    images: Float[Tensor, "B 3 S S"], reconstruction: Float[Tensor, "B 3 S S"], squared_share: float
) -> Float[Tensor, ""]:
    """(1 − share) × mean absolute difference + share × mean squared difference, on the scale of [−1, 1]."""
    difference = reconstruction.float() - images
    return (1 - squared_share) * difference.abs().mean() + squared_share * difference.square().mean()


def discriminator_loss(
    true_scores: Float[Tensor, "..."], made_scores: Float[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Hinge loss: ½ (mean max(0, 1 − true) + mean max(0, 1 + made))."""
    return 0.5 * (functional.relu(1 - true_scores).mean() + functional.relu(1 + made_scores).mean())


def generator_loss(made_scores: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """What the codec minimises against the critic: −mean score of what it made."""
    return -made_scores.mean()


def adaptive_weight(
    likelihood: Float[Tensor, ""], adversarial: Float[Tensor, ""], last_layer: Tensor, limit: float = 1e4
) -> Float[Tensor, ""]:
    """λ of Esser et al. 2021, eq. 7: ‖∇ likelihood‖ / (‖∇ adversarial‖ + 1e-4) at the decoder's last layer.

    likelihood: reconstruction plus perceptual loss; its graph is kept.
    limit: λ is clipped to [0, limit], as in taming-transformers.
    """
    (of_likelihood,) = torch.autograd.grad(likelihood, last_layer, retain_graph=True)
    (of_adversarial,) = torch.autograd.grad(adversarial, last_layer, retain_graph=True)
    return (of_likelihood.norm() / (of_adversarial.norm() + 1e-4)).clamp(0, limit).detach()


def patch_discriminator(*, image_size: int, width: int, num_layers: int) -> nn.Module:
    """taming's PatchGAN critic: photos (B, 3, S, S) to scores (B, 1, s, s), one for each overlapping patch.

    Raises InputError where the photos are too small for that many layers.
    """
    if image_size // 2**num_layers < 3:
        raise InputError(
            f"pretrain.disc_layers: expected so few that {image_size} px / 2^layers is at least 3, "
            f"found {num_layers}"
        )
    from taming.modules.discriminator.model import NLayerDiscriminator, weights_init

    return NLayerDiscriminator(input_nc=3, ndf=width, n_layers=num_layers).apply(weights_init)


def perceptual_distance() -> nn.Module:
    """LPIPS (Zhang et al. 2018) with VGG features: two photo batches in [−1, 1] to distances (B, 1, 1, 1); frozen.

    Raises InputError where the optional package, or the network weights it fetches, cannot be had.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import lpips  # pyright: ignore[reportMissingImports]

            distance = lpips.LPIPS(net="vgg")
    except (ImportError, OSError, RuntimeError) as fault:
        raise InputError(
            "pretrain.perceptual_weight > 0 needs LPIPS, which cannot be had here "
            f"({type(fault).__name__}: {fault}); install lpips and torchvision (its VGG weights are fetched from "
            "the network at first use), or set perceptual_weight=0"
        ) from fault
    return distance.eval().requires_grad_(False)
