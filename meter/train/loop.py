"""The joint training: epochs of two-player steps, validation, early stop, checkpoints, and going on after a kill."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import load_checkpoint, save_checkpoint
from meter.train.batches import Batch, Examples, num_steps, ordered_batches, training_batches
from meter.train.log import TrainingLog
from meter.train.objective import ObjectiveConfig, supervised_losses
from meter.train.optimizer import OptimizerConfig, Schedule
from meter.train.sharding import gathered, load_optimizer, load_weights
from meter.train.steps import Players, joint_step

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class EarlyStop(Enum):
    """Which validations count as failures; after ``patience`` of them the training stops."""

    patience = "patience"
    """Those in a row without a lower J."""
    peter = "peter"
    """As PETER's code: all without a lower sum of text and rating loss, unweighted; a success forgives none."""


@dataclass(kw_only=True, slots=True)
class TrainConfig(EnumFields):
    """How long the joint training goes on."""

    epochs: int = 50
    """Passes over the training split at most."""
    batch_size: int = 128
    """Examples a step, over all devices."""
    accumulation: int = 1
    """Parts that a device computes its examples of a step in, one after another: less memory, the same step."""
    patience: int = 5
    """Failed validations, one an epoch, before the training stops."""
    early_stop: EarlyStop = EarlyStop.patience
    """Which validations fail."""
    checkpoint_every: int = 200
    """Steps between checkpoints; a kill loses at most these. The end of every epoch is one too."""
    log_every: int = 20
    """Steps between lines of the journal."""


@dataclass(kw_only=True, slots=True)
class Position:
    """Where a training stands.

    epoch, place: the epoch under way and its next step.  step: optimizer steps in all.
    best_loss, best_epoch: of the validations so far.  failures: validations that count against the patience.
    """

    epoch: int = 0
    place: int = 0
    step: int = 0
    best_loss: float = math.inf
    best_epoch: int = -1
    failures: int = 0


