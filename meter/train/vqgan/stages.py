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
from meter.train.vqgan.samples import summarise
from meter.train.vqgan.schedule import held_out_rows
from meter.train.vqgan.trainer import STATE, PretrainConfig, Pretraining
from meter.vq.codebook import perplexity, usage
from meter.vq.encode import batches_of_codes
from meter.vq.vqgan import VQGAN, VQConfig

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from rich.console import Console

VQ_VERSION = 1
CODES_VERSION = 1
CODES = "codes.npy"
COUNTED_AT_ONCE = 4096
# Fields that only say how often to log, save or draw: they change no weight, so they make no other stage.
WITHOUT_EFFECT = ("samples", "log_every", "checkpoint_every")


@dataclass(kw_only=True, slots=True)
class VisualCodes:
    """The visual side of a dataset: the VQ-GAN and its stage, and the codes of every photo.

    codes_hash: of the stage that holds the codes.
    held_out: indices of the photos that the VQ-GAN was not trained on.
    """

    vq: VQGAN
    stage: Stage
    codes: Int[np.ndarray, "P M"]
    codes_hash: str
    held_out: Int[np.ndarray, " H"]


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

    Summary: psnr (dB) and ssim on held-out photos, usage and perplexity of the codes over all photos, seconds.
    What only says how often to log, save or draw does not change the stage's identity. Randomness outside is
    left as it was.

    pixels: all photos, memory-mapped or not.  photos_hash: of the stage they come from.
    config: ``image_size`` 0 means the photos' own.
    Raises InputError where sizes do not fit, Interrupted after saving where ``stop`` asked for it, and
    FloatingPointError where a loss is not finite.
    """
    if config.checkpoint:
        return checkpoint_stage(Path(config.checkpoint), pixels, photos_hash, training, cache, fabric, seed)
    config = filled(config, pixels)
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

    return build_together(fabric, locked, build)


def checkpoint_stage(
    checkpoint: Path,
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    training: PretrainConfig,
    cache: Path,
    fabric: "Fabric",
    seed: int,
) -> Stage:
    """A published VQ-GAN in place of one trained on these photos, as a stage like the other; it saw none of them.

    Raises InputError where it is not what it should be.
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
        held = held_out_rows(len(pixels), training.held_out, seed)[1]
        return {**summarise(vq, pixels, held), "steps": 0, "seconds": 0.0}

    def locked(build: Any) -> Stage:
        return build_stage(
            cache,
            "vq",
            version=VQ_VERSION,
            config={"held_out": training.held_out, "seed": seed},
            inputs={"photos": photos_hash, "checkpoint": FileHashes(cache / "hashes.json").of(checkpoint)},
            build=build,
        )

    return build_together(fabric, locked, build)


def filled(config: VQConfig, pixels: UInt8[np.ndarray, "P S S 3"]) -> VQConfig:
    """The config with the photos' own size where it names none; InputError where it names another."""
    side = pixels.shape[1]
    if config.image_size not in (0, side):
        raise InputError(f"vq.image_size: expected the photos' {side} px (or 0), found {config.image_size}")
    config = VQConfig(**{**asdict(config), "image_size": side})
    config.check()
    return config


def build_together(fabric: "Fabric", locked: Any, build: Any) -> Stage:
    """``build_stage`` where every process of a distributed run takes part in the building.

    Only the first process holds the stage's lock; the others follow it into ``build``, or past it.
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
    batch_size: int = 64,
    console: "Console | None" = None,
) -> Stage:
    """``codes.npy`` (P, M) of these photos by the VQ-GAN of ``vq_stage``, row for row the photos' own.

    Summary: photos, places (M), num_codes, usage and perplexity. Every process may call it: one encodes. Encoding that
    was killed goes on where it was; ``console`` shows how far it is.
    """

    def build(folder: Path) -> dict[str, Any]:
        vq = VQGAN.from_pretrained(vq_stage.folder).to(fabric.device)
        places = math.prod(vq.grid)
        with GrowingArray(folder / CODES, (places,), np.int32) as rows:
            batches = batches_of_codes(vq, pixels, batch_size, start=rows.taken)
            total = -(-len(pixels) // batch_size)
            for codes in tracked(batches, "encoding photos", total, console, done=rows.taken // batch_size):
                rows.append(codes)
        counts = np.zeros(vq.config.num_codes, dtype=np.int64)
        codes = np.load(folder / CODES, mmap_mode="r")
        for start in range(0, len(codes), COUNTED_AT_ONCE):
            counts += np.bincount(codes[start : start + COUNTED_AT_ONCE].ravel(), minlength=len(counts))
        counts = torch.from_numpy(counts)
        return {
            "photos": len(codes),
            "places": places,
            "num_codes": vq.config.num_codes,
            "usage": usage(counts),
            "perplexity": perplexity(counts),
        }

    inputs = {"photos": photos_hash, "vq": vq_stage.hash}
    return build_stage(
        cache, "codes", version=CODES_VERSION, config={}, inputs=inputs, build=build, temporary=TEMPORARY
    )
