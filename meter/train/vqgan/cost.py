"""What the VQ-GAN's pretraining and the encoding of photos need: memory without allocating it, and time."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from meter.errors import InputError
from meter.train.resources import USABLE, LiveMemory, format_bytes, operations_per_second
from meter.train.vqgan.networks import new_codec, new_discriminator
from meter.train.vqgan.objective import CodecObjective, LossConfig, LossNetworks
from meter.vq.encode import photos_at_once
from meter.vq.losses import perceptual_distance
from meter.vq.vqgan import VQGAN, VQConfig, images_from_pixels

if TYPE_CHECKING:
    from lightning_fabric import Fabric

NUMBERS_OF_A_WEIGHT = 4
"""Itself, its gradient, and Adam's two moments."""
MEASURED_PHOTOS, MEASURED_SIDE = 8, 128
"""Speed is measured on a photo cut to this side, or on so many smaller ones as have as many pixels. Cut to 32 pixels,
photos took twice as long for the same number of operations."""
ADVICE = "a smaller dataset.image_size, or a smaller network (codec=compact)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """bytes: the most that are alive at a time.  operations: floating-point operations."""

    bytes: int
    operations: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainingCost:
    """What a step of pretraining needs on one device, counted on networks without memory.

    batch_size: photos of a step on the device.
    weights: bytes of all weights, their gradients and Adam's moments.
    codec: one photo through the codec and its losses, forward and backward.
    discriminator: the step of the discriminator, which sees all photos and their reconstructions; zeros without one.
    last_input: bytes of one photo's input to the codec's last layer, which a step in parts keeps of the whole batch.
    """

    batch_size: int
    weights: int
    codec: Needed
    discriminator: Needed
    last_input: int

    def bytes(self, parts: int) -> int:
        """The most that a step in so many parts holds at a time."""
        # The codec's own loss sends the reconstructions through the discriminator, half of what its step does.
        codec = -(-self.batch_size // parts) * self.codec.bytes + self.discriminator.bytes // 2
        if parts > 1 and self.discriminator.bytes:
            codec += self.batch_size * self.last_input
        return self.weights + max(codec, self.discriminator.bytes)

    def fewest_parts(self, free: int) -> int | None:
        """The fewest parts that fit into ``free`` bytes with something to spare; None where not one photo does."""
        fitting = (parts for parts in range(1, self.batch_size + 1) if self.bytes(parts) <= free * USABLE)
        return next(fitting, None)

    def operations(self, parts: int, *, adversarial: bool) -> int:
        """Floating-point operations of a step, before or after the codec is trained against the discriminator."""
        codec = self.batch_size * self.codec.operations
        if not adversarial:
            return codec
        # The codec's loss needs no gradient of the discriminator's weights; parts need one more forward pass.
        return codec + self.discriminator.operations * 4 // 3 + (parts > 1) * codec // 3


def pretraining_cost(
    config: VQConfig, losses: LossConfig, batch_size: int, fabric: "Fabric"
) -> PretrainingCost:
    """Counts what a step needs, on networks and photos that have sizes but no memory."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    side = config.image_size
    with FakeTensorMode(), fabric.autocast():
        with torch.device(fabric.device):
            vq, discriminator = new_codec(config, losses), new_discriminator(config, losses)
            perceptual = perceptual_distance(pretrained=False) if losses.perceptual_weight > 0 else None
            photo = torch.zeros(1, 3, side, side)
        objective = CodecObjective(vq, losses, LossNetworks(perceptual=perceptual))
        weights = list(vq.parameters())
        codec = _needed(lambda: objective(photo, losses.codebook_start).total, weights)
        scoring = Needed(bytes=0, operations=0)
        if discriminator is not None:
            photos = photo.expand(2 * batch_size, -1, -1, -1).contiguous()
            scoring = _needed(lambda: discriminator(photos).float().mean(), list(discriminator.parameters()))
            weights += discriminator.parameters()
    return PretrainingCost(
        batch_size=batch_size,
        weights=NUMBERS_OF_A_WEIGHT * sum(weight.nbytes for weight in weights),
        codec=codec,
        discriminator=scoring,
        last_input=vq.last_layer.shape[1] * (side // config.patch) ** 2 * photo.itemsize,
    )


def parts_of_step(cost: PretrainingCost, config: VQConfig, *, asked: int, free: int | None) -> int:
    """The parts that a device computes its photos of a step in: those asked for, or as few as fit.

    asked: ``pretrain.accumulation``.  free: bytes, None where unknown.
    Raises InputError where the step does not fit into the memory.
    """
    if free is None:
        return asked or 1
    photos = f"a step of {cost.batch_size} photos of {config.image_size} px"
    if asked:
        if cost.bytes(asked) > free:
            raise InputError(
                f"pretrain.accumulation={asked}: {photos} in {asked} parts needs about "
                f"{format_bytes(cost.bytes(asked))}, and {format_bytes(free)} are free; set pretrain.accumulation=0 "
                f"(as few parts as fit), {ADVICE}"
            )
        return asked
    parts = cost.fewest_parts(free)
    if parts is None:
        raise InputError(
            f"VQ-GAN: {photos}, one at a time, needs about {format_bytes(cost.bytes(cost.batch_size))}, and "
            f"{format_bytes(free * USABLE)} of the free memory can be planned with; set {ADVICE}"
        )
    return parts


def training_speed(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], losses: LossConfig, fabric: "Fabric", at_once: int
) -> float:
    """Floating-point operations a second of the codec, forward and backward, on pieces of photos; changes nothing.

    at_once: photos that go through the codec together.
    """
    pieces = _pieces(vq, pixels[:at_once], fabric.device)
    weights = [weight for weight in vq.parameters() if weight.requires_grad]

    def run() -> None:
        with fabric.autocast() if losses.mixed_precision else nullcontext():
            output = vq(pieces)
            loss = output.reconstruction.float().abs().mean() + output.codebook_loss
        torch.autograd.grad(loss, weights)

    return operations_per_second(run, fabric.device)


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodingCost:
    """What encoding photos needs.

    bytes: the most that is alive at a time.  at_once: photos of a batch.  operations: of one photo.
    """

    bytes: int
    at_once: int
    operations: int


