"""Photos to codes and back at METER's sizes: which order of memory wins, in which precision, and in what chunks."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from meter.vq import VQGAN, VQConfig

from .arithmetic import Work
from .machine import Precision
from .part import Comparison, Row, Settings

PART = "vq"
FULL = VQConfig(image_size=256)
QUICK = VQConfig(
    image_size=8,
    channels=32,
    multipliers=[1, 1],
    num_residual_blocks=1,
    attention_sizes=[],
    latent_width=32,
    num_codes=16,
    code_width=8,
)
PHOTOS = {"cpu": 4, "cuda": 64}
"""Photos at once, by device."""
CHUNK = 2
NOTE = (
    "the reference is the network as torch makes it: contiguous, in float32, all photos at once; a convolution counts "
    "as the product it stands for, and some algorithms need less"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How photos go through the network.

    channels_last: the order of memory, else contiguous.
    chunk: photos at a time; None for all at once.
    """

    precision: Precision
    channels_last: bool
    chunk: int | None = None

    @property
    def name(self) -> str:
        order = "channels last" if self.channels_last else "contiguous"
        chunk = "" if self.chunk is None else f", {self.chunk} at a time"
        return f"{order}, {self.precision.name}{chunk}"


PLAIN = Way(precision=Precision.float32, channels_last=False)
ENCODING = [Way(precision=each, channels_last=last) for each in Precision for last in (False, True)]
DECODING = [*ENCODING, *(replace(PLAIN, channels_last=last, chunk=CHUNK) for last in (False, True))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Codecs:
    """The same VQ-GAN in both orders of memory, photos (B, 3, S, S) and their codes (B, M)."""

    contiguous: VQGAN
    channels_last: VQGAN
    photos: Tensor
    codes: Tensor

    @classmethod
    def of(cls, config: VQConfig, count: int, device: torch.device) -> "Codecs":
        """Random weights and photos; code vectors so far apart that rounding changes no choice."""
        torch.manual_seed(0)
        contiguous = VQGAN(config).eval()
        nn.init.normal_(contiguous.codebook.vectors)
        contiguous.to(device)
        photos = torch.rand(count, 3, config.image_size, config.image_size, device=device) * 2 - 1
        channels_last = copy.deepcopy(contiguous)
        channels_last.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        return cls(
            contiguous=contiguous,
            channels_last=channels_last,
            photos=photos,
            codes=contiguous.encode(photos),
        )

    def encode(self, way: Way) -> Tensor:
        """Codes (B, M)."""
        vq, photos = self.contiguous, self.photos
        if way.channels_last:
            vq, photos = self.channels_last, photos.contiguous(memory_format=torch.channels_last)
        with way.precision.autocast(photos.device):
            return vq.encode(photos)

    def decode(self, way: Way) -> Tensor:
        """Photos (B, 3, S, S)."""
        vq = self.channels_last if way.channels_last else self.contiguous
        with way.precision.autocast(self.codes.device):
            return torch.cat([vq.decode(codes) for codes in self.codes.split(way.chunk or len(self.codes))])


@dataclass(frozen=True, kw_only=True, slots=True)
class Direction:
    """Encoding or decoding: its ways, and the half of the network whose weights it reads."""

    name: str
    run: Callable[[Way], Tensor]
    ways: Sequence[Way]
    network: nn.Module

    def count(self, precision: Precision) -> Work:
        """Operations of all convolutions and products, counted by torch, and all weights read once."""
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self.run(PLAIN)
        weights = sum(weight.numel() for weight in self.network.parameters())
        return Work(flops=counter.get_total_flops(), bytes=precision.bytes * weights)


def directions(codecs: Codecs) -> list[Direction]:
    vq = codecs.contiguous
    return [
        Direction(name="encode", run=codecs.encode, ways=ENCODING, network=vq.encoder),
        Direction(name="decode", run=codecs.decode, ways=DECODING, network=vq.decoder),
    ]


# A GPU would make float32 convolutions of shorter numbers (TF32).
in_full_float32 = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


@in_full_float32
def measure(settings: Settings) -> list[Row]:
    """Every way of both directions beside the plain one, which has a row of its own too."""
    config = QUICK if settings.quick else FULL
    count = 2 * CHUNK if settings.quick else PHOTOS[settings.device.type]
    rows = []
    for direction in directions(Codecs.of(config, count, settings.device)):
        ways = [way for way in direction.ways if way.precision in settings.precisions]
        timings = settings.timed({way.name: settings.side(partial(direction.run, way)) for way in ways})
        for way in ways:
            least = direction.count(way.precision)
            rows.append(
                Row(
                    part=PART,
                    case=f"{direction.name} {count} photos of {config.image_size} px, {way.name}",
                    reference=None if way == PLAIN else timings[PLAIN.name],
                    ours=timings[way.name],
                    amount=count,
                    unit="photos",
                    least=least,
                    floor=settings.machine.floor(least, way.precision),
                    note=NOTE,
                )
            )
    return rows


@in_full_float32
def compare(device: torch.device) -> list[Comparison]:
    """In float32: how many codes differ, and by how much the photos do."""
    codecs = Codecs.of(QUICK, 2 * CHUNK, device)
    codes, photos = codecs.encode(PLAIN), codecs.decode(PLAIN)
    last = replace(PLAIN, channels_last=True)
    compared = [Comparison(PART, "codes, channels last", float((codecs.encode(last) != codes).sum()), 0.0)]
    for way in DECODING:
        if way.precision is Precision.float32 and way != PLAIN:
            difference = (codecs.decode(way) - photos).abs().max().item()
            compared.append(Comparison(PART, f"photos, {way.name}", difference, 1e-4))
    return compared
