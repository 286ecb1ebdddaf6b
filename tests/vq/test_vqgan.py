import numpy as np
import pytest
import torch

from meter.errors import InputError
from meter.vq import VQGAN, VQConfig, encode_photos, images_from_pixels, pixels_from_images
from meter.vq.vqgan import Network


def tiny(**changes) -> VQConfig:
    sizes = {
        "image_size": 16,
        "channels": 32,
        "multipliers": [1, 1],
        "num_residual_blocks": 1,
        "attention_sizes": [],
        "latent_width": 8,
        "num_codes": 11,
        "code_width": 6,
    }
    return VQConfig(**{**sizes, **changes})


def network(**changes) -> VQGAN:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        vq = VQGAN(tiny(**changes)).eval()
        # Fresh code vectors lie so close together that rounding could choose between them.
        torch.nn.init.normal_(vq.codebook.vectors)
    return vq


def photos(count: int = 3, size: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("changes", "grid"),
    [({}, (8, 8)), ({"multipliers": [1, 1, 2]}, (4, 4)), ({"patch": 2}, (4, 4)), ({"patch": 4}, (2, 2))],
)
@pytest.mark.parametrize("kind", Network)
def test_shapes_and_types(kind, changes, grid):
    vq = network(network=kind, **changes)
    images = images_from_pixels(photos())

    output, codes = vq(images), vq.encode(images)

    assert vq.grid == grid
    assert codes.shape == (3, grid[0] * grid[1])
    assert codes.dtype == torch.int64
    assert 0 <= codes.min() <= codes.max() < 11
    assert torch.equal(codes, output.codes)
    assert output.reconstruction.shape == images.shape
    assert output.encoded.shape == (3 * grid[0] * grid[1], 6)
    decoded = vq.decode(codes)
    assert decoded.shape == images.shape
    assert decoded.dtype == torch.float32
    assert -1 <= decoded.min() <= decoded.max() <= 1


def test_decoding_codes_is_the_reconstruction():
    vq = network()
    images = images_from_pixels(photos())

    decoded = vq.decode(vq.encode(images))

    torch.testing.assert_close(decoded, vq(images).reconstruction.clamp(-1, 1))
    assert torch.equal(decoded, vq.decode(vq.encode(images)))


def test_without_quantization_the_decoder_sees_the_encoder():
    vq = network()
    images = images_from_pixels(photos())
    plain = vq(images, quantize=False).reconstruction
    vq.codebook.vectors.data += 1

    assert torch.equal(plain, vq(images, quantize=False).reconstruction)
    assert not torch.allclose(plain, vq(images).reconstruction)


@pytest.mark.parametrize("kind", Network)
def test_a_photo_has_the_same_codes_in_any_batch(kind):
    vq = network(network=kind)
    pixels = photos(count=7)

    codes = encode_photos(vq, pixels, batch_size=3)

    assert codes.dtype == np.int32
    assert codes.shape == (7, 64)
    assert np.array_equal(codes[5:6], encode_photos(vq, pixels[5:6]))


def test_folding_pixels_loses_nothing():
    # With the network between taken out, what is folded for the encoder unfolds to the photo.
    vq = network(patch=2)
    images = images_from_pixels(photos())
    vq.encoder, vq.decoder, vq.to_code, vq.from_code = (torch.nn.Identity() for _ in range(4))

    assert torch.equal(vq._decoded(vq._encoded(images)), images)


def test_pixels_survive_the_round_trip():
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)

    images = images_from_pixels(pixels)

    assert images.min() == -1
    assert images.max() == 1
    assert np.array_equal(pixels_from_images(images), pixels)
    assert pixels_from_images(torch.full((1, 3, 1, 1), 7.0)).max() == 255


def test_read_only_photos_are_taken_in_silence():
    pixels = photos()
    stored = pixels.copy()
    stored.flags.writeable = False

    assert torch.equal(images_from_pixels(stored), images_from_pixels(pixels))


@pytest.mark.parametrize("kind", Network)
def test_save_and_load_are_exact(kind, tmp_path):
    vq = network(network=kind, patch=2, beta=0.5)
    vq.save_pretrained(tmp_path / "vq")

    again = VQGAN.from_pretrained(tmp_path / "vq")

    assert again.config == vq.config
    assert not again.training
    assert again.state_dict().keys() == vq.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in vq.state_dict().items())


def test_a_missing_file_is_named(tmp_path):
    network().save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()

    with pytest.raises(InputError, match=r"found no model\.safetensors"):
        VQGAN.from_pretrained(tmp_path)


def test_an_image_size_that_does_not_divide_is_named_with_the_factor():
    with pytest.raises(InputError, match=r"multiple of 8 pixels.*\[1, 2, 2\].*found 20"):
        VQGAN(tiny(image_size=20, patch=2, multipliers=[1, 2, 2]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 48}, "multiple of 32, found 48"),
        ({"num_codes": 0}, "num_codes"),
        ({"patch": 0}, "patch"),
        ({"network": Network.plain, "attention_sizes": [8]}, r"attention_sizes: expected \[\].*found \[8\]"),
    ],
)
def test_sizes_that_make_no_network_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        VQGAN(tiny(**changes))


def test_construction_is_silent(capsys):
    network()

    assert capsys.readouterr().out == ""


def test_paper_sizes():
    config = VQConfig(image_size=256)

    assert config.network is Network.taming
    assert config.factor == 16
    assert (config.channels, config.multipliers, config.num_residual_blocks) == (128, [1, 1, 2, 2, 4], 2)
    assert (config.num_codes, config.code_width, config.beta) == (1024, 256, 0.25)
