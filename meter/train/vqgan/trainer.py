"""Pretraining of the VQ-GAN: a loop that resumes from its checkpoint and ends with a measurement."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from meter.errors import InputError
from meter.progress import training_progress
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import load_checkpoint, save_checkpoint
from meter.storage.journal import Journal
from meter.train.resources import format_bytes, format_duration, free_memory, machine_name
from meter.train.vqgan.codebook_training import CodebookTraining
from meter.train.vqgan.cost import parts_of_step, pretraining_cost, training_speed
from meter.train.vqgan.interval import Interval
from meter.train.vqgan.networks import new_networks
from meter.train.vqgan.objective import CodebookUpdate, LossConfig
from meter.train.vqgan.samples import draw_samples, reconstruct, summarise
from meter.train.vqgan.schedule import LearningRateCurve, learning_rate_factor, photos_of_step, split_photos
from meter.train.vqgan.steps import codec_step, discriminator_step
from meter.vq.codebook import perplexity, usage
from meter.vq.vqgan import VQConfig, images_from_pixels

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from rich.console import Console

STATE = "state"
STATE_FORMAT = 2
"""Raised whenever the entries of a checkpoint change their names or their meaning."""
SHOWN = ("reconstruction", "codebook", "adversarial", "discriminator")
logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class PretrainConfig(LossConfig):
    """How long and how fast the codec is trained, beside its losses; the defaults are taming-transformers'."""

    steps: int = 100_000
    """Optimizer steps."""
    batch_size: int = 16
    """Photos a step, over all devices."""
    accumulation: int = 0
    """Parts that a device computes its photos of a step in, one after another: less memory, the same step.
    0: as few as fit into the memory that is free."""
    learning_rate: float = 7.2e-5
    """Highest rate of both optimizers; taming's is 4.5e-6 × photos a step."""
    schedule: LearningRateCurve = LearningRateCurve.constant
    """How the rate changes over the steps."""
    warmup: float = 0.15
    """Share of the steps that ``one_cycle`` rises."""
    betas: list[float] = field(default_factory=lambda: [0.5, 0.9])
    """Adam's decay rates, of both optimizers."""
    codebook_decay: float = 0.99
    """γ of the moving averages, with ``codebook=ema``."""
    revive_every: int = 50
    """Steps after which codes that no point has chosen since are moved onto encoder outputs; 0: never."""
    revive_until: float = 0.9
    """Share of the steps after which no code is moved any more, so that the decoder can learn the last ones."""
    held_out: float = 0.05
    """Share of the photos that are not trained on: PSNR and SSIM are measured there."""
    samples: int = 8
    """Held-out photos drawn over their reconstructions in ``samples/``, at every checkpoint and at the end."""
    log_every: int = 20
    """Steps between lines of the journal."""
    checkpoint_every: int = 500
    """Steps between checkpoints; a kill loses at most these."""

    def check(self, num_photos: int, devices: int) -> None:
        """Raises InputError where a value makes no training."""
        if num_photos < 2:
            raise InputError(
                f"VQ-GAN pretraining needs at least 2 photos (one is held out), found {num_photos}"
            )
        for name in ("steps", "batch_size", "log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"pretrain.{name}: expected at least 1, found {getattr(self, name)}")
        if self.accumulation < 0:
            raise InputError(f"pretrain.accumulation: expected 0 or more, found {self.accumulation}")
        if self.batch_size < devices * self.accumulation:
            raise InputError(
                f"pretrain.batch_size: expected at least a photo for each of {devices} devices × {self.accumulation} "
                f"parts, found {self.batch_size}"
            )
        if not 0 <= self.held_out < 1:
            raise InputError(f"pretrain.held_out: expected a share in [0, 1), found {self.held_out}")
        if not 0 <= self.codebook_decay < 1:
            raise InputError(
                f"pretrain.codebook_decay: expected a share in [0, 1), found {self.codebook_decay}"
            )
        if len(self.betas) != 2:
            raise InputError(f"pretrain.betas: expected two numbers, found {list(self.betas)}")


class Pretraining:
    """Trains a codec in ``folder``; a new one of the same config resumes from the checkpoint it finds there.

    Raises InputError where a value makes no training, or where a step does not fit into the memory that is free.
    """

    def __init__(
        self,
        *,
        pixels: UInt8[np.ndarray, "P S S 3"],
        config: VQConfig,
        training: PretrainConfig,
        folder: Path,
        fabric: "Fabric",
        seed: int,
        console: "Console | None",
        stop: StopRequest,
    ) -> None:
        training.check(len(pixels), fabric.world_size)
        self.pixels, self.training, self.folder = pixels, training, folder
        self.fabric, self.seed, self.stop = fabric, seed, stop
        self.console = console if fabric.is_global_zero else None
        self.split = split_photos(len(pixels), training.held_out, seed)
        device_batch = -(-training.batch_size // fabric.world_size)
        self.cost = pretraining_cost(config, training, device_batch, fabric)
        self.parts = self.choose_parts(config)
        self.networks = new_networks(
            config, training, fabric, rate=training.learning_rate, betas=training.betas, seed=seed
        )
        decay = training.codebook_decay if training.codebook is CodebookUpdate.ema else None
        self.codebook = CodebookTraining(self.networks.vq.codebook, decay, fabric)
        self.journal = Journal(folder / "metrics.jsonl")
        self.step, self.seconds, self.shown = 0, 0.0, ""
        self.interval = Interval(config.num_codes, fabric.device)

    def choose_parts(self, config: VQConfig) -> int:
        """The parts of a step; the same in every process, by the memory of the first."""
        fabric, training = self.fabric, self.training
        free = free_memory(fabric.device)
        if free is not None and fabric.device.type == "cpu":
            free //= fabric.world_size
        return parts_of_step(
            self.cost,
            config,
            asked=training.accumulation,
            free=fabric.broadcast(free),
        )

    def run(self) -> dict[str, Any]:
        """Trains to the end, saves the codec and returns its summary."""
        self.resume()
        if self.console is not None and self.step < self.training.steps:
            self.console.print(self.estimate(), soft_wrap=True)
        with training_progress("VQ-GAN", self.training.steps, self.console, self.step) as show:
            before, started = self.seconds, time.perf_counter()
            while self.step < self.training.steps:
                self.train_step()
                self.seconds = before + time.perf_counter() - started
                if self.line_due:
                    self.write_line()
                show(self.step, self.shown)
                self.save_where_due()
        return self.finish()

    def estimate(self) -> str:
        """One line: what is left to do, and about how much memory and time it takes."""
        training, vq = self.training, self.networks.vq
        part = -(-self.cost.batch_size // self.parts)
        speed = training_speed(vq, self.pixels, training, self.fabric, at_once=part)
        left, adversarial = training.steps - self.step, 0
        if training.disc_weight > 0:
            adversarial = min(left, max(0, training.steps - training.first_discriminator_step))
        operations = (left - adversarial) * self.cost.operations(self.parts, adversarial=False)
        operations += adversarial * self.cost.operations(self.parts, adversarial=True)
        parts = f", each in {self.parts} parts" if self.parts > 1 else ""
        return (
            f"VQ-GAN: {left:,} steps of {training.batch_size} photos of "
            f"{vq.config.image_size} px{parts}; about {format_bytes(self.cost.bytes(self.parts))} "
            f"and {format_duration(operations / speed)} on this machine ({machine_name(self.fabric.device)})"
        )

    @property
    def line_due(self) -> bool:
        """Whether the journal gets a line; at every checkpoint too."""
        training = self.training
        return any(
            self.step % n == 0 for n in (training.log_every, training.checkpoint_every, training.steps)
        )

    def train_step(self) -> None:
        """One batch: the codec's step, the discriminator's, and the revival of unused codes."""
        training, networks = self.training, self.networks
        images = self.images(photos_of_step(self.split.training, self.step, training.batch_size, self.seed))
        if self.step == training.codebook_start:
            vq = networks.vq
            points = torch.cat([vq.points(part) for part in images.tensor_split(self.parts_of(images))])
            self.codebook.seed(points, self.generator())
        factor = learning_rate_factor(
            self.step, steps=training.steps, warmup=training.warmup, curve=training.schedule
        )
        networks.set_learning_rate(training.learning_rate * factor)
        result = codec_step(self.fabric, networks, images, self.step, self.parts_of(images))
        if self.step >= training.codebook_start:
            self.codebook.average(result.encoded, result.codes)
        if networks.discriminator is not None and self.step >= training.first_discriminator_step:
            result.values["discriminator"] = discriminator_step(
                self.fabric, networks, images, result.reconstruction
            )
        self.interval.add(result.values, self.codebook.count(result.codes), self.step)
        self.step += 1
        if training.revive_every and self.step % training.revive_every == 0:
            if training.codebook_start < self.step <= training.revive_until * training.steps:
                self.interval.revived += self.codebook.revive(result.encoded, self.generator())
            self.codebook.code_counts.zero_()

    def parts_of(self, images: Float[Tensor, "B 3 S S"]) -> int:
        """The parts of this process's share of a step, of which there are no more than photos."""
        return min(self.parts, len(images))

    def images(self, photos: Int[np.ndarray, "T"]) -> Float[Tensor, "B 3 S S"]:
        """This process's share of these photos, on the device."""
        share = photos[self.fabric.global_rank :: self.fabric.world_size]
        return images_from_pixels(self.pixels[share]).to(self.fabric.device)

    def generator(self) -> torch.Generator:
        """Randomness of this step alone: no checkpoint holds it."""
        (number,) = np.random.SeedSequence([self.seed, self.step]).generate_state(1)
        return torch.Generator().manual_seed(int(number))

    def write_line(self) -> None:
        """One line of the journal for the steps since the last."""
        self.check_finite()
        interval = self.interval
        counts = self.codebook.summed(interval.code_counts)
        line = interval.means()
        line |= {"usage": usage(counts), "perplexity": perplexity(counts), "revived": interval.revived}
        losses = " ".join(f"{name} {line[name]:.4f}" for name in SHOWN if name in line)
        photos_per_second = self.step * self.training.batch_size / max(self.seconds, 1e-9)
        self.shown = f"{losses} [dim]{photos_per_second:,.1f} photos/s[/dim]"
        if self.fabric.is_global_zero:
            self.journal.write(kind="train", step=self.step, **line)
        logger.info("VQ-GAN step %d of %d: %s", self.step, self.training.steps, losses)
        self.interval = Interval(len(counts), self.fabric.device)

    def check_finite(self) -> None:
        """Raises FloatingPointError where a loss since the last line of the journal is not finite, in any process."""
        if self.codebook.summed((self.interval.first_not_finite >= 0).long()) == 0:
            return
        step = int(self.interval.first_not_finite)
        photos = photos_of_step(self.split.training, max(step, 0), self.training.batch_size, self.seed)
        raise FloatingPointError(
            f"VQ-GAN pretraining: the loss of step {step} (photos {photos.tolist()}) is not finite; the last good "
            f"state is in {self.folder / STATE}; try a lower pretrain.learning_rate, or 32-bit precision"
        )

    def asked_to_stop(self) -> bool:
        """Whether to stop after this step; several processes stop together, at a line of the journal."""
        if self.fabric.world_size == 1:
            return self.stop.asked
        return self.line_due and bool(self.fabric.broadcast(self.stop.asked))

    def save_where_due(self) -> None:
        """Writes a checkpoint and sample pictures at their steps, and where a stop was asked for."""
        stopping = self.asked_to_stop() and self.step < self.training.steps
        if stopping:
            self.check_finite()
        if stopping or self.step % self.training.checkpoint_every == 0 or self.step == self.training.steps:
            self.save()
        if stopping:
            raise Interrupted(
                f"stopped at step {self.step} of the VQ-GAN after saving to {self.folder / STATE}"
            )

    def save(self) -> None:
        """Writes everything that the next step depends on."""
        if not self.fabric.is_global_zero:
            return
        self.draw_samples()
        state = {
            "format": STATE_FORMAT,
            "step": self.step,
            "seconds": self.seconds,
            **self.codebook.state_dict(),
            "interval": self.interval.state_dict(),
            "journal": len(self.journal),
            "networks": self.networks.state_dict(),
        }
        save_checkpoint(self.folder / STATE, state)

    def resume(self) -> None:
        """Restores the last whole checkpoint, if there is one; the journal drops the lines after it."""
        state = load_checkpoint(self.folder / STATE)
        if state is not None:
            if state.get("format") != STATE_FORMAT:
                raise InputError(
                    f"{self.folder / STATE}: expected a checkpoint of format {STATE_FORMAT}, found "
                    f"{state.get('format')}, of another version of meter: go on with that version, or remove "
                    f"{self.folder} to train from the start"
                )
            self.step, self.seconds = state["step"], state["seconds"]
            self.codebook.load_state_dict(state)
            self.interval.load_state_dict(state["interval"])
            self.networks.load_state_dict(state["networks"])
        if self.fabric.is_global_zero:
            self.journal.truncate(0 if state is None else state["journal"])
        self.fabric.barrier()

    def draw_samples(self) -> None:
        """Draws held-out photos over their reconstructions by the codec as it is now."""
        photos = np.ascontiguousarray(self.pixels[self.split.held_out[: self.training.samples]])
        if len(photos):
            path = self.folder / "samples" / f"{self.step:07d}.png"
            draw_samples(path, photos, reconstruct(self.networks.vq, photos))

    def finish(self) -> dict[str, Any]:
        """Saves the codec and measures its quality on held-out photos."""
        vq = self.networks.vq.eval()
        summary = summarise(vq, self.pixels, self.split.held_out)
        if self.fabric.is_global_zero:
            vq.save_pretrained(self.folder)
        return {**summary, "steps": self.step, "seconds": round(self.seconds, 1)}