def encoding_cost(config: VQConfig, device: torch.device, free: int | None) -> EncodingCost:
    """Counts what encoding needs: ``photos_at_once`` photos at a time, or as many as fit into ``free`` bytes.

    Raises InputError where not one photo fits.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    with FakeTensorMode():
        with torch.device(device):
            vq = VQGAN(config)
            photo = torch.zeros(1, 3, config.image_size, config.image_size)
        with LiveMemory() as memory, FlopCounterMode(display=False) as counter:
            vq.encode(photo)
        weights = sum(weight.nbytes for weight in vq.parameters())
    at_once = photos_at_once(config.image_size)
    if free is not None:
        if weights + memory.peak > free:
            raise InputError(
                f"visual codes: encoding a photo of {config.image_size} px needs about "
                f"{format_bytes(weights + memory.peak)}, and {format_bytes(free)} are free; free some memory, or set "
                f"{ADVICE}"
            )
        at_once = min(at_once, max(1, int(free * USABLE - weights) // memory.peak))
    return EncodingCost(
        bytes=weights + at_once * memory.peak, at_once=at_once, operations=counter.get_total_flops()
    )


def encoding_speed(vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"]) -> float:
    """Floating-point operations a second of encoding, on pieces of photos."""
    device = vq.codebook.vectors.device
    pieces = _pieces(vq, pixels, device)
    return operations_per_second(lambda: vq.encode(pieces), device)


def _needed(loss: Callable[[], Tensor], weights: Sequence[Tensor]) -> Needed:
    from torch.utils.flop_counter import FlopCounterMode

    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    with LiveMemory() as memory, FlopCounterMode(display=False) as counter:
        loss().backward()
    return Needed(bytes=memory.peak, operations=counter.get_total_flops())


def _pieces(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], device: torch.device
) -> Float[Tensor, "B 3 s s"]:
    factor = vq.config.factor
    side = min(pixels.shape[1], max(1, MEASURED_SIDE // factor) * factor)
    count = min(MEASURED_PHOTOS, max(1, (MEASURED_SIDE // side) ** 2))
    return images_from_pixels(pixels[:count, :side, :side]).to(device)
