"""The VQ-GAN's codec (Esser et al. 2021): photos to codes and codes to photos."""

import contextlib
import io
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.storage.pretrained import read_pretrained, save_pretrained
from meter.vq.codebook import Codebook, points_of
from meter.vq.plain import PlainDecoder, PlainEncoder

# taming's GroupNorm has 32 groups everywhere.
GROUPS = 32


class Network(Enum):
    """What encoder and decoder are built of."""

    taming = "taming"
    """The published ones: group normalization, Swish, attention in the middle."""
    plain = "plain"
    """Convolutions and ReLU alone (``meter.vq.plain``): on two cores many more steps in the same time."""


@dataclass(kw_only=True, slots=True)
class VQConfig(EnumFields):
    """The codec's sizes; the defaults are those of taming-transformers for 256 px photos: m = 16 × 16, K = 1024."""

    network: Network = Network.taming
    """What encoder and decoder are built of; ``plain`` takes no ``attention_sizes``."""

    image_size: int = 0
    """Side of the square photos in pixels; 0: the dataset's."""
    patch: int = 1
    """Side of the pixel blocks that are folded into channels before the encoder and unfolded after the decoder.
    1 is the published network; 2 halves the resolution of the costly outer layers."""
    channels: int = 128
    """Width of the outermost layers, a multiple of 32. In short trainings 32 is enough for drawings, but made real
    photos almost colourless, where 64 did not; PSNR and code usage did not show it, the samples did."""
    multipliers: list[int] = field(default_factory=lambda: [1, 1, 2, 2, 4])
    """Width of each resolution level in units of ``channels``; each level after the first halves the resolution."""
    num_residual_blocks: int = 2
    """Residual blocks per level of the encoder; the decoder has one more."""
    attention_sizes: list[int] = field(default_factory=lambda: [16])
    """Grid sizes (after folding) at which levels have self-attention; the middle of the network always has it."""
    latent_width: int = 256
    """Channels between the encoder and its 1 × 1 projection, and between that of the decoder and the decoder."""
    num_codes: int = 1024
    """K, the size of the codebook."""
    code_width: int = 256
    """Width of a code vector."""
    beta: float = 0.25
    """Weight of the commitment term, which holds the encoder to the codes it has chosen."""
    checkpoint: str = ""
    """A published checkpoint of taming-transformers that is opened in place of a training; its sizes win over these."""

    @property
    def factor(self) -> int:
        """Pixels per code along one side."""
        return self.patch * 2 ** (len(self.multipliers) - 1)

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a network."""
        for name in ("patch", "num_residual_blocks", "latent_width", "num_codes", "code_width"):
            if getattr(self, name) < 1:
                raise InputError(f"vq.{name}: expected at least 1, found {getattr(self, name)}")
        if not self.multipliers:
            raise InputError("vq.multipliers: expected at least one level, found []")
        if self.image_size < 1 or self.image_size % self.factor:
            raise InputError(
                f"vq.image_size: expected a multiple of {self.factor} pixels (patch {self.patch} × 2 for every "
                f"level after the first of vq.multipliers={list(self.multipliers)}), found {self.image_size}; "
                "change the image size or the number of multipliers"
            )
        if self.network is Network.plain and self.attention_sizes:
            raise InputError(
                f"vq.attention_sizes: expected [], as vq.network=plain has no attention, found "
                f"{list(self.attention_sizes)}"
            )
        if self.channels < 1 or self.channels % GROUPS:
            raise InputError(f"vq.channels: expected a multiple of {GROUPS}, found {self.channels}")


@dataclass(kw_only=True, slots=True)
class VQOutput:
    """A batch of photos through the codec and back.

    reconstruction: photos in about [−1, 1], not clipped.
    codes: the code at each of the M positions of the grid, row by row.
    codebook_loss: codebook and commitment terms, a scalar.
    encoded: the encoder's outputs before quantization, one point a position; no gradient.
    """

    reconstruction: Float[Tensor, "B 3 S S"]
    codes: Int[Tensor, "B M"]
    codebook_loss: Float[Tensor, ""]
    encoded: Float[Tensor, "N C"]


class VQGAN(nn.Module):
    """Encoder, codebook and decoder; the discriminator belongs to the training (``meter.vq.losses``).

    Raises InputError where the config's sizes do not fit.
    """

    def __init__(self, config: VQConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        self.encoder, self.decoder = _taming(config) if config.network is Network.taming else _plain(config)
        self.to_code = nn.Conv2d(config.latent_width, config.code_width, 1)
        self.from_code = nn.Conv2d(config.code_width, config.latent_width, 1)
        self.codebook = Codebook(num_codes=config.num_codes, code_width=config.code_width, beta=config.beta)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of codes of one photo."""
        side = self.config.image_size // self.config.factor
        return side, side

    @property
    def last_layer(self) -> Tensor:
        """The decoder's last weights, where the adversarial and the reconstruction gradient are compared."""
        return self.decoder.get_parameter("conv_out.weight")

    def forward(self, images: Float[Tensor, "B 3 S S"], quantize: bool = True) -> VQOutput:
        """Photos in [−1, 1] to codes and back; without ``quantize`` the decoder sees the encoder's own output."""
        encoded = self._encoded(images)
        quantized = self.codebook(encoded)
        return VQOutput(
            reconstruction=self._decoded(quantized.vectors if quantize else encoded),
            codes=quantized.codes,
            codebook_loss=quantized.loss,
            encoded=points_of(encoded.detach().float()),
        )

    @torch.no_grad()
    def encode(self, images: Float[Tensor, "B 3 S S"]) -> Int[Tensor, "B M"]:
        """The codes of photos in [−1, 1], row by row."""
        return self.codebook.nearest(self.points(images)).unflatten(0, (len(images), -1))

    @torch.no_grad()
    def points(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "N C"]:
        """The encoder's outputs of photos in [−1, 1], before quantization: one point a position, photo by photo."""
        return points_of(self._encoded(images).float())

    @torch.no_grad()
    def decode(self, codes: Int[Tensor, "B M"]) -> Float[Tensor, "B 3 S S"]:
        """The photos that these codes stand for, in [−1, 1]."""
        return self._decoded(self.codebook.lookup(codes, self.grid)).float().clamp(-1, 1)

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes ``config.json`` and ``model.safetensors``."""
        save_pretrained(folder, self.config, self.state_dict())

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "VQGAN":
        """Opens what ``save_pretrained`` wrote, ready to encode and decode.

        Raises InputError where the files are missing, damaged or of another network.
        """
        saved = read_pretrained(folder, VQConfig)
        return saved.load_into(cls(saved.config))

    @classmethod
    def from_taming(cls, path: Path | str, image_size: int = 256) -> "VQGAN":
        """Opens a published checkpoint of taming-transformers, for photos of ``image_size`` pixels.

        Its sizes win. Attention stays at the levels that it was trained at, whatever the size of the photos.
        Nothing in the file is executed. Raises InputError where it is missing, damaged, or another network.
        """
        from meter.vq.taming import read_taming

        checkpoint = read_taming(Path(path))
        vq = cls(
            VQConfig(
                image_size=image_size,
                channels=checkpoint.channels,
                multipliers=checkpoint.multipliers,
                num_residual_blocks=checkpoint.num_residual_blocks,
                attention_sizes=[image_size // 2**level for level in checkpoint.attention_levels],
                latent_width=checkpoint.latent_width,
                num_codes=checkpoint.num_codes,
                code_width=checkpoint.code_width,
            )
        )
        expected = {name: tuple(weight.shape) for name, weight in vq.state_dict().items()}
        found = {name: tuple(weight.shape) for name, weight in checkpoint.weights.items()}
        if expected != found:
            wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
            raise InputError(
                f"{path}: {len(wrong)} weights are not those of taming's VQModel, {wrong[0]} among them: expected "
                f"{expected.get(wrong[0])}, found {found.get(wrong[0])}"
            )
        vq.load_state_dict({name: weight.float() for name, weight in checkpoint.weights.items()})
        return vq.eval()

    def _encoded(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B C h w"]:
        folded = functional.pixel_unshuffle(images, self.config.patch)
        return self.to_code(self.encoder(folded))

    def _decoded(self, vectors: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 3 S S"]:
        return functional.pixel_shuffle(self.decoder(self.from_code(vectors)), self.config.patch)


def _taming(config: VQConfig) -> tuple[nn.Module, nn.Module]:
    from taming.modules.diffusionmodules.model import Decoder, Encoder

    sizes = {
        "ch": config.channels,
        "out_ch": 3 * config.patch**2,
        "ch_mult": tuple(config.multipliers),
        "num_res_blocks": config.num_residual_blocks,
        "attn_resolutions": list(config.attention_sizes),
        "in_channels": 3 * config.patch**2,
        "resolution": config.image_size // config.patch,
        "z_channels": config.latent_width,
        "double_z": False,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        return Encoder(**sizes), Decoder(**sizes)


def _plain(config: VQConfig) -> tuple[nn.Module, nn.Module]:
    pixels, latents = 3 * config.patch**2, config.latent_width
    sizes = {
        "widths": [config.channels * multiplier for multiplier in config.multipliers],
        "blocks": config.num_residual_blocks,
        "side": config.image_size // config.factor,
    }
    return PlainEncoder(pixels, latents, **sizes), PlainDecoder(latents, pixels, **sizes)


def images_from_pixels(pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[Tensor, "B 3 S S"]:
    """Stored photos as the codec reads them: channels first, [−1, 1]."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def pixels_from_images(images: Float[Tensor, "B 3 S S"]) -> UInt8[np.ndarray, "B S S 3"]:
    """Decoded photos as they are stored and shown: channels last, 0 to 255, rounded."""
    scaled = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round()
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