class JointTraining:
    """Trains the players on the training rows and keeps the weights that validate best in ``<folder>/best``."""

    def __init__(
        self,
        *,
        fabric: "Fabric",
        players: Players,
        examples: Examples,
        splits: dict[str, np.ndarray],
        objective: ObjectiveConfig,
        optimizer: OptimizerConfig,
        config: TrainConfig,
        folder: Path,
        seed: int,
        log: TrainingLog,
        stop: StopRequest,
    ) -> None:
        self.fabric, self.players, self.examples, self.splits = fabric, players, examples, splits
        self.objective, self.optimizer, self.config = objective, optimizer, config
        self.folder, self.seed, self.log, self.stop = folder, seed, log, stop
        least = fabric.world_size * config.accumulation
        if min(config.batch_size, len(splits["train"])) < least:
            raise InputError(
                f"train.batch_size: expected at least a record for each of {fabric.world_size} devices × "
                f"{config.accumulation} parts, found {config.batch_size} and {len(splits['train'])} training records"
            )
        self.steps_per_epoch = num_steps(len(splits["train"]), config.batch_size)
        self.schedule = Schedule(optimizer, config.epochs * self.steps_per_epoch)
        self.position = Position()
        self.window: defaultdict[str, float] = defaultdict(float)

    @property
    def finished(self) -> bool:
        """Whether the epochs are over or the validation loss has stopped falling."""
        return self.position.epoch >= self.config.epochs or self.position.failures >= self.config.patience

    def run(self) -> Position:
        """Trains to the end, from the last checkpoint where there is one."""
        self.resume()
        with self.log.progress(self.config.epochs, self.steps_per_epoch, self.position):
            while not self.finished:
                self.run_epoch()
                self.validate()
                self.position.epoch, self.position.place = self.position.epoch + 1, 0
                self.save()
        return self.position

    def run_epoch(self) -> None:
        """The rest of the current epoch."""
        self.players.model.train()
        started = time.perf_counter()
        for parts in self.batches():
            self.step(parts)
            self.position.place += 1
            self.position.step += 1
            if self.position.step % self.config.log_every == 0:
                self.write_window(time.perf_counter() - started)
                started = time.perf_counter()
            if self.asked_to_stop():
                self.save()
                raise Interrupted(
                    f"stopped at step {self.position.step} after saving to {self.folder / 'last'}"
                )
            if self.position.step % self.config.checkpoint_every == 0:
                self.save()

    def asked_to_stop(self) -> bool:
        """Whether to stop at this step; several processes stop together, as each has something to save."""
        if self.fabric.world_size == 1:
            return self.stop.asked
        looks = self.position.step % self.config.log_every == 0
        return looks and bool(self.fabric.broadcast(self.stop.asked))

    def step(self, parts: list[Batch]) -> None:
        """One step of each player."""
        players = self.players
        self.schedule.set_rates(self.position.step, players.model_optimizer, players.discriminator_optimizer)
        values = joint_step(self.fabric, players, parts, self.objective, self.optimizer.clip)
        values["words"] = sum(len(part.places) for part in parts)
        values["steps"] = 1
        for name, value in values.items():
            self.window[name] += value

    def batches(self) -> Iterator[list[Batch]]:
        """What this process sees of the rest of the epoch, step by step."""
        return training_batches(
            self.examples,
            self.splits["train"],
            batch_size=self.config.batch_size,
            epoch=self.position.epoch,
            seed=self.seed,
            start=self.position.place,
            rank=self.fabric.global_rank,
            world_size=self.fabric.world_size,
            parts=self.config.accumulation,
        )

    @torch.no_grad()
    def validate(self) -> None:
        """Measures the validation split and remembers the best weights."""
        self.players.meter.eval()
        sums: defaultdict[str, float] = defaultdict(float)
        for batch in ordered_batches(
            self.examples, self.splits["validation"], batch_size=self.config.batch_size
        ):
            with self.fabric.autocast():
                output = self.players.meter(
                    batch.users, batch.items, batch.features, batch.words, batch.codes, batch.places
                )
            losses = supervised_losses(
                output, batch.words, batch.ratings, batch.codes, self.objective, batch.places
            )
            values = losses.named() | {"total": losses.total(self.objective)}
            for name, value in values.items():
                sums[name] += value.item() * len(batch.rows)
        means = {name: total / len(self.splits["validation"]) for name, total in sums.items()}
        self.judge(self.validation_loss(means))
        self.log.validation(self.position, means)

    def validation_loss(self, means: dict[str, float]) -> float:
        """What the early stop and the choice of the best weights go by."""
        if self.config.early_stop is EarlyStop.patience:
            return means["total"]
        return means["text"] + (means["rating"] if self.objective.lambda_r > 0 else 0.0)

    def judge(self, loss: float) -> None:
        """Keeps the weights of a new best validation loss; counts a failure otherwise."""
        if loss < self.position.best_loss:
            self.position.best_loss, self.position.best_epoch = loss, self.position.epoch
            if self.config.early_stop is EarlyStop.patience:
                self.position.failures = 0
            weights = gathered(self.players.meter.state_dict())
            if self.fabric.is_global_zero:
                self.players.meter.save_pretrained(self.folder / "best", weights)
                if self.players.judge is not None:
                    self.players.judge.discriminator.save_pretrained(self.folder / "best" / "discriminator")
        else:
            self.position.failures += 1
            self.schedule.not_improved()

    def write_window(self, seconds: float) -> None:
        """Logs the means since the last line and begins a new window."""
        totals = dict(self.window)
        if self.fabric.world_size > 1:
            ours = torch.tensor(list(totals.values()), device=self.fabric.device)
            totals = dict(zip(totals, torch.as_tensor(self.fabric.all_reduce(ours)).tolist(), strict=True))
        steps, words = totals.pop("steps"), totals.pop("words")
        means = {name: total / steps for name, total in totals.items()}
        self.log.train(self.position, means, words / seconds * self.fabric.world_size)
        self.window.clear()

    def save(self) -> None:
        """Writes everything that the next step depends on."""
        players = self.players
        whole = {
            "model": gathered(players.meter.state_dict()),
            "model_optimizer": gathered(players.model_optimizer.state_dict()),
            "random": random_states(self.fabric),
        }
        if not self.fabric.is_global_zero:
            return
        state: dict[str, Any] = {
            **whole,
            "schedule": self.schedule.state_dict(),
            "position": asdict(self.position),
            "window": dict(self.window),
            "journal": len(self.log.journal),
        }
        if players.judge is not None and players.discriminator_optimizer is not None:
            state["discriminator"] = players.judge.state_dict()
            state["discriminator_optimizer"] = players.discriminator_optimizer.state_dict()
        save_checkpoint(self.folder / "last", state)

    def resume(self) -> None:
        """Goes on from the last whole checkpoint; the journal forgets what came after it."""
        state = load_checkpoint(self.folder / "last")
        if state is None:
            self.log.journal.truncate(0)
            return
        players = self.players
        load_weights(players.meter, state["model"])
        load_optimizer(players.model_optimizer, state["model_optimizer"])
        if players.judge is not None and players.discriminator_optimizer is not None:
            players.judge.load_state_dict(state["discriminator"], strict=True)
            players.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.position = Position(**state["position"])
        self.window = defaultdict(float, state["window"])
        # Other processes than before: each begins where the first was.
        states, rank = state["random"], self.fabric.global_rank
        set_random_state(states[rank] if len(states) == self.fabric.world_size else states[0])
        self.log.journal.truncate(state["journal"])


def random_states(fabric: "Fabric") -> list[dict[str, Any]]:
    """The states of torch's generators in every process: the only ones that a training step draws from."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    mine = {"cpu": torch.get_rng_state(), "cuda": cuda}
    if fabric.world_size == 1:
        return [mine]
    states: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(states, mine)
    return states


def set_random_state(state: dict[str, Any]) -> None:
    """Puts the generators back; a run that moves to a machine with other devices keeps what fits."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
