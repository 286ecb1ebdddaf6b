"""The losses of the VQ-GAN: reconstruction, an optional perceptual distance, and a discriminator of patches."""

import contextlib
import io

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
    true_scores: Float[Tensor, "..."], generated_scores: Float[Tensor, "..."]
) -> Float[Tensor, ""]:
    """Hinge loss: ½ (mean max(0, 1 − true) + mean max(0, 1 + generated))."""
    return 0.5 * (functional.relu(1 - true_scores).mean() + functional.relu(1 + generated_scores).mean())


def generator_loss(generated_scores: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """What the codec minimises against the discriminator: −mean score of its reconstructions."""
    return -generated_scores.mean()


def adaptive_weight(
    likelihood_gradient: Tensor, adversarial_gradient: Tensor, limit: float = 1e4
) -> Float[Tensor, ""]:
    """λ of Esser et al. 2021, eq. 7: ‖∇ likelihood‖ / (‖∇ adversarial‖ + 1e-4).

    likelihood_gradient, adversarial_gradient: at the decoder's last layer; the likelihood is the reconstruction plus
        the perceptual loss.
    limit: λ is clipped to [0, limit], as in taming-transformers.
    """
    return (likelihood_gradient.norm() / (adversarial_gradient.norm() + 1e-4)).clamp(0, limit)


def patch_discriminator(*, image_size: int, width: int, num_layers: int) -> nn.Module:
    """taming's PatchGAN discriminator: photos (B, 3, S, S) to scores (B, 1, s, s), one for each overlapping patch.

    It normalizes over the batch (BatchNorm): the scores of a photo depend on the photos beside it.

    Raises InputError where the photos are too small for that many layers.
    """
    if image_size // 2**num_layers < 3:
        raise InputError(
            f"pretrain.disc_layers: expected so few that {image_size} px / 2^layers is at least 3, "
            f"found {num_layers}"
        )
    from taming.modules.discriminator.model import NLayerDiscriminator, weights_init

    return NLayerDiscriminator(input_nc=3, ndf=width, n_layers=num_layers).apply(weights_init)


def perceptual_distance(*, pretrained: bool = True) -> nn.Module:
    """LPIPS (Zhang et al. 2018) with VGG features: two photo batches in [−1, 1] to distances (B, 1, 1, 1); frozen.

    pretrained: False for a network of the same sizes with random weights, which needs no download.
    Raises InputError where the optional package is not installed, or its weights cannot be downloaded.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import lpips  # pyright: ignore[reportMissingImports]

            random = {} if pretrained else {"pretrained": False, "pnet_rand": True}
            distance = lpips.LPIPS(net="vgg", **random)
    except (ImportError, OSError, RuntimeError) as fault:
        raise InputError(
            "pretrain.perceptual_weight > 0 needs LPIPS, which is not available here "
            f"({type(fault).__name__}: {fault}); install lpips and torchvision (its VGG weights are downloaded at "
            "first use), or set perceptual_weight=0"
        ) from fault
    return distance.eval().requires_grad_(False)
