"""The VQ-GAN's two stages on disk: the codec of a set of photos, and every photo as its codes."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int, UInt8

from meter.errors import InputError
from meter.progress import tracked
from meter.signals import StopRequest
from meter.storage.file_hashes import FileHashes
from meter.storage.growing_array import TEMPORARY, GrowingArray
from meter.storage.stage import Stage, build_stage, open_stage
from meter.train.resources import format_bytes, format_duration, free_memory, machine_name
from meter.train.vqgan.cost import encoding_cost, encoding_speed
from meter.train.vqgan.samples import summarise
from meter.train.vqgan.schedule import split_photos
from meter.train.vqgan.trainer import STATE, PretrainConfig, Pretraining
from meter.vq.codebook import count_codes, perplexity, usage
from meter.vq.encode import batches_of_codes
from meter.vq.vqgan import VQGAN, VQConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from rich.console import Console

VQ_VERSION = 1
CODES_VERSION = 1
CODES = "codes.npy"
COUNTED_AT_ONCE = 4096
# Fields that say how often to log, save or draw, or how much memory to take: they change no weight but by rounding, so
# they make no other stage.
WITHOUT_EFFECT = ("samples", "log_every", "checkpoint_every", "accumulation")


@dataclass(kw_only=True, slots=True)
class VisualCodes:
    """The visual side of a dataset: the VQ-GAN and its stage, and the codes of every photo.

    codes_hash: of the stage that holds the codes.
    held_out: indices of the photos that the VQ-GAN was not trained on.
    summary: of the VQ-GAN's quality, and of the use of its codes over all photos.
    """

    vq: VQGAN
    stage: Stage
    codes: Int[np.ndarray, "P M"]
    codes_hash: str
    held_out: Int[np.ndarray, " H"]
    summary: dict[str, Any]


def pretrain_stage(
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    config: VQConfig,
    training: PretrainConfig,
    cache: Path,
    fabric: "Fabric",
    seed: int,
    console: "Console | None" = None,
    stop: StopRequest | None = None,
) -> Stage:
    """The VQ-GAN of these photos: ``config.json``, ``model.safetensors``, ``metrics.jsonl``, ``samples/``.

    Summary: psnr (dB) and ssim on held-out photos, sizes, steps, seconds. How often to log, save or draw, and in how
    many parts a step is computed, do not change the stage's identity. Randomness outside is left as it was.

    pixels: all photos, memory-mapped or not.  photos_hash: of the stage they come from.
    config: ``image_size`` 0 means the photos' own.
    Raises InputError where sizes or memory do not suffice, Interrupted after saving where ``stop`` asked for it, and
    FloatingPointError where a loss is not finite.
    """
    if config.checkpoint:
        return published_stage(Path(config.checkpoint), pixels, photos_hash, training, cache, fabric, seed)
    config = with_image_size(config, pixels)
    identity = {name: value for name, value in asdict(training).items() if name not in WITHOUT_EFFECT}
    # Always the run's own: Fabric rounds the inputs to it, and the discriminator uses it, whatever the codec does.
    identity |= {"precision": fabric.strategy.precision.precision, "seed": seed}

    def build(folder: Path) -> dict[str, Any]:
        return Pretraining(
            pixels=pixels,
            config=config,
            training=training,
            folder=folder,
            fabric=fabric,
            seed=seed,
            console=console,
            stop=StopRequest() if stop is None else stop,
        ).run()

    def locked(build: Any) -> Stage:
        return build_stage(
            cache,
            "vq",
            version=VQ_VERSION,
            config={"vq": config, "training": identity},
            inputs={"photos": photos_hash},
            build=build,
            temporary=f"{STATE}*",
        )

    return build_in_all_processes(fabric, locked, build)


def published_stage(
    checkpoint: Path,
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    training: PretrainConfig,
    cache: Path,
    fabric: "Fabric",
    seed: int,
) -> Stage:
    """A published VQ-GAN in place of one trained on these photos, as a stage like the other.

    Raises InputError where the checkpoint is missing, or is none of taming-transformers' VQ-GANs.
    """
    if not checkpoint.is_file():
        raise InputError(
            f"vq.checkpoint: expected a checkpoint of taming-transformers, found no file {checkpoint}"
        )

    def build(folder: Path) -> dict[str, Any]:
        vq = VQGAN.from_taming(checkpoint, image_size=pixels.shape[1])
        if fabric.is_global_zero:
            vq.save_pretrained(folder)
        fabric.to_device(vq)
        held_out = split_photos(len(pixels), training.held_out, seed).held_out
        return {**summarise(vq, pixels, held_out), "steps": 0, "seconds": 0.0}

    def locked(build: Any) -> Stage:
        return build_stage(
            cache,
            "vq",
            version=VQ_VERSION,
            config={"held_out": training.held_out, "seed": seed},
            inputs={"photos": photos_hash, "checkpoint": FileHashes(cache / "hashes.json").of(checkpoint)},
            build=build,
        )

    return build_in_all_processes(fabric, locked, build)


def with_image_size(config: VQConfig, pixels: UInt8[np.ndarray, "P S S 3"]) -> VQConfig:
    """The config with the photos' own size where it names none; InputError where it names another."""
    side = pixels.shape[1]
    if config.image_size not in (0, side):
        raise InputError(f"vq.image_size: expected the photos' {side} px (or 0), found {config.image_size}")
    config = VQConfig(**{**asdict(config), "image_size": side})
    config.check()
    return config


