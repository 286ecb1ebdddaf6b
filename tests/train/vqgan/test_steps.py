"""A step of the codec in parts is the step in one piece."""

import sys
import types

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from meter.train.vqgan.moving_averages import sum_by_code
from meter.train.vqgan.networks import VQGANNetworks, new_networks
from meter.train.vqgan.objective import CodebookUpdate, LossConfig
from meter.train.vqgan.steps import CodecStep, codec_step, discriminator_step
from meter.vq import VQConfig

SIZES = VQConfig(
    image_size=16,
    channels=32,
    multipliers=[1, 1],
    num_residual_blocks=1,
    attention_sizes=[8],
    latent_width=8,
    num_codes=16,
    code_width=8,
)
IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Distance(torch.nn.Module):
    """Stands in for LPIPS."""

    def __init__(self, net: str) -> None:
        super().__init__()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).abs().amax((1, 2, 3), keepdim=True)


def one_step(losses: LossConfig, parts: int) -> tuple[CodecStep, VQGANNetworks]:
    """A step of codec and discriminator from the same weights; their gradients are kept."""
    fabric = Fabric(accelerator="cpu", devices=1)
    networks = new_networks(SIZES, losses, fabric, rate=0.0, betas=[0.5, 0.9], seed=0)
    with torch.no_grad():
        # Fresh code vectors lie so close together that rounding could choose between them.
        networks.vq.codebook.vectors.normal_(generator=torch.Generator().manual_seed(1))
    result = codec_step(fabric, networks, IMAGES, 2, parts)
    if networks.discriminator is not None:
        result.values["discriminator"] = discriminator_step(fabric, networks, IMAGES, result.reconstruction)
    return result, networks


@pytest.mark.parametrize("parts", [2, 5])
@pytest.mark.parametrize("codebook", CodebookUpdate)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"disc_weight": 0.8},
        {"disc_weight": 0.8, "disc_start": 3},
        {"disc_weight": 0.8, "perceptual_weight": 0.5},
    ],
    ids=["alone", "discriminator", "before the discriminator", "discriminator and perceptual"],
)
def test_losses_gradients_and_choices_are_those_of_one_piece(monkeypatch, parts, codebook, changes):
    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=Distance))
    losses = LossConfig(codebook=codebook, disc_width=4, disc_layers=1, **changes)

    whole, expected = one_step(losses, 1)
    result, found = one_step(losses, parts)

    assert torch.equal(result.codes, whole.codes)
    assert list(result.values) == list(whole.values)
    assert ("adaptive_weight" in whole.values) == (losses.disc_weight > 0 and losses.disc_start < 3)
    torch.testing.assert_close(result.values, whole.values, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(result.reconstruction, whole.reconstruction, rtol=1e-4, atol=1e-5)
    points, reference = (sum_by_code(step.encoded, step.codes, 16) for step in (result, whole))
    assert torch.equal(points.sizes, reference.sizes)
    torch.testing.assert_close(points.sums, reference.sums, rtol=1e-4, atol=1e-5)
    for module, other in ((found.vq, expected.vq), (found.discriminator, expected.discriminator)):
        if module is None:
            continue
        gradients, references = (
            {name: weight.grad for name, weight in each.named_parameters() if weight.grad is not None}
            for each in (module, other)
        )
        # Some are zero but for rounding: a norm follows their bias.
        limit = 1e-5 * max(gradient.abs().max().item() for gradient in references.values())
        torch.testing.assert_close(gradients, references, rtol=1e-3, atol=limit)
        assert [weight.requires_grad for weight in module.parameters()] == [
            weight.requires_grad for weight in other.parameters()
        ]
        # BatchNorm's running means: the discriminator saw the same batches as often.
        for value, reference in zip(module.buffers(), other.buffers(), strict=True):
            torch.testing.assert_close(value, reference, rtol=1e-4, atol=1e-6)


def test_parts_taken_for_batches_of_their_own_would_not_pass():
    """The test above can fail: the adaptive weight and the discriminator's norms differ from part to part."""
    losses = LossConfig(disc_weight=0.8, disc_width=4, disc_layers=1)
    whole, _ = one_step(losses, 1)
    fabric = Fabric(accelerator="cpu", devices=1)
    networks = new_networks(SIZES, losses, fabric, rate=0.0, betas=[0.5, 0.9], seed=0)
    with torch.no_grad():
        networks.vq.codebook.vectors.normal_(generator=torch.Generator().manual_seed(1))
    parts = [codec_step(fabric, networks, part, 2) for part in IMAGES.tensor_split(5)]

    weights = torch.stack([part.values["adaptive_weight"] for part in parts])
    assert (weights.mean() / whole.values["adaptive_weight"] - 1).abs() > 0.01
