import pytest
import torch

from meter.vq import VQConfig
from meter.vq.plain import PlainDecoder, PlainEncoder, PositionMaps, ResidualBlock
from meter.vq.vqgan import VQGAN, Network


def test_a_residual_block_begins_as_the_identity_and_learns():
    block = ResidualBlock(4)
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))

    assert torch.equal(block(x), x)
    (gradient,) = torch.autograd.grad(block(x).square().sum(), block.conv2.weight)
    assert gradient.abs().max() > 0


def test_each_place_has_its_own_vector_and_map():
    maps = PositionMaps(3, 2)
    torch.nn.init.normal_(maps.maps, generator=torch.Generator().manual_seed(0))
    x = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(1))

    y = maps(x)

    for row in range(2):
        for column in range(2):
            moved = x[:, :, row, column] + maps.vectors[:, row, column]
            expected = moved + moved @ maps.maps[2 * row + column]
            torch.testing.assert_close(y[:, :, row, column], expected)


@pytest.mark.parametrize(("widths", "side"), [([8], 12), ([8, 16], 6), ([8, 8, 4], 3)])
def test_every_pixel_reaches_the_codes_and_every_code_the_picture(widths, side):
    encoder = PlainEncoder(3, 5, widths=widths, blocks=1, side=side)
    decoder = PlainDecoder(5, 3, widths=widths, blocks=1, side=side)
    images = torch.randn(2, 3, 12, 12, requires_grad=True)

    encoded = encoder(images)
    decoded = decoder(encoded)

    assert encoded.shape == (2, 5, side, side)
    assert decoded.shape == images.shape
    (by_pixel,) = torch.autograd.grad(encoded.square().sum(), images, retain_graph=True)
    assert (by_pixel != 0).any(1).all()
    (by_code,) = torch.autograd.grad(decoded.square().sum(), encoded)
    assert (by_code != 0).any(1).all()


def test_photos_of_a_batch_do_not_touch_each_other():
    config = VQConfig(
        network=Network.plain,
        image_size=16,
        patch=2,
        channels=32,
        multipliers=[1, 1],
        num_residual_blocks=1,
        attention_sizes=[],
        latent_width=8,
        num_codes=8,
        code_width=4,
    )
    images = torch.randn(3, 3, 16, 16, requires_grad=True)

    reconstruction = VQGAN(config)(images, quantize=False).reconstruction

    (gradient,) = torch.autograd.grad(reconstruction[1].square().sum(), images)
    assert gradient[1].abs().max() > 0
    assert not gradient[[0, 2]].any()
