"""The trainings of a run: of METER with its discriminator, of a baseline phase by phase, or what is fitted at once; and
of the matcher."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from meter.config import RunConfig
from meter.data import Prepared
from meter.disc import Discriminator, Matcher
from meter.model import ModelConfig, System
from meter.run_folder import RunFolder
from meter.signals import StopRequest
from meter.storage.fingerprint import plain
from meter.storage.pretrained import WEIGHTS
from meter.train.batches import Examples
from meter.train.build import (
    discriminator_config,
    make_networks,
    make_phase_networks,
    model_config,
    paired_records,
)
from meter.train.files import TrainingFiles
from meter.train.log import TrainingLog
from meter.train.loop import JointTraining
from meter.train.matcher import new_discriminator, train_matcher
from meter.train.matching import Negatives, train_matching
from meter.train.networks import JointNetworks
from meter.train.objective import DiscriminatorTraining
from meter.train.picture_features import picture_features
from meter.train.systems import SystemKind, fit_retrieval, new_baseline, open_system, photo_chooser
from meter.train.vqgan import VisualCodes

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class SystemTraining:
    """The training of a run's system and matcher in its folder; what is done is found again.

    timed: remembers how long a step takes, under its name.
    """

    config: RunConfig
    fabric: "Fabric"
    folder: RunFolder
    console: Console
    timed: Callable[[str], AbstractContextManager[None]]

    def run(
        self, prepared: Prepared, visual: VisualCodes | None, examples: Examples, stop: StopRequest
    ) -> System:
        """Trains the system of the config; returns the weights that validated best."""
        match self.config.system:
            case SystemKind.meter:
                self.train_meter(prepared, visual, examples, stop)
            case SystemKind.retrieval:
                self.fit_retrieval(prepared, visual, examples)
            case _:
                self.train_baseline(prepared, examples, stop)
        best = self.folder.model
        self.fabric.to_device(best)
        return best

    def train_meter(
        self, prepared: Prepared, visual: VisualCodes | None, examples: Examples, stop: StopRequest
    ) -> None:
        """Trains transformer and discriminator together."""
        vq = visual.vq if visual and self.config.objective.uses_pictures else None
        handed_in = None
        if visual is not None and self.config.model.picture_features:
            handed_in = picture_features(prepared, visual.codes, visual.vq.codebook.vectors)
        sizes = model_config(self.config.model, prepared, vq)
        learned = self.train_discriminator(prepared, examples, sizes)
        torch.manual_seed(self.config.seed)
        networks = make_networks(
            self.fabric,
            model=sizes,
            discriminator=self.config.disc,
            objective=self.config.objective,
            optimizer=self.config.optimizer,
            vq=vq,
            picture_features=handed_in,
            learned=learned,
        )
        self.train_networks("joint training", networks, prepared, examples, stop)

    def train_baseline(self, prepared: Prepared, examples: Examples, stop: StopRequest) -> None:
        """Trains a baseline, phase by phase, each going on from the best weights of the one before."""
        torch.manual_seed(self.config.seed)
        model = new_baseline(self.config.system, self.config.baselines, prepared)
        for phase in model.phases():
            folder = self.folder.of_phase(phase.name)
            networks = make_phase_networks(self.fabric, model, phase, self.config.optimizer)
            name = f"training of the {phase.name}" if phase.name else "training"
            self.train_networks(name, networks, prepared, examples, stop, phase.name)
            model.load_state_dict(open_system(self.config.system, folder.model_folder).state_dict())

    def fit_retrieval(self, prepared: Prepared, visual: VisualCodes | None, examples: Examples) -> None:
        """Fits what draws nothing and trains no network but the matcher, which chooses its photos."""
        if self.fabric.is_global_zero and not (self.folder.model_folder / WEIGHTS).exists():
            photos = None
            if visual is not None:
                matcher = self.train_matcher(prepared, visual, examples)
                photos = photo_chooser(prepared, visual.codes, matcher.network)
            with self.timed("training"):
                fitted = fit_retrieval(self.config.baselines, prepared, photos)
                fitted.save_pretrained(self.folder.model_folder)
        self.fabric.barrier()

    def train_matcher(self, prepared: Prepared, visual: VisualCodes, examples: Examples) -> Matcher:
        """Trains the matcher on the true pairs of the training split, or opens it."""
        folder = self.folder.matcher_folder
        if not (folder / WEIGHTS).exists():
            sizes = model_config(self.config.model, prepared, visual.vq)
            with self.timed("matcher"):
                matcher = train_matcher(
                    paired_records(prepared, examples, "train"),
                    paired_records(prepared, examples, "validation"),
                    discriminator_config(self.config.disc, sizes),
                    self.config.matcher,
                    self.config.matching,
                    self.config.data_seed,
                )
            matcher.save_pretrained(folder)
        return Matcher.from_pretrained(folder)

    def train_networks(
        self,
        name: str,
        networks: JointNetworks,
        prepared: Prepared,
        examples: Examples,
        stop: StopRequest,
        phase: str = "",
    ) -> None:
        """Runs one training to its end; ``name`` is what the terminal calls it.

        phase: of a baseline that is trained in several, each in a folder of its own.
        """
        folder = self.folder.of_phase(phase)
        folder.path.mkdir(exist_ok=True)
        files = TrainingFiles(
            checkpoint=folder.checkpoint_folder,
            best=folder.model_folder,
            best_discriminator=folder.discriminator_folder,
            journal=folder.journal_file,
            run=self.folder.path,
        )
        log = TrainingLog(
            files,
            self.console,
            self.config.log,
            plain(self.config),
            quiet=not self.fabric.is_global_zero,
            name=name,
            prefix=f"{phase}/" if phase else "",
        )
        training = JointTraining(
            fabric=self.fabric,
            networks=networks,
            examples=examples,
            splits=prepared.splits,
            objective=self.config.objective,
            optimizer=self.config.optimizer,
            config=self.config.train,
            files=files,
            seed=self.config.seed,
            log=log,
            stop=stop,
        )
        with self.timed(name):
            training.run()
        self.fabric.barrier()

    def train_discriminator(
        self, prepared: Prepared, examples: Examples, sizes: ModelConfig
    ) -> Discriminator | None:
        """D, where it learns before the transformer does, or what of it was saved; None elsewhere."""
        objective, folder = self.config.objective, self.folder.learned_discriminator_folder
        joint = objective.discriminator_training is DiscriminatorTraining.joint
        if examples.codes is None or objective.lambda_d == 0 or joint:
            return None
        if self.fabric.is_global_zero and not (folder / WEIGHTS).exists():
            network = new_discriminator(discriminator_config(self.config.disc, sizes), self.config.seed)
            with self.timed("discriminator"):
                train_matching(
                    network.to(examples.device),
                    paired_records(prepared, examples, "train"),
                    paired_records(prepared, examples, "validation"),
                    Negatives.same_feature,
                    self.config.matching,
                    self.config.seed,
                )
            network.save_pretrained(folder)
        self.fabric.barrier()
        return Discriminator.from_pretrained(folder)
