"""Pretraining of the VQ-GAN: a loop that goes on where it was killed and ends with what it measured."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from meter.errors import InputError
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import load_checkpoint, save_checkpoint
from meter.storage.journal import Journal
from meter.train.vqgan.moving_averages import MovingAverages, gather
from meter.train.vqgan.samples import draw_samples, reconstruct, summarise
from meter.train.vqgan.schedule import Schedule, held_out_rows, rate_share, rows_of_step
from meter.train.vqgan.steps import (
    CodebookUpdate,
    CodecLosses,
    LossConfig,
    codec_step,
    discriminator_step,
    new_players,
)
from meter.train.vqgan.window import Window, shown_progress
from meter.vq.codebook import count_codes, perplexity, usage
from meter.vq.vqgan import VQConfig, images_from_pixels

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from rich.console import Console

STATE = "state"
SHOWN = ("reconstruction", "codebook", "adversarial", "discriminator")
logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class PretrainConfig(LossConfig):
    """How long and how fast the codec is trained, beside what for; the defaults are taming-transformers'."""

    steps: int = 100_000
    """Optimizer steps."""
    batch_size: int = 16
    """Photos a step, over all devices."""
    learning_rate: float = 7.2e-5
    """Highest rate of both optimizers; taming's is 4.5e-6 × photos a step."""
    schedule: Schedule = Schedule.constant
    """How the rate runs."""
    warmup: float = 0.15
    """Share of the steps that ``one_cycle`` rises."""
    betas: list[float] = field(default_factory=lambda: [0.5, 0.9])
    """Adam's decay rates, of both optimizers."""
    codebook_decay: float = 0.99
    """γ of the moving averages, with ``codebook=ema``."""
    revive_every: int = 50
    """Steps after which codes that nothing chose meanwhile are moved onto encoder outputs; 0: never."""
    revive_until: float = 0.9
    """Share of the steps after which no code is moved any more, so that the decoder learns the last ones."""
    held_out: float = 0.05
    """Share of the photos that are not trained on: PSNR and SSIM are measured there."""
    samples: int = 8
    """Held-out photos drawn over their reconstructions in ``samples/``, at every checkpoint and at the end."""
    log_every: int = 20
    """Steps between lines of the journal."""
    checkpoint_every: int = 500
    """Steps between checkpoints; a kill loses at most these."""

    def check(self, num_photos: int) -> None:
        """Raises InputError where a value cannot be."""
        if num_photos < 2:
            raise InputError(
                f"VQ-GAN pretraining needs at least 2 photos (one is held out), found {num_photos}"
            )
        for name in ("steps", "batch_size", "log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"pretrain.{name}: expected at least 1, found {getattr(self, name)}")
        if not 0 <= self.held_out < 1:
            raise InputError(f"pretrain.held_out: expected a share in [0, 1), found {self.held_out}")
        if not 0 <= self.codebook_decay < 1:
            raise InputError(
                f"pretrain.codebook_decay: expected a share in [0, 1), found {self.codebook_decay}"
            )
        if len(self.betas) != 2:
            raise InputError(f"pretrain.betas: expected two numbers, found {list(self.betas)}")


class Pretraining:
    """Trains one codec in ``folder``; a new one of the same config goes on from the checkpoint it finds there."""

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
        training.check(len(pixels))
        self.pixels, self.training, self.folder = pixels, training, folder
        self.fabric, self.seed, self.console, self.stop = fabric, seed, console, stop
        self.trained, self.held = held_out_rows(len(pixels), training.held_out, seed)
        self.players = new_players(
            config, training, fabric, rate=training.learning_rate, betas=training.betas, seed=seed
        )
        self.averages = None
        if training.codebook is CodebookUpdate.ema:
            self.averages = MovingAverages(self.players.vq.codebook, training.codebook_decay)
        self.journal = Journal(folder / "metrics.jsonl")
        self.step, self.seconds, self.losses = 0, 0.0, ""
        # How often each code was chosen since the last revival.
        self.chosen = torch.zeros(config.num_codes, dtype=torch.long, device=fabric.device)
        self.window = Window(config.num_codes, fabric.device)

    def run(self) -> dict[str, Any]:
        """Trains to the end, saves the codec and returns what is measured of it."""
        self.resume()
        console = self.console if self.fabric.is_global_zero else None
        with shown_progress(console, self.training.steps, self.training.batch_size) as show:
            before, started = self.seconds, time.perf_counter()
            while self.step < self.training.steps:
                self.train_step()
                show(self.step, self.losses)
                if self.line_due:
                    self.seconds = before + time.perf_counter() - started
                    self.write_window()
                    self.save_where_due()
        return self.finish()

    @property
    def line_due(self) -> bool:
        """Whether the journal gets a line: before a checkpoint too, so that no checkpoint cuts a window."""
        training = self.training
        return any(
            self.step % n == 0 for n in (training.log_every, training.checkpoint_every, training.steps)
        )

    def train_step(self) -> None:
        """One batch: the codec's step, the discriminator's, and new life for dead codes."""
        training, players = self.training, self.players
        rows = rows_of_step(self.trained, self.step, training.batch_size, self.seed)
        images = self.images(rows)
        if self.step == training.codebook_start:
            self.seed_codebook(images)
        share = rate_share(
            self.step, steps=training.steps, warmup=training.warmup, schedule=training.schedule
        )
        players.set_rate(training.learning_rate * share)
        done = codec_step(self.fabric, players, images, self.step)
        if self.averages is not None and self.step >= training.codebook_start:
            self.average(self.averages, done)
        if players.discriminator is not None and self.step >= training.first_discriminator_step:
            made = done.output.reconstruction
            done.values["discriminator"] = discriminator_step(self.fabric, players, images, made)
        counts = count_codes(done.output.codes, len(self.chosen))
        self.chosen += counts
        self.window.add(done.values, counts, self.step)
        self.step += 1
        if training.revive_every and self.step % training.revive_every == 0:
            if training.codebook_start < self.step <= training.revive_until * training.steps:
                self.revive(done.output.encoded)
            self.chosen.zero_()

    def images(self, rows: Int[np.ndarray, "T"]) -> Float[Tensor, "B 3 S S"]:
        """This process's share of these photos, on the device."""
        mine = rows[self.fabric.global_rank :: self.fabric.world_size]
        return images_from_pixels(self.pixels[mine]).to(self.fabric.device)

    def seed_codebook(self, images: Float[Tensor, "B 3 S S"]) -> None:
        """Puts the codes where the fresh encoder's outputs lie: else most would never be the nearest."""
        codebook = self.players.vq.codebook
        with torch.no_grad():
            codebook.seed(self.players.vq(images).encoded, self.generator())
        codebook.vectors.data = self.fabric.broadcast(codebook.vectors.data)
        self.chosen.zero_()
        if self.averages is not None:
            self.averages.restart(torch.ones_like(self.chosen, dtype=torch.bool))

    def average(self, averages: MovingAverages, done: CodecLosses) -> None:
        """Moves the codes to what lately chose them, in any process."""
        sizes, sums = gather(done.output.encoded, done.output.codes, len(self.chosen))
        averages.update(self.summed(sizes), self.summed(sums))

    def revive(self, encoded: Float[Tensor, "N C"]) -> None:
        """Moves the codes that no process has chosen since the last time."""
        codebook = self.players.vq.codebook
        used = self.summed(self.chosen) > 0
        self.window.revived += codebook.revive(encoded, used, self.generator())
        codebook.vectors.data = self.fabric.broadcast(codebook.vectors.data)
        if self.averages is not None:
            self.averages.restart(~used)

    def generator(self) -> torch.Generator:
        """Randomness of this step alone: nothing of it must be saved."""
        (number,) = np.random.SeedSequence([self.seed, self.step]).generate_state(1)
        return torch.Generator().manual_seed(int(number))

    def summed(self, counts: Tensor) -> Tensor:
        """These counts or sums over all processes."""
        return cast(Tensor, self.fabric.all_reduce(counts.clone(), reduce_op="sum"))

    def write_window(self) -> None:
        """One line of the journal for the steps since the last; stops where a loss was not finite."""
        window = self.window
        if self.summed((window.first_bad >= 0).long()) > 0:
            raise FloatingPointError(self.not_finite(int(window.first_bad)))
        counts = self.summed(window.counts)
        line: dict[str, float] = {
            name: total.item() / steps for name, (total, steps) in window.totals.items()
        }
        line |= {"usage": usage(counts), "perplexity": perplexity(counts), "revived": window.revived}
        self.losses = " ".join(f"{name} {line[name]:.4f}" for name in SHOWN if name in line)
        if self.fabric.is_global_zero:
            self.journal.write(kind="train", step=self.step, **line)
        logger.info("VQ-GAN step %d of %d: %s", self.step, self.training.steps, self.losses)
        self.window = Window(len(counts), self.fabric.device)

    def not_finite(self, step: int) -> str:
        """What to say of a loss that is not a number."""
        rows = rows_of_step(self.trained, max(step, 0), self.training.batch_size, self.seed).tolist()
        return (
            f"VQ-GAN pretraining: the loss of step {step} (photos {rows}) is not finite; the last good state is "
            f"in {self.folder / STATE}; try a lower pretrain.learning_rate, or 32-bit precision"
        )

    def save_where_due(self) -> None:
        """Writes a checkpoint and sample pictures at their steps, and where somebody asked to stop."""
        stopping = bool(self.fabric.broadcast(self.stop.asked)) and self.step < self.training.steps
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
        self.draw()
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "chosen": self.chosen,
            "journal": len(self.journal),
            "players": self.players.state_dict(),
        }
        if self.averages is not None:
            state["averages"] = self.averages.state_dict()
        save_checkpoint(self.folder / STATE, state)

    def resume(self) -> None:
        """Goes on from the last whole checkpoint; the journal forgets what came after it."""
        state = load_checkpoint(self.folder / STATE)
        if state is not None:
            self.step, self.seconds = state["step"], state["seconds"]
            self.chosen.copy_(state["chosen"])
            self.players.load_state_dict(state["players"])
            if self.averages is not None:
                self.averages.load_state_dict(state["averages"])
        if self.fabric.is_global_zero:
            self.journal.truncate(0 if state is None else state["journal"])
        self.fabric.barrier()

    def draw(self) -> None:
        """Held-out photos over their reconstructions, as the codec makes them now."""
        true = np.ascontiguousarray(self.pixels[self.held[: self.training.samples]])
        if len(true):
            path = self.folder / "samples" / f"{self.step:07d}.png"
            draw_samples(path, true, reconstruct(self.players.vq, true))

    def finish(self) -> dict[str, Any]:
        """Saves the codec and measures it: quality on held-out photos, use of the codes over all."""
        vq = self.players.vq.eval()
        found = summarise(vq, self.pixels, self.held)
        if self.fabric.is_global_zero:
            vq.save_pretrained(self.folder)
        return {**found, "steps": self.step, "seconds": round(self.seconds, 1)}
