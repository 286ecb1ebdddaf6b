"""Networks on disk: they come back as they were, and what does not fit is refused in one line."""

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest
import torch
from torch import nn

from meter.disc import Discriminator, DiscriminatorConfig, Matcher
from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.model import Mask, Meter, VisualTable
from meter.storage import pretrained
from meter.storage.pretrained import read_pretrained, save_pretrained
from meter.vq import VQGAN, VQConfig
from tests.conftest import small_config


class Colour(Enum):
    red = "r"
    green = "g"


@dataclass(kw_only=True, slots=True)
class LinearConfig(EnumFields):
    width: int = 3
    colour: Colour = Colour.red
    sizes: list[int] = field(default_factory=list)


def linear(width: int = 3) -> nn.Linear:
    torch.manual_seed(width)
    return nn.Linear(width, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = LinearConfig(colour=Colour.green, sizes=[1, 2])
    save_pretrained(tmp_path / "new" / "folder", config, linear().state_dict())
    return tmp_path / "new" / "folder"


def test_what_is_saved_comes_back(folder: Path) -> None:
    saved = read_pretrained(folder, LinearConfig)
    network = nn.Linear(3, 2).train()
    assert saved.config == LinearConfig(colour=Colour.green, sizes=[1, 2])
    assert saved.load_into(network) is network
    assert torch.equal(network.weight, linear().weight)
    assert not network.training


def test_choices_are_written_by_name_and_new_fields_keep_their_defaults(folder: Path) -> None:
    assert json.loads((folder / "config.json").read_text()) == {
        "width": 3,
        "colour": "green",
        "sizes": [1, 2],
    }
    (folder / "config.json").write_text('{"colour": "green"}')
    assert read_pretrained(folder, LinearConfig).config == LinearConfig(colour=Colour.green)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(
        InputError, match=rf"{folder}: expected config\.json and model\.safetensors, found no {name}$"
    ):
        read_pretrained(folder, LinearConfig)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"width": 3, "depth": 1}', r"expected fields of LinearConfig, found depth$"),
        ("[3]", r"expected fields of LinearConfig, found \[3\]$"),
        ("{", r"expected JSON, found none: Expecting property name"),
        ('{"colour": "blue"}', r"LinearConfig\.colour: expected one of red, green, found 'blue'$"),
    ],
)
def test_a_config_of_something_else_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(InputError, match=rf"config\.json: {message}"):
        read_pretrained(folder, LinearConfig)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Linear(4, 2), r"found weight of shape \(2, 3\), not \(2, 4\)$"),
        (nn.Linear(3, 2, bias=False), r"found unknown bias$"),
        (nn.Bilinear(3, 1, 2), r"found weight of shape \(2, 3\), not \(2, 3, 1\)$"),
        (nn.Sequential(nn.Linear(3, 2)), r"found no 0\.bias, no 0\.weight, unknown bias and 1 more$"),
    ],
)
def test_weights_of_another_network_are_refused(folder: Path, network: nn.Module, message: str) -> None:
    saved = read_pretrained(folder, LinearConfig)
    with pytest.raises(InputError, match=rf"model\.safetensors: expected the weights of a \w+ .*{message}"):
        saved.load_into(network)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"model\.safetensors: expected tensors in the safetensors format"):
        read_pretrained(folder, LinearConfig)


def test_weights_are_replaced_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill halfway through a new best model must leave the one before."""

    def killed(_: dict[str, torch.Tensor], path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pretrained, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(folder, LinearConfig(), linear(4).state_dict())
    assert torch.equal(read_pretrained(folder, LinearConfig).weights["weight"], linear().weight)


def discriminator() -> Discriminator:
    return Discriminator(DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=16))


def test_every_network_is_saved_this_way(tmp_path: Path) -> None:
    codebook = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
    vq = VQConfig(image_size=16, channels=32, multipliers=[1, 2], num_residual_blocks=1, num_codes=8)
    networks = {
        "meter": Meter(small_config(mask=Mask.prefix, visual_table=VisualTable.codebook), codebook),
        "discriminator": discriminator(),
        "vq": VQGAN(vq),
    }
    for name, network in networks.items():
        network.save_pretrained(str(tmp_path / name))
        opened = type(network).from_pretrained(str(tmp_path / name))
        assert opened.config == network.config
        assert not opened.training
        assert all(torch.equal(opened.state_dict()[key], each) for key, each in network.state_dict().items())
        with pytest.raises(InputError, match=r"found no config\.json$"):
            type(network).from_pretrained(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"expected fields of DiscriminatorConfig, found .*mask"):
        Discriminator.from_pretrained(tmp_path / "meter")


def test_a_matcher_without_its_pictures_is_refused(tmp_path: Path) -> None:
    matcher = Matcher(network=discriminator(), others=torch.arange(12).view(2, 6), auc=0.9, above_chance=True)
    matcher.save_pretrained(tmp_path)
    assert torch.equal(Matcher.from_pretrained(tmp_path).others, matcher.others)
    pretrained.write_tensors(tmp_path / "pictures.safetensors", {"pictures": matcher.others})
    with pytest.raises(
        InputError, match=r"pictures\.safetensors: expected the tensor others, found pictures$"
    ):
        Matcher.from_pretrained(tmp_path)
    (tmp_path / "pictures.safetensors").unlink()
    with pytest.raises(
        InputError, match=r"pictures\.safetensors: expected tensors in the safetensors format"
    ):
        Matcher.from_pretrained(tmp_path)
