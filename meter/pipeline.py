"""A run from raw data to its report: data → VQ-GAN → codes → joint training → generations → metrics → report."""

import logging
import platform
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from meter.config import RunConfig, run_hash, settle_pictures
from meter.data import Prepared, prepare
from meter.disc import Discriminator, Matcher
from meter.evaluate.diagnose import diagnose
from meter.evaluate.extra_metrics import import_packages, measure_extra
from meter.evaluate.generate import generations
from meter.evaluate.generations import Generation, read_generations, write_generations, write_scores
from meter.evaluate.measure import measure, vq_sections
from meter.model import ModelConfig, System
from meter.report.run_report import run_report
from meter.report.terminal_tables import print_overview, print_results
from meter.run_folder import RunFolder
from meter.signals import StopRequest, listen
from meter.storage.fingerprint import fingerprint, plain
from meter.storage.json_file import read_json, write_json
from meter.storage.pretrained import WEIGHTS
from meter.train.batches import Examples
from meter.train.build import (
    discriminator_config,
    make_examples,
    make_networks,
    make_phase_networks,
    model_config,
    paired_records,
)
from meter.train.devices import launched
from meter.train.files import TrainingFiles
from meter.train.log import LogConfig, TrainingLog
from meter.train.loop import JointTraining
from meter.train.matcher import new_discriminator, train_matcher
from meter.train.matching import train_matching
from meter.train.networks import JointNetworks
from meter.train.objective import DiscriminatorTraining
from meter.train.picture_features import picture_features
from meter.train.systems import SystemKind, fit_retrieval, new_baseline, open_system
from meter.train.vqgan import VisualCodes, encode_photos_stage, pretrain_stage, split_photos, visual_codes
from meter.version import __version__
from meter.vq import VQGAN

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Pipeline:
    """One run in its folder: each method is a step, done once and found again by the same command."""

    def __init__(self, config: RunConfig, fabric: "Fabric", folder: RunFolder | None = None) -> None:
        self.config = config = settle_pictures(config)
        self.fabric = fabric
        self.folder = folder or RunFolder.of(config)
        self.console = Console(quiet=not fabric.is_global_zero)
        self.seconds: dict[str, float] = {}

    def prepare(self) -> Prepared:
        """Reads, checks and numbers the data."""
        with self.timed("data"):
            prepared = prepare(
                self.config.dataset, Path(self.config.cache), self.config.data_seed, self.console
            )
        print_overview(prepared, self.console)
        if prepared.photos is None:
            self.console.print("no photos: words and ratings alone, without visual loss and discriminator")
        return prepared

    def train_vqgan(self, prepared: Prepared, stop: StopRequest) -> VisualCodes | None:
        """Pretrains the VQ-GAN and turns every photo into codes; None where no model reads pictures."""
        if prepared.photos is None or not self.config.reads_pictures:
            return None
        cache = Path(self.config.cache)
        with self.timed("VQ-GAN"):
            stage = pretrain_stage(
                prepared.photos.pixels,
                prepared.photos.hash,
                self.config.vq,
                self.config.pretrain,
                cache,
                self.fabric,
                self.config.data_seed,
                console=self.console,
                stop=stop,
            )
        vq = VQGAN.from_pretrained(stage.folder)
        self.fabric.to_device(vq)
        with self.timed("visual codes"):
            encoded = encode_photos_stage(
                prepared.photos.pixels, prepared.photos.hash, stage, cache, self.fabric, console=self.console
            )
        num_photos = len(prepared.photos.pixels)
        photos = split_photos(num_photos, self.config.pretrain.held_out, self.config.data_seed)
        return visual_codes(vq, stage, encoded, photos.held_out)

    def drawn(self, visual: VisualCodes | None) -> VisualCodes | None:
        """What a model learns to draw; None for one that draws nothing, though it may be handed features of photos."""
        return visual if self.config.objective.uses_pictures else None

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
                    self.config.matching,
                    self.config.seed,
                )
            network.save_pretrained(folder)
        self.fabric.barrier()
        return Discriminator.from_pretrained(folder)

    def train(
        self, prepared: Prepared, visual: VisualCodes | None, examples: Examples, stop: StopRequest
    ) -> System:
        """Trains the system of the config; returns the weights that validated best."""
        match self.config.system:
            case SystemKind.meter:
                self.train_meter(prepared, visual, examples, stop)
            case SystemKind.retrieval:
                self.fit_retrieval(prepared)
            case _:
                self.train_baseline(prepared, examples, stop)
        best = self.folder.model
        self.fabric.to_device(best)
        return best

    def train_meter(
        self, prepared: Prepared, visual: VisualCodes | None, examples: Examples, stop: StopRequest
    ) -> None:
        """Trains transformer and discriminator together."""
        drawn = self.drawn(visual)
        vq = drawn.vq if drawn else None
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
        with self.timed("joint training"):
            self.train_networks(networks, prepared, examples, stop, self.folder, self.config.log)

    def train_baseline(self, prepared: Prepared, examples: Examples, stop: StopRequest) -> None:
        """Trains a baseline, phase by phase, each going on from the best weights of the one before."""
        torch.manual_seed(self.config.seed)
        model = new_baseline(self.config.system, self.config.baselines, prepared)
        for phase in model.phases():
            folder = self.folder.of_phase(phase.name)
            networks = make_phase_networks(self.fabric, model, phase, self.config.optimizer)
            # W&B has one run for a run of ours: that of the last phase.
            log = LogConfig() if phase.name else self.config.log
            with self.timed(f"training of the {phase.name}" if phase.name else "training"):
                self.train_networks(networks, prepared, examples, stop, folder, log)
            model.load_state_dict(open_system(self.config.system, folder.model_folder).state_dict())

    def fit_retrieval(self, prepared: Prepared) -> None:
        """Fits what trains no network; no step of it is random, and none worth resuming."""
        if self.fabric.is_global_zero and not (self.folder.model_folder / WEIGHTS).exists():
            with self.timed("training"):
                fit_retrieval(self.config.baselines, prepared).save_pretrained(self.folder.model_folder)
        self.fabric.barrier()

    def train_networks(
        self,
        networks: JointNetworks,
        prepared: Prepared,
        examples: Examples,
        stop: StopRequest,
        folder: RunFolder,
        log_config: LogConfig,
    ) -> None:
        """Runs one training to its end, with its files in a folder."""
        folder.path.mkdir(exist_ok=True)
        files = TrainingFiles(
            checkpoint=folder.checkpoint_folder,
            best=folder.model_folder,
            best_discriminator=folder.discriminator_folder,
            journal=folder.journal_file,
            wandb=folder.path,
        )
        log = TrainingLog(
            files,
            self.console,
            log_config,
            plain(self.config),
            quiet=not self.fabric.is_global_zero,
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
        training.run()
        self.fabric.barrier()

    def train_matcher(
        self, prepared: Prepared, visual: VisualCodes, examples: Examples, model: System
    ) -> Matcher:
        """Trains the matcher on the true pairs of the training split, or opens it."""
        folder = self.folder.matcher_folder
        if not (folder / WEIGHTS).exists():
            with self.timed("matcher"):
                matcher = train_matcher(
                    paired_records(prepared, examples, "train"),
                    paired_records(prepared, examples, "validation"),
                    discriminator_config(self.config.disc, model.config),
                    self.config.matcher,
                    self.config.matching,
                    self.config.data_seed,
                )
            matcher.save_pretrained(folder)
        return Matcher.from_pretrained(folder)

    def generate(self, model: System, prepared: Prepared, examples: Examples) -> list[Generation]:
        """Generates for every evaluated split, or reads what was generated before."""
        path = self.folder.generations_file
        if not path.exists():
            settings, seed = self.config.evaluation, self.config.seed
            with self.timed("generation"):
                made = generations(model, prepared, examples, self.fabric, settings, self.console, seed=seed)
                write_generations(path, made)
        return read_generations(path)

    def measure(
        self,
        generated: list[Generation],
        prepared: Prepared,
        visual: VisualCodes | None,
        matcher: Matcher | None,
        examples: Examples,
        model: System,
    ) -> dict[str, Any]:
        """Measures, diagnoses and writes ``metrics.json``, and ``scores.jsonl`` for tests over examples."""
        with self.timed("metrics"):
            measured = measure(
                generated,
                prepared,
                visual.codes if visual else None,
                visual.vq if visual else None,
                matcher.network if matcher else None,
                lowest_rating=self.config.dataset.min_rating,
                highest_rating=self.config.dataset.max_rating,
                seed=self.config.data_seed,
            )
            extra = measure_extra(
                self.config.evaluation.extra_metrics,
                generated,
                prepared,
                visual.vq if visual else None,
                self.config.dataset.clip,
            )
        write_scores(self.folder.scores_file, measured.scores)
        metrics = measured.metrics
        for split, sections in extra.items():
            metrics[split] |= sections
        if visual is not None:
            sections = vq_sections(prepared, visual.vq, visual.summary, visual.held_out)
            metrics = {"vq": sections, **metrics}
        with self.timed("diagnosis"):
            discriminator = self.folder.discriminator
            if discriminator is not None:
                self.fabric.to_device(discriminator)
            metrics["diagnosis"] = diagnose(
                generated,
                prepared,
                examples,
                model,
                discriminator=discriminator,
                matcher=matcher.network if matcher else None,
                seed=self.config.data_seed,
            )
        write_json(self.folder.metrics_file, metrics, indent=1)
        return metrics

    def write_manifest(self, prepared: Prepared, visual: VisualCodes | None) -> dict[str, Any]:
        """Writes ``manifest.json``: what the run was made from, where, and how long each step took."""
        path = self.folder.manifest_file
        before = read_json(path)["seconds"] if path.exists() else {}
        inputs = {"prepared": prepared.stage.hash}
        if visual is not None:
            inputs |= {"vq": visual.stage.hash, "codes": visual.codes_hash}
        manifest = {
            "stage": "run",
            "format": 1,
            "package": __version__,
            "config_hash": run_hash(self.config),
            "data_hash": fingerprint(inputs),
            "inputs": inputs,
            "command": shlex.join(["python", "-m", "meter.train", *sys.argv[1:]]),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {self.fabric.device}",
            "precision": str(self.fabric._precision.precision),
            "seconds": {**before, **{name: round(took, 1) for name, took in self.seconds.items()}},
        }
        write_json(path, manifest, indent=1)
        return manifest

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Remembers how long a step took."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def run(config: RunConfig, folder: RunFolder | None = None) -> dict[str, Any]:
    """Runs everything that is not done yet, measures, writes the report and returns the metrics.

    folder: of the run, where it was moved; by default a function of the config.
    """
    with launched(config.device) as fabric:
        return run_steps(Pipeline(config, fabric, folder))


def run_steps(pipeline: Pipeline) -> dict[str, Any]:
    """Every step in its order; of several processes, all but the first end with the training."""
    config, folder = pipeline.config, pipeline.folder
    import_packages(config.evaluation.extra_metrics)
    folder.save_config(config)
    with listen() as stop, logged_to(folder.log_file):
        prepared = pipeline.prepare()
        visual = pipeline.train_vqgan(prepared, stop)
        drawn = pipeline.drawn(visual)
        examples = make_examples(
            prepared,
            drawn.codes if drawn else None,
            has_feature=config.has_feature,
            device=pipeline.fabric.device,
        )
        model = pipeline.train(prepared, visual, examples, stop)
    if not pipeline.fabric.is_global_zero:
        return {}
    folder.save_names(prepared, config)
    if drawn is not None:
        folder.copy_vq(drawn.stage.folder)
    if not config.evaluation.generate:
        pipeline.write_manifest(prepared, visual)
        return {}
    matcher = pipeline.train_matcher(prepared, drawn, examples, model) if drawn else None
    generated = pipeline.generate(model, prepared, examples)
    metrics = pipeline.measure(generated, prepared, drawn, matcher, examples, model)
    manifest = pipeline.write_manifest(prepared, visual)
    report = run_report(folder, config, prepared, drawn, generated, metrics, matcher, manifest)
    print_results(metrics, pipeline.console)
    pipeline.console.print(f"\nreport: [bold]{report}[/bold]")
    return metrics


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Keeps what the package and its libraries log in the run folder."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        handler.close()
