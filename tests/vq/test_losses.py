import sys
import types

import pytest
import torch
from lightning_fabric import Fabric

from meter.errors import InputError
from meter.train.vqgan import LossConfig
from meter.train.vqgan.networks import VQGANNetworks, new_networks
from meter.train.vqgan.steps import codec_step, discriminator_step
from meter.vq import VQConfig
from meter.vq.losses import (
    adaptive_weight,
    discriminator_loss,
    generator_loss,
    patch_discriminator,
    perceptual_distance,
    reconstruction_loss,
)

SIZES = VQConfig(
    image_size=16,
    channels=32,
    multipliers=[1, 1],
    num_residual_blocks=1,
    attention_sizes=[],
    latent_width=8,
    num_codes=16,
    code_width=8,
)


def networks_of(losses: LossConfig) -> tuple[Fabric, VQGANNetworks]:
    fabric = Fabric(accelerator="cpu", devices=1)
    return fabric, new_networks(SIZES, losses, fabric, rate=1e-3, betas=[0.5, 0.9], seed=0)


def adversarial(**changes) -> LossConfig:
    return LossConfig(**{"disc_weight": 0.8, "disc_width": 4, "disc_layers": 1, "disc_warmup": 0, **changes})


def random_images(seed: int = 0) -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(module: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}


def test_reconstruction_loss_by_hand():
    images = torch.zeros(1, 3, 2, 2)
    reconstruction = torch.zeros(1, 3, 2, 2)
    reconstruction[0, 0, 0], reconstruction[0, 1, 1, 1], reconstruction[0, 2, 1, 0] = (
        torch.tensor([1.0, -1.0]),
        0.5,
        -2.0,
    )

    assert reconstruction_loss(images, reconstruction, 0.0).item() == pytest.approx(4.5 / 12)
    assert reconstruction_loss(images, reconstruction, 1.0).item() == pytest.approx((1 + 1 + 0.25 + 4) / 12)
    assert reconstruction_loss(images, reconstruction, 0.25).item() == pytest.approx(
        (0.75 * 4.5 + 0.25 * 6.25) / 12
    )


def test_hinge_losses_by_hand():
    true, generated = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.0])

    # max(0, 1 − t) = 0, .5, 2; max(0, 1 + g) = 0, 1, 2.
    assert discriminator_loss(true, generated).item() == pytest.approx(0.5 * (2.5 / 3 + 3 / 3))
    assert generator_loss(generated).item() == pytest.approx(2 / 3)


def test_adaptive_weight_by_hand():
    likelihood, adversarial = torch.tensor([9.0, 12.0]), torch.tensor([0.0, 2.0])

    assert adaptive_weight(likelihood, adversarial).item() == pytest.approx(15 / 2.0001)


def test_adaptive_weight_is_limited():
    assert adaptive_weight(torch.tensor([1e9]), torch.zeros(1)).item() == 1e4


def test_adaptive_weight_balances_the_gradients_at_the_last_layer():
    _, networks = networks_of(adversarial())
    images = random_images()
    reconstruction = networks.vq(images).reconstruction
    norms = [
        torch.autograd.grad(loss, networks.vq.last_layer, retain_graph=True)[0].norm().item()
        for loss in (
            reconstruction_loss(images, reconstruction, 0.0),
            generator_loss(networks.discriminator(reconstruction)),
        )
    ]

    weight = networks.wrapped_objective(images, 0).values["adaptive_weight"].item()

    assert weight == pytest.approx(norms[0] / (norms[1] + 1e-4), rel=1e-4)


def test_the_codec_step_leaves_the_discriminator_alone():
    losses = adversarial()
    fabric, networks = networks_of(losses)
    before_codec, before_discriminator = weights(networks.vq), weights(networks.discriminator)

    result = codec_step(fabric, networks, random_images(), step=0)

    assert changed(networks.discriminator, before_discriminator) == set()
    assert all(weight.grad is None and weight.requires_grad for weight in networks.discriminator.parameters())
    assert "decoder.conv_out.weight" in changed(networks.vq, before_codec)
    assert result.values["adaptive_weight"] > 0


def test_the_discriminator_step_leaves_the_codec_alone():
    losses = adversarial()
    fabric, networks = networks_of(losses)
    images = random_images()
    reconstruction = networks.vq(images).reconstruction
    before_codec, before_discriminator = weights(networks.vq), weights(networks.discriminator)

    discriminator_step(fabric, networks, images, reconstruction)

    assert changed(networks.vq, before_codec) == set()
    assert all(weight.grad is None for weight in networks.vq.parameters())
    assert changed(networks.discriminator, before_discriminator) == set(before_discriminator)


def test_the_adversarial_part_reaches_the_decoder_only_from_its_start():
    def weights_after(losses: LossConfig, step: int) -> dict[str, torch.Tensor]:
        fabric, networks = networks_of(losses)
        codec_step(fabric, networks, random_images(), step)
        return weights(networks.vq)

    plain = weights_after(LossConfig(), 4)
    before, after = (weights_after(adversarial(disc_start=5), step) for step in (4, 5))

    assert all(torch.equal(value, before[name]) for name, value in plain.items())
    assert not torch.equal(plain["decoder.conv_out.weight"], after["decoder.conv_out.weight"])


def test_the_total_is_the_weighted_sum():
    losses = adversarial(codebook_weight=2.0)
    fabric, networks = networks_of(losses)

    values = codec_step(fabric, networks, random_images(), step=0).values

    expected = values["reconstruction"] + 2 * values["codebook"]
    expected = expected + 0.8 * values["adaptive_weight"] * values["adversarial"]
    torch.testing.assert_close(values["total"], expected)


def test_before_its_start_the_codebook_is_not_trained():
    losses = LossConfig(codebook_start=3)
    fabric, networks = networks_of(losses)
    before = networks.vq.codebook.vectors.detach().clone()

    codec_step(fabric, networks, random_images(), step=2)
    assert torch.equal(networks.vq.codebook.vectors, before)

    codec_step(fabric, networks, random_images(), step=3)
    assert not torch.equal(networks.vq.codebook.vectors, before)


def test_discriminator_scores_patches_and_refuses_too_small_photos():
    scores = patch_discriminator(image_size=16, width=4, num_layers=2)(random_images())
    assert scores.shape == (4, 1, 2, 2)
    assert (
        patch_discriminator(image_size=12, width=4, num_layers=2)(random_images()[..., :12, :12]).numel() == 4
    )

    with pytest.raises(InputError, match=r"disc_layers.*16 px.*found 3"):
        patch_discriminator(image_size=16, width=4, num_layers=3)


def test_perceptual_loss_without_its_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)

    with pytest.raises(InputError, match=r"install lpips.*perceptual_weight=0"):
        networks_of(LossConfig(perceptual_weight=1.0))


def test_perceptual_loss_is_weighed_and_frozen(monkeypatch):
    class Distance(torch.nn.Module):
        def __init__(self, net: str) -> None:
            super().__init__()
            print("loading", net)
            self.scale = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return self.scale * (first - second).square().mean((1, 2, 3), keepdim=True)

    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=Distance))
    losses = LossConfig(perceptual_weight=0.5, squared_share=1.0)
    fabric, networks = networks_of(losses)

    values = codec_step(fabric, networks, random_images(), step=0).values

    torch.testing.assert_close(values["perceptual"], 2 * values["reconstruction"])
    torch.testing.assert_close(values["total"], 2 * values["reconstruction"] + values["codebook"])
    assert not any(weight.requires_grad for weight in perceptual_distance().parameters())
