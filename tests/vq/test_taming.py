"""A published checkpoint opens as what it was, from its tensors alone: nothing that it holds is run."""

import contextlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from meter.errors import InputError
from meter.train.devices import DeviceConfig, make_fabric
from meter.train.vqgan import PretrainConfig, pretrain_stage
from meter.vq import VQGAN, VQConfig

SIZES = {
    "ch": 32,
    "out_ch": 3,
    "ch_mult": (1, 2, 2),
    "num_res_blocks": 1,
    "attn_resolutions": [8],
    "in_channels": 3,
    "resolution": 32,
    "z_channels": 24,
    "double_z": False,
}
ESCAPED = Path("escaped")


class Taming(nn.Module):
    """taming's VQModel, put together from its own parts as its class does; that class imports no more."""

    def __init__(self) -> None:
        super().__init__()
        from taming.modules.diffusionmodules.model import Decoder, Encoder
        from taming.modules.vqvae.quantize import VectorQuantizer

        with contextlib.redirect_stdout(io.StringIO()):
            self.encoder, self.decoder = Encoder(**SIZES), Decoder(**SIZES)
        self.quantize = VectorQuantizer(40, 16, beta=0.25)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(24, 16, 1), nn.Conv2d(16, 24, 1)
        self.loss = nn.Module()
        self.loss.discriminator = nn.Conv2d(3, 1, 4)
        self.quantize.embedding.weight.data.normal_(std=0.3)


class Callback:
    """What a pickle may do: this one writes a file when it is opened the usual way."""

    def __reduce__(self):
        return (os.mkdir, (str(ESCAPED),))


def saved(model: nn.Module, path: Path, **more: object) -> Path:
    """As PyTorch-Lightning saves: weights beside callbacks, classes among their keys."""
    callbacks = {Callback: {"best": Callback()}}
    torch.save({"epoch": 3, "callbacks": callbacks, "state_dict": model.state_dict(), **more}, path)
    return path


@pytest.fixture(scope="module")
def original() -> Taming:
    torch.manual_seed(0)
    return Taming().eval()


@torch.no_grad()
def test_the_same_codes_and_pixels(original: Taming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(original, tmp_path / "last.ckpt")
    images = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1

    vq = VQGAN.from_taming(path, image_size=32)

    assert not ESCAPED.exists()
    quantized, _, (_, _, codes) = original.quantize(original.quant_conv(original.encoder(images)))
    assert torch.equal(vq.encode(images), codes.view(3, -1))
    assert len(codes.unique()) > 3
    pixels = original.decoder(original.post_quant_conv(quantized))
    torch.testing.assert_close(vq(images).reconstruction, pixels, atol=1e-5, rtol=0)
    torch.testing.assert_close(vq.decode(codes.view(3, -1)), pixels.clamp(-1, 1), atol=1e-5, rtol=0)


@torch.no_grad()
def test_photos_of_another_size_meet_the_same_layers(original: Taming, tmp_path: Path) -> None:
    path = saved(original, tmp_path / "last.ckpt")
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    vq = VQGAN.from_taming(path, image_size=64)
    assert vq.grid == (16, 16)
    _, _, (_, _, codes) = original.quantize(original.quant_conv(original.encoder(images)))
    assert torch.equal(vq.encode(images), codes.view(1, -1))


def test_what_it_is_opened_with_the_usual_way_would_run(
    original: Taming, tmp_path: Path, monkeypatch
) -> None:
    """The test above can fail: the file does what it threatens."""
    monkeypatch.chdir(tmp_path)
    torch.load(saved(original, tmp_path / "last.ckpt"), weights_only=False)
    assert ESCAPED.exists()


def test_old_files_that_are_no_archive_open_too(original: Taming, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "old.ckpt"
    torch.save(
        {"state_dict": original.state_dict(), "callbacks": Callback()},
        path,
        _use_new_zipfile_serialization=False,
    )
    vq = VQGAN.from_taming(path, image_size=32)
    assert not ESCAPED.exists()
    assert torch.equal(vq.codebook.vectors, original.quantize.embedding.weight)


def test_other_networks_are_refused(original: Taming, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    with pytest.raises(InputError, match="found no such file"):
        VQGAN.from_taming(path)
    path.write_bytes(b"PK no archive")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        VQGAN.from_taming(path)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(InputError, match="found none"):
        VQGAN.from_taming(path)
    state = original.state_dict()
    torch.save({"state_dict": {**state, "quantize.embed.weight": torch.zeros(2, 2)}}, path)
    with pytest.raises(InputError, match=r"quantize\.embed\.weight belongs to no VQModel"):
        VQGAN.from_taming(path)
    state.pop("decoder.conv_out.bias")
    torch.save(state, path)
    with pytest.raises(InputError, match=r"decoder\.conv_out\.bias among them: expected \(3,\), found None"):
        VQGAN.from_taming(path, image_size=32)


def test_a_checkpoint_stands_in_for_a_training(original: Taming, tmp_path: Path) -> None:
    fabric = make_fabric(DeviceConfig(accelerator="cpu", precision="32-true"))
    pixels = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)

    def stage(checkpoint: Path):
        config = VQConfig(checkpoint=str(checkpoint))
        return pretrain_stage(pixels, "photos", config, PretrainConfig(), tmp_path / "cache", fabric, seed=0)

    first = stage(saved(original, tmp_path / "last.ckpt"))

    assert first.summary["grid"] == [8, 8]
    assert first.summary["num_codes"] == 40
    assert first.summary["steps"] == 0
    vq = VQGAN.from_pretrained(first.folder)
    assert torch.equal(vq.codebook.vectors, original.quantize.embedding.weight)
    assert stage(tmp_path / "last.ckpt").folder == first.folder
    with torch.no_grad():
        original.quantize.embedding.weight.neg_()
    assert stage(saved(original, tmp_path / "other.ckpt")).folder != first.folder
    with pytest.raises(InputError, match=r"vq\.checkpoint: .* found no file nowhere\.ckpt"):
        stage(Path("nowhere.ckpt"))