def build_in_all_processes(fabric: "Fabric", locked: Any, build: Any) -> Stage:
    """Builds a stage where every process of a distributed run takes part in ``build``.

    Only the first process holds the stage's lock; the others follow it into ``build``, or skip it as it does.
    """
    if fabric.is_global_zero:
        followed = False

        def build_and_tell(folder: Path) -> dict[str, Any]:
            nonlocal followed
            followed = True
            fabric.broadcast(str(folder))
            return build(folder)

        stage = locked(build_and_tell)
        if not followed:
            fabric.broadcast("")
        fabric.broadcast(str(stage.folder))
        return stage
    folder = fabric.broadcast("")
    if folder:
        build(Path(folder))
    return open_stage(Path(fabric.broadcast("")))


def encode_photos_stage(
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    vq_stage: Stage,
    cache: Path,
    fabric: "Fabric",
    console: "Console | None" = None,
) -> Stage:
    """``codes.npy`` (P, M) of these photos by the VQ-GAN of ``vq_stage``, photo for photo.

    Summary: photos, codes_per_photo (M), num_codes, usage and perplexity. Every process may call it: one encodes.
    Encoding that was killed resumes where it was; ``console`` shows how far it is.
    Raises InputError where not one photo fits into the memory that is free.
    """

    def build(folder: Path) -> dict[str, Any]:
        vq = VQGAN.from_pretrained(vq_stage.folder).to(fabric.device)
        cost = encoding_cost(vq.config, fabric.device, free_memory(fabric.device))
        codes_per_photo = math.prod(vq.grid)
        with GrowingArray(folder / CODES, (codes_per_photo,), np.int32) as array:
            left = len(pixels) - array.taken
            if console is not None and left:
                seconds = left * cost.operations / encoding_speed(vq, pixels)
                console.print(
                    f"visual codes: {left:,} photos of {vq.config.image_size} px; about {format_bytes(cost.bytes)} and "
                    f"{format_duration(seconds)} on this machine ({machine_name(fabric.device)})",
                    soft_wrap=True,
                )
            batches = batches_of_codes(vq, pixels, cost.at_once, start=array.taken)
            done, total = (-(-count // cost.at_once) for count in (array.taken, len(pixels)))
            for codes in tracked(batches, "encoding photos", total, console, done=done):
                array.append(codes)
        counts = torch.zeros(vq.config.num_codes, dtype=torch.long)
        codes = np.load(folder / CODES, mmap_mode="r")
        for start in range(0, len(codes), COUNTED_AT_ONCE):
            some = torch.from_numpy(codes[start : start + COUNTED_AT_ONCE].astype(np.int64))
            counts += count_codes(some, len(counts))
        return {
            "photos": len(codes),
            "codes_per_photo": codes_per_photo,
            "num_codes": vq.config.num_codes,
            "usage": usage(counts),
            "perplexity": perplexity(counts),
        }

    inputs = {"photos": photos_hash, "vq": vq_stage.hash}
    return build_stage(
        cache, "codes", version=CODES_VERSION, config={}, inputs=inputs, build=build, temporary=TEMPORARY
    )


def visual_codes(
    vq: VQGAN, vq_stage: Stage, codes_stage: Stage, held_out: Int[np.ndarray, " H"]
) -> VisualCodes:
    """Puts the two stages together, with the use of the codes in the VQ-GAN's summary."""
    use = {name: codes_stage.summary[name] for name in ("usage", "perplexity")}
    return VisualCodes(
        vq=vq,
        stage=vq_stage,
        codes=np.load(codes_stage.folder / CODES, mmap_mode="r"),
        codes_hash=codes_stage.hash,
        held_out=held_out,
        summary={**vq_stage.summary, **use},
    )
