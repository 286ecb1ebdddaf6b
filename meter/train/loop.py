"""The joint training: epochs of steps, validation, early stop, checkpoints, and resuming from them."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import torch

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import load_checkpoint, save_checkpoint
from meter.train.batches import Batch, Examples, num_steps, training_batches
from meter.train.files import TrainingFiles
from meter.train.joint_cost import joint_estimate
from meter.train.log import RunningMeans, TrainingLog
from meter.train.networks import JointNetworks
from meter.train.objective import ObjectiveConfig, supervised_losses
from meter.train.optimizer import LearningRateSchedule, OptimizerConfig
from meter.train.part_weights import LossMeans, count_part
from meter.train.sharding import gathered, is_split
from meter.train.state import TrainingProgress, random_states, set_random_state
from meter.train.steps import joint_step
from meter.train.weight_average import WeightAverage

if TYPE_CHECKING:
    from lightning_fabric import Fabric


CHECKPOINT_FORMAT = 3
"""Raised whenever the entries of a checkpoint change their names or their meaning."""


class EarlyStop(Enum):
    """Which validations count as failures; after ``patience`` of them the training stops."""

    patience = "patience"
    """Those in a row without a lower J."""
    peter = "peter"
    """As PETER's code, and that of NRT and Att2Seq: all without a lower sum of text and rating loss, unweighted; a
    success forgives none."""


@dataclass(kw_only=True, slots=True)
class TrainConfig(EnumFields):
    """How long the joint training lasts."""

    epochs: int = 50
    """Passes over the training split at most."""
    batch_size: int = 128
    """Examples of a step, over all devices."""
    accumulation: int = 1
    """Parts in which a device computes its examples of a step, one after another: less memory, the same step."""
    patience: int = 5
    """Failed validations before the training stops; there is one after every epoch."""
    early_stop: EarlyStop = EarlyStop.patience
    """Which validations fail."""
    checkpoint_every: int = 200
    """Steps between checkpoints; a kill loses at most these. There is also one at the end of every epoch."""
    log_every: int = 20
    """Steps between lines of the journal."""


class JointTraining:
    """Trains the networks on the training split and keeps the weights that validate best."""

    def __init__(
        self,
        *,
        fabric: "Fabric",
        networks: JointNetworks,
        examples: Examples,
        splits: dict[str, np.ndarray],
        objective: ObjectiveConfig,
        optimizer: OptimizerConfig,
        config: TrainConfig,
        files: TrainingFiles,
        seed: int,
        log: TrainingLog,
        stop: StopRequest,
    ) -> None:
        self.fabric, self.networks, self.examples, self.splits = fabric, networks, examples, splits
        self.objective, self.optimizer, self.config = objective, optimizer, config
        self.files, self.seed, self.log, self.stop = files, seed, log, stop
        least = fabric.world_size * config.accumulation
        if min(config.batch_size, len(splits["train"])) < least:
            raise InputError(
                f"train.batch_size: expected at least a record for each of {fabric.world_size} devices × "
                f"{config.accumulation} parts, found {config.batch_size} and {len(splits['train'])} training records"
            )
        self.steps_per_epoch = num_steps(len(splits["train"]), config.batch_size)
        self.schedule = LearningRateSchedule(optimizer, config.epochs * self.steps_per_epoch)
        decay = optimizer.ema_decay
        self.average = None if decay is None else WeightAverage(networks.model, decay)
        self.progress = TrainingProgress()
        self.running = RunningMeans()

    @property
    def finished(self) -> bool:
        """Whether the epochs are over or the validation loss has stopped falling."""
        return self.progress.epoch >= self.config.epochs or self.progress.failures >= self.config.patience

    def run(self) -> TrainingProgress:
        """Trains to the end, from the last checkpoint where there is one."""
        self.resume()
        self.say_cost()
        with self.log.shown(self.config.epochs, self.steps_per_epoch, self.progress):
            while not self.finished:
                self.run_epoch()
                with nullcontext() if self.average is None else self.average.in_place():
                    self.validate()
                self.progress.epoch, self.progress.step_in_epoch = self.progress.epoch + 1, 0
                self.save()
        return self.progress

    def say_cost(self) -> None:
        """Says what is left and what it takes; raises InputError where a step does not fit into the free memory."""
        # Several devices share a step, and the weights of some strategies are in pieces: nothing is said of those.
        if (
            self.finished
            or self.fabric.world_size > 1
            or any(map(is_split, self.networks.model.parameters()))
        ):
            return
        line = joint_estimate(
            self.fabric,
            self.networks,
            self.examples,
            self.splits["train"],
            self.objective,
            batch_size=self.config.batch_size,
            accumulation=self.config.accumulation,
            steps=self.config.epochs * self.steps_per_epoch - self.progress.step,
        )
        if not self.log.quiet:
            self.log.console.print(f"{self.log.name}: {line}", soft_wrap=True)

    def run_epoch(self) -> None:
        """The rest of the current epoch."""
        for network in self.networks.all():
            network.wrapped.train()
        started = time.perf_counter()
        for parts in self.batches():
            self.step(parts)
            if self.progress.step % self.config.log_every == 0:
                self.write_means(time.perf_counter() - started)
                started = time.perf_counter()
            if self.asked_to_stop():
                self.save()
                raise Interrupted(
                    f"stopped at step {self.progress.step} after saving to {self.files.checkpoint}"
                )
            if self.progress.step % self.config.checkpoint_every == 0:
                self.save()

    def step(self, parts: list[Batch]) -> None:
        """One step of each network."""
        transformer, discriminator = self.networks.transformer, self.networks.discriminator
        self.schedule.set_rates(
            self.progress.step, transformer.optimizer, discriminator.optimizer if discriminator else None
        )
        values = joint_step(self.fabric, self.networks, parts, self.current_objective(), self.optimizer.clip)
        self.running.add(values | {"words": sum(len(part.word_slots) for part in parts)})
        self.progress.step += 1
        self.progress.step_in_epoch += 1
        if self.average is not None:
            self.average.update(self.progress.step)

    def current_objective(self) -> ObjectiveConfig:
        """J at this step: without L_d as long as that does not count yet."""
        total_steps = self.config.epochs * self.steps_per_epoch
        if self.progress.step < self.objective.matching_from * total_steps:
            return replace(self.objective, lambda_d=0.0)
        return self.objective

    def batches(self) -> Iterator[list[Batch]]:
        """This process's share of the rest of the epoch, step by step."""
        return training_batches(
            self.examples,
            self.splits["train"],
            batch_size=self.config.batch_size,
            epoch=self.progress.epoch,
            seed=self.seed,
            start=self.progress.step_in_epoch,
            rank=self.fabric.global_rank,
            world_size=self.fabric.world_size,
            parts=self.config.accumulation,
        )

    def write_means(self, seconds: float) -> None:
        """Logs the means since the last line, which was ``seconds`` ago, and starts the next interval."""
        steps = self.running.sums["steps"]
        means = self.running.means(self.fabric)
        words = means.pop("words") * steps * self.fabric.world_size
        self.log.train(self.progress, means, words / seconds)
        self.running.clear()

    def asked_to_stop(self) -> bool:
        """Whether to stop at this step; several processes stop together, as each has something to save."""
        if self.fabric.world_size == 1:
            return self.stop.asked
        asks = self.progress.step % self.config.log_every == 0
        return asks and bool(self.fabric.broadcast(self.stop.asked))

    @torch.no_grad()
    def validate(self) -> None:
        """Measures the validation split and remembers the best weights."""
        packed = self.networks.transformer.module.eval()
        losses, objective = LossMeans(), replace(self.objective, label_smoothing=0.0)
        for batch in self.validation_batches():
            with self.fabric.autocast():
                output = packed(
                    batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
                )
            losses.add(
                supervised_losses(output, batch.words, batch.ratings, batch.codes, objective),
                count_part(batch, objective.context_targets),
            )
        means = losses.means(objective)
        self.keep_best(self.validation_loss(means))
        self.log.validation(self.progress, means)

    def validation_batches(self) -> Iterator[Batch]:
        """The validation split; records with a picture and records without one apart."""
        rows = torch.from_numpy(np.array(self.splits["validation"], dtype=np.int64))
        for chunk in rows.split(self.config.batch_size):
            yield from self.examples.by_picture(chunk)

    def validation_loss(self, means: dict[str, float]) -> float:
        """What the early stop and the choice of the best weights go by."""
        if self.config.early_stop is EarlyStop.patience:
            return means["total"]
        counted = ("text", "rating") if self.objective.lambda_r > 0 else ("text",)
        return sum(means[name] for name in counted if name in means)

    def keep_best(self, loss: float) -> None:
        """Saves the weights where the validation loss is the lowest so far; counts a failure otherwise."""
        improved = loss < self.progress.best_loss
        if not improved:
            self.progress.failures += 1
            self.schedule.not_improved()
            return
        self.progress.best_loss, self.progress.best_epoch = loss, self.progress.epoch
        if self.config.early_stop is EarlyStop.patience:
            self.progress.failures = 0
        model, discriminator = self.networks.model, self.networks.discriminator
        weights = gathered(model.state_dict())
        if self.fabric.is_global_zero:
            model.save_pretrained(self.files.best, weights)
            if discriminator is not None:
                discriminator.module.discriminator.save_pretrained(self.files.best_discriminator)

    def save(self) -> None:
        """Writes everything that the next step depends on."""
        state = {
            "format": CHECKPOINT_FORMAT,
            **self.networks.state_dict(),
            "random": random_states(self.fabric),
            "schedule": self.schedule.state_dict(),
            "progress": asdict(self.progress),
            "running": dict(self.running.sums),
            "average": None if self.average is None else self.average.state_dict(),
            "journal": len(self.log.journal),
        }
        if self.fabric.is_global_zero:
            save_checkpoint(self.files.checkpoint, state)

    def resume(self) -> None:
        """Continues from the last whole checkpoint; journal lines that were written after it are dropped."""
        state = load_checkpoint(self.files.checkpoint)
        if state is not None:
            if state.get("format") != CHECKPOINT_FORMAT:
                raise InputError(
                    f"{self.files.checkpoint}: expected a checkpoint of format {CHECKPOINT_FORMAT}, found "
                    f"{state.get('format')}, of another version of meter: go on with that version, or remove the "
                    "folder to train from the start"
                )
            self.networks.load_state_dict(state)
            self.schedule.load_state_dict(state["schedule"])
            self.progress = TrainingProgress(**state["progress"])
            self.running = RunningMeans(state["running"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            set_random_state(self.fabric, state["random"])
        if self.fabric.is_global_zero:
            self.log.journal.truncate(0 if state is None else state["journal"])
