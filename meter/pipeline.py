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
from meter.disc import Matcher
from meter.evaluate.diagnose import diagnose
from meter.evaluate.extra_metrics import import_packages, measure_extra
from meter.evaluate.generate import check_evaluation, generations
from meter.evaluate.generations import Generation, read_generations, write_generations, write_scores
from meter.evaluate.measure import measure, vq_sections
from meter.model import System
from meter.report.run_report import gallery, reconstructions, run_report
from meter.report.terminal_tables import print_overview, print_results
from meter.run_folder import RUN_FORMAT, RunFolder
from meter.signals import StopRequest, listen
from meter.storage.fingerprint import fingerprint, plain
from meter.storage.json_file import read_json, write_json
from meter.system_training import SystemTraining
from meter.tracked_results import track_results
from meter.tracking import check_trackers, open_trackers
from meter.train.batches import Examples
from meter.train.build import make_examples
from meter.train.devices import launched
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
        """What pictures consist of; None for a system that shows none, though it may be handed features of photos."""
        return visual if self.config.draws_pictures else None

    @property
    def training(self) -> SystemTraining:
        """The trainings of the system and of the matcher."""
        return SystemTraining(
            config=self.config,
            fabric=self.fabric,
            folder=self.folder,
            console=self.console,
            timed=self.timed,
        )

    def generate(self, model: System, prepared: Prepared, examples: Examples) -> list[Generation]:
        """Generates for every evaluated split, or reads what was generated before."""
        path = self.folder.generations_file
        if not path.exists():
            settings, seed = self.config.evaluation, self.config.seed
            with self.timed("generation"):
                made = generations(model, prepared, examples, self.fabric, settings, self.console, seed=seed)
                write_generations(path, made)
        generated = read_generations(path)
        without = sum(generation.codes is None for generation in generated)
        if self.config.draws_pictures and without:
            self.console.print(
                f"{without:,} of {len(generated):,} explanations have no picture: no training record of their item has "
                "a photo"
            )
        return generated

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

    def track(
        self,
        prepared: Prepared,
        visual: VisualCodes | None,
        matcher: Matcher | None,
        generated: list[Generation],
        metrics: dict[str, Any],
    ) -> None:
        """Sends the results to the trackers that the config asks for."""
        trackers = open_trackers(self.config.log, self.folder.path, plain(self.config))
        if trackers:
            track_results(
                trackers,
                self.config.log,
                metrics=metrics,
                generated=generated,
                cards=gallery(generated, prepared, visual.vq if visual else None, matcher, self.config),
                reconstructions=reconstructions(prepared, visual) if visual else [],
                report=self.folder.report_file,
            )

    def write_manifest(self, prepared: Prepared, visual: VisualCodes | None) -> dict[str, Any]:
        """Writes ``manifest.json``: what the run was made from, where, and how long each step took."""
        path = self.folder.manifest_file
        before = read_json(path)["seconds"] if path.exists() else {}
        inputs = {"prepared": prepared.stage.hash}
        if visual is not None:
            inputs |= {"vq": visual.stage.hash, "codes": visual.codes_hash}
        manifest = {
            "stage": "run",
            "format": RUN_FORMAT,
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
    check_trackers(config.log)
    folder.save_config(config)
    with listen() as stop, logged_to(folder.log_file):
        prepared = pipeline.prepare()
        check_evaluation(prepared, config.evaluation)
        visual = pipeline.train_vqgan(prepared, stop)
        drawn = pipeline.drawn(visual)
        examples = make_examples(
            prepared,
            drawn.codes if drawn else None,
            has_feature=config.has_feature,
            device=pipeline.fabric.device,
        )
        model = pipeline.training.run(prepared, visual, examples, stop)
    if not pipeline.fabric.is_global_zero:
        return {}
    folder.save_names(prepared, config)
    folder.save_catalogue(prepared, drawn.codes if drawn else None)
    if drawn is not None:
        folder.copy_vq(drawn.stage.folder)
    if not config.evaluation.generate:
        pipeline.write_manifest(prepared, visual)
        return {}
    matcher = pipeline.training.train_matcher(prepared, drawn, examples) if drawn else None
    generated = pipeline.generate(model, prepared, examples)
    metrics = pipeline.measure(generated, prepared, drawn, matcher, examples, model)
    manifest = pipeline.write_manifest(prepared, visual)
    report = run_report(folder, config, prepared, drawn, generated, metrics, matcher, manifest)
    pipeline.track(prepared, drawn, matcher, generated, metrics)
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
