import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from rich.console import Console
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from meter.errors import InputError
from meter.signals import Interrupted, StopRequest
from meter.storage.checkpoint import save_checkpoint
from meter.storage.journal import Journal
from meter.storage.stage import Stage
from meter.train.vqgan import (
    LearningRateCurve,
    PretrainConfig,
    encode_photos_stage,
    pretrain_stage,
    visual_codes,
)
from meter.train.vqgan import trainer as pretraining
from meter.train.vqgan.cost import PretrainingCost, pretraining_cost
from meter.train.vqgan.objective import CodebookUpdate
from meter.train.vqgan.samples import reconstruct
from meter.train.vqgan.schedule import learning_rate_factor, photos_of_step, split_photos
from meter.vq import VQGAN, VQConfig
from tests.conftest import ROOT

COSTS: dict[str, PretrainingCost] = {}


def sizes(**changes) -> VQConfig:
    values = {
        "patch": 2,
        "channels": 32,
        "multipliers": [1, 1],
        "num_residual_blocks": 1,
        "attention_sizes": [],
        "latent_width": 8,
        "num_codes": 16,
        "code_width": 8,
    }
    return VQConfig(**{**values, **changes})


def short(**changes) -> PretrainConfig:
    values = {
        "steps": 6,
        "batch_size": 4,
        "learning_rate": 2e-3,
        "schedule": LearningRateCurve.one_cycle,
        "revive_every": 2,
        "revive_until": 1.0,
        "held_out": 0.2,
        "log_every": 1,
        "checkpoint_every": 3,
        "codebook_start": 1,
        "disc_weight": 0.5,
        "disc_start": 3,
        "disc_warmup": 1,
        "disc_width": 4,
        "disc_layers": 1,
    }
    return PretrainConfig(**{**values, **changes})


@pytest.fixture(autouse=True)
def _counted_once(monkeypatch):
    """Counting what a step needs takes longer than these trainings: here it is done once for the same sizes."""

    def cost(config: VQConfig, losses: PretrainConfig, batch_size: int, fabric: Fabric) -> PretrainingCost:
        key = repr((config, losses.disc_weight, losses.codebook, losses.mixed_precision, batch_size))
        if key not in COSTS:
            COSTS[key] = pretraining_cost(config, losses, batch_size, fabric)
        return COSTS[key]

    monkeypatch.setattr(pretraining, "pretraining_cost", cost)


def flags(count: int = 10, size: int = 16) -> np.ndarray:
    """Photos of two fields of colour."""
    draw = np.random.default_rng(0)
    pixels = np.empty((count, size, size, 3), dtype=np.uint8)
    for photo in pixels:
        photo[:, : size // 2], photo[:, size // 2 :] = draw.integers(0, 256, (2, 3))
    return pixels


def run(
    cache: Path, training: PretrainConfig, *, seed: int = 0, pixels: np.ndarray | None = None, **more
) -> Stage:
    fabric = Fabric(accelerator="cpu", devices=1)
    pixels = flags() if pixels is None else pixels
    return pretrain_stage(pixels, "photos-hash", sizes(), training, cache, fabric, seed, **more)


def same_files(first: Stage, second: Stage) -> bool:
    names = ("model.safetensors", "config.json", "metrics.jsonl", "samples/0000006.png")
    return all((first.folder / name).read_bytes() == (second.folder / name).read_bytes() for name in names)


def without_time(summary: dict) -> dict:
    return {name: value for name, value in summary.items() if name != "seconds"}


def test_a_stage_holds_the_codec_its_journal_its_samples_and_what_was_measured(tmp_path):
    stage = run(tmp_path, short())

    assert sorted(path.name for path in stage.folder.iterdir()) == [
        "config.json",
        "manifest.json",
        "metrics.jsonl",
        "model.safetensors",
        "samples",
    ]
    lines = Journal(stage.folder / "metrics.jsonl").read()
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["kind"] for line in lines] == ["train"] * 6
    assert [("discriminator" in line, "adversarial" in line) for line in lines] == (
        [(False, False)] * 2 + [(True, False)] + [(True, True)] * 3
    )
    with Image.open(stage.folder / "samples" / "0000006.png") as sheet:
        assert sheet.size == (2 * 16, 2 * 16)
    assert stage.summary["photos"] == 10
    assert stage.summary["held_out"] == 2
    assert stage.summary["grid"] == [4, 4]


def test_the_summary_is_true_of_the_saved_codec(tmp_path):
    stage = run(tmp_path, short())
    vq, pixels = VQGAN.from_pretrained(stage.folder), flags()
    originals = pixels[split_photos(10, 0.2, 0).held_out]
    settings = {"gaussian_weights": True, "use_sample_covariance": False, "channel_axis": -1}
    pairs = list(zip(originals, reconstruct(vq, originals), strict=True))

    psnr = np.mean([peak_signal_noise_ratio(a, b) for a, b in pairs])
    ssim = np.mean([structural_similarity(a, b, **settings) for a, b in pairs])
    assert stage.summary["psnr"] == pytest.approx(psnr, rel=1e-6)
    assert stage.summary["ssim"] == pytest.approx(ssim, rel=1e-6)

    codes = encode_photos_stage(pixels, "photos-hash", stage, tmp_path, Fabric(accelerator="cpu", devices=1))
    stored = np.load(codes.folder / "codes.npy", mmap_mode="r")
    assert (stored.dtype, stored.shape) == (np.int32, (10, 16))
    assert codes.summary["usage"] == len(np.unique(stored)) / 16
    shares = np.bincount(stored.ravel()) / stored.size
    entropy = -(shares[shares > 0] * np.log(shares[shares > 0])).sum()
    assert codes.summary["perplexity"] == pytest.approx(np.exp(entropy))

    visual = visual_codes(vq, stage, codes, np.array([1]))
    assert np.array_equal(visual.codes, stored)
    assert visual.summary == stage.summary | {name: codes.summary[name] for name in ("usage", "perplexity")}


def test_a_finished_stage_is_reused(tmp_path, monkeypatch):
    first = run(tmp_path, short())
    monkeypatch.setattr(pretraining.Pretraining, "run", lambda self: pytest.fail("trained again"))

    assert run(tmp_path, short(log_every=5, samples=1, checkpoint_every=2)) == first


@pytest.mark.parametrize("change", [{"steps": 7}, {"learning_rate": 1e-4}, {"squared_share": 0.1}])
def test_what_changes_weights_makes_another_stage(tmp_path, change, monkeypatch):
    hashes = []
    monkeypatch.setattr(pretraining.Pretraining, "run", lambda self: {})
    for training in (short(), short(**change)):
        hashes.append(run(tmp_path, training).hash)

    assert hashes[0] != hashes[1]


@pytest.mark.parametrize("codebook", CodebookUpdate)
def test_a_killed_pretraining_ends_bit_for_bit_like_one_that_was_not(tmp_path, monkeypatch, codebook):
    training = short(codebook=codebook)
    whole = run(tmp_path / "whole", training)

    with monkeypatch.context() as patch:
        step = pretraining.Pretraining.train_step

        def killed_after_five(self) -> None:
            if self.step == 5:
                raise KeyboardInterrupt
            step(self)

        patch.setattr(pretraining.Pretraining, "train_step", killed_after_five)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "halves", training)
    (partial,) = (tmp_path / "halves").glob("vq-*.partial")
    assert len(Journal(partial / "metrics.jsonl").read()) == 5

    steps = []
    monkeypatch.setattr(
        pretraining.Pretraining, "train_step", lambda self: (steps.append(self.step), step(self))[1]
    )
    halves = run(tmp_path / "halves", training)

    assert steps == [3, 4, 5]
    assert same_files(whole, halves)
    assert without_time(whole.summary) == without_time(halves.summary)


def test_a_stop_saves_and_the_same_call_goes_on(tmp_path):
    whole = run(tmp_path / "whole", short())
    request = StopRequest()
    request.asked = True

    for _ in range(5):
        with pytest.raises(Interrupted, match="stopped at step"):
            run(tmp_path / "parts", short(), stop=request)
    parts = run(tmp_path / "parts", short(), stop=request)

    assert same_files(whole, parts)


def test_the_seed_decides_and_randomness_outside_is_left_alone(tmp_path):
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = run(tmp_path / "a", short(), seed=1)
    assert torch.equal(torch.get_rng_state(), state)

    torch.rand(5)
    again, other = run(tmp_path / "b", short(), seed=1), run(tmp_path / "c", short(), seed=2)

    assert same_files(first, again)
    assert not same_files(first, other)


def test_a_loss_that_is_not_finite_stops_at_the_last_good_state(tmp_path, monkeypatch):
    step = pretraining.codec_step

    def poisoned(fabric, networks, images, number, parts):
        if number == 4:
            networks.vq.from_code.weight.data[0, 0] = torch.nan
        return step(fabric, networks, images, number, parts)

    monkeypatch.setattr(pretraining, "codec_step", poisoned)
    with pytest.raises(
        FloatingPointError, match=r"loss of step 4 \(photos \[\d, \d, \d, \d\]\) is not finite.*state"
    ):
        run(tmp_path, short())

    (partial,) = tmp_path.glob("vq-*.partial")
    values = json.loads((partial / "state" / "state.json").read_text())["values"]
    assert ["step", {"value": 3}] in values["dict"]
    assert [line["step"] for line in Journal(partial / "metrics.jsonl").read()] == [1, 2, 3, 4]


@pytest.mark.parametrize("codebook", CodebookUpdate)
def test_a_few_photos_are_learnt(tmp_path, codebook):
    training = short(
        steps=100,
        batch_size=8,
        learning_rate=3e-3,
        codebook_start=20,
        disc_weight=0.0,
        revive_every=5,
        revive_until=0.8,
        log_every=10,
        held_out=0.0,
        codebook=codebook,
    )

    stage = run(tmp_path, training, pixels=flags(5))

    losses = [line["reconstruction"] for line in Journal(stage.folder / "metrics.jsonl").read()]
    assert losses[-1] < 0.25 * losses[0]


def test_dead_codes_are_counted_and_come_to_life(tmp_path):
    def revived(**changes) -> list[float]:
        stage = run(tmp_path, short(disc_weight=0.0, steps=12, revive_every=3, log_every=3, **changes))
        return [line["revived"] for line in Journal(stage.folder / "metrics.jsonl").read()]

    counts = revived()
    assert len(counts) == 4
    assert sum(counts) > 0
    assert sum(revived(revive_until=0.0)) == 0


@pytest.mark.parametrize("mixed", [False, True])
def test_another_precision_makes_another_stage(tmp_path, mixed):
    def stage(precision: str) -> Stage:
        fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
        return pretrain_stage(flags(), "photos", sizes(), short(mixed_precision=mixed), tmp_path, fabric, 0)

    whole, half = stage("32-true"), stage("bf16-mixed")

    # Fabric rounds the photos either way, so the weights differ: one stage for both would hand out the wrong ones.
    assert whole.hash != half.hash
    first, second = (VQGAN.from_pretrained(stage.folder).state_dict() for stage in (whole, half))
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert all(weights.dtype == torch.float32 for weights in second.values())


@pytest.mark.parametrize("codebook", CodebookUpdate)
def test_a_training_in_parts_is_the_same_training(tmp_path, codebook):
    """Losses, choices of codes and revivals, with and without the discriminator, agree to rounding."""
    changes = {"codebook": codebook, "batch_size": 3, "learning_rate": 1e-3}
    whole = run(tmp_path / "whole", short(**changes))
    parts = run(tmp_path / "parts", short(**changes, accumulation=3))

    assert whole.hash == parts.hash
    lines, others = (Journal(stage.folder / "metrics.jsonl").read() for stage in (whole, parts))
    assert lines[-1]["step"] == 6
    assert "adversarial" in lines[-1]
    assert sum(line["revived"] for line in lines) > 0
    for line, other in zip(lines, others, strict=True):
        assert line.pop("kind") == other.pop("kind") == "train"
        assert other == pytest.approx(line, rel=1e-2, abs=1e-4)
    assert not same_files(whole, parts)


def test_the_parts_are_as_few_as_fit(tmp_path, monkeypatch, capsys):
    seen = []
    step = pretraining.codec_step
    monkeypatch.setattr(pretraining, "codec_step", lambda *given: (seen.append(given[-1]), step(*given))[1])
    cost = pretraining_cost(sizes(image_size=16), short(), 4, Fabric(accelerator="cpu", devices=1))

    def parts_with(free: int) -> set[int]:
        seen.clear()
        monkeypatch.setattr(pretraining, "free_memory", lambda device: free)
        run(tmp_path / str(free), short(), console=Console(width=200))
        return set(seen)

    assert parts_with(2 * cost.bytes(1)) == {1}
    assert "VQ-GAN: 6 steps of 4 photos of 16 px; about " in capsys.readouterr().out
    assert parts_with(round(1.2 * cost.bytes(2))) == {2}
    assert "photos of 16 px, each in 2 parts; about " in capsys.readouterr().out
    with pytest.raises(
        InputError, match=r"4 photos of 16 px, one at a time, needs about .* MiB.*codec=compact"
    ):
        parts_with(cost.bytes(4))
    monkeypatch.setattr(pretraining, "free_memory", lambda device: cost.bytes(1) - 1)
    with pytest.raises(InputError, match=r"pretrain\.accumulation=1: .* in 1 parts needs about"):
        run(tmp_path, short(accumulation=1))


def test_a_stop_between_two_lines_of_the_journal_changes_nothing(tmp_path):
    training = short(log_every=5, checkpoint_every=50)
    whole = run(tmp_path / "whole", training)
    request = StopRequest()
    request.asked = True

    for step in range(1, 6):
        with pytest.raises(Interrupted, match=f"stopped at step {step} "):
            run(tmp_path / "parts", training, stop=request)

    assert same_files(whole, run(tmp_path / "parts", training, stop=request))


def test_a_checkpoint_of_another_format_is_refused(tmp_path):
    request = StopRequest()
    request.asked = True
    with pytest.raises(Interrupted):
        run(tmp_path, short(), stop=request)
    (partial,) = tmp_path.glob("vq-*.partial")
    save_checkpoint(partial / "state", {"step": 1, "players": {}})

    with pytest.raises(InputError, match=r"state: expected a checkpoint of format 2, found None, .*remove"):
        run(tmp_path, short())


def test_wrong_input_is_named(tmp_path):
    with pytest.raises(InputError, match=r"at least 2 photos.*found 1"):
        run(tmp_path, short(), pixels=flags(1))
    with pytest.raises(InputError, match=r"pretrain\.steps.*found 0"):
        run(tmp_path, short(steps=0))
    with pytest.raises(InputError, match=r"a photo for each of 1 devices × 5 parts, found 4"):
        run(tmp_path, short(accumulation=5))
    with pytest.raises(InputError, match=r"pretrain\.codebook_decay.*found 1"):
        run(tmp_path, short(codebook_decay=1.0))
    with pytest.raises(InputError, match=r"photos' 16 px.*found 32"):
        pretrain_stage(
            flags(),
            "photos",
            sizes(image_size=32),
            short(),
            tmp_path,
            Fabric(accelerator="cpu", devices=1),
            0,
        )


def test_one_cycle_rises_then_falls():
    shares = [
        learning_rate_factor(step, steps=100, warmup=0.2, curve=LearningRateCurve.one_cycle)
        for step in range(100)
    ]

    assert shares[0] == pytest.approx(1 / 20)
    assert shares[19] == shares[20] == 1
    assert shares[60] == pytest.approx(0.01 + 0.99 / 2)
    assert shares[:20] == sorted(shares[:20])
    assert shares[20:] == sorted(shares[20:], reverse=True)
    assert 0.01 < shares[99] < 0.012
    assert {
        learning_rate_factor(step, steps=9, warmup=0.2, curve=LearningRateCurve.constant) for step in range(9)
    } == {1.0}


def test_every_photo_is_seen_once_an_epoch_in_a_new_order():
    photos = np.array([2, 3, 5, 7, 11, 13, 17])
    drawn = np.concatenate([photos_of_step(photos, step, 3, seed=4) for step in range(7)])

    epochs = drawn.reshape(3, 7)
    assert all(sorted(epoch) == photos.tolist() for epoch in epochs.tolist())
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 3
    assert np.array_equal(photos_of_step(photos, 5, 3, seed=4), drawn[15:18])
    assert not np.array_equal(photos_of_step(photos, 5, 3, seed=5), drawn[15:18])
    assert sorted(photos_of_step(photos[:2], 0, 4, seed=0)) == [2, 2, 3, 3]


def test_held_out_photos_are_never_trained_on():
    def sizes_of(num_photos: int, held_out: float) -> tuple[int, int]:
        split = split_photos(num_photos, held_out, seed=1)
        assert sorted([*split.training, *split.held_out]) == list(range(num_photos))
        return len(split.training), len(split.held_out)

    assert sizes_of(40, 0.1) == (36, 4)
    assert sizes_of(2, 0.9) == (1, 1)
    assert sizes_of(9, 0.0) == (8, 1)


TWO_PROCESSES = """
import hashlib, importlib.util, sys, torch
from pathlib import Path
from lightning_fabric import Fabric
from meter.train.vqgan import pretrain_stage
from meter.train.vqgan.trainer import Pretraining
from meter.train.vqgan.objective import (CodebookUpdate)

finish = Pretraining.finish

def finish_and_tell(self):
    weights = b"".join(value.numpy().tobytes() for value in self.networks.vq.state_dict().values())
    print("WEIGHTS", hashlib.sha256(weights).hexdigest())
    return finish(self)

Pretraining.finish = finish_and_tell

spec = importlib.util.spec_from_file_location("helpers", sys.argv[1])
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)
torch.set_num_threads(1)
fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
fabric.launch()
codebook = CodebookUpdate(sys.argv[3])
parts = 2 if codebook is CodebookUpdate.ema else 1
training = helpers.short(revive_every=1, checkpoint_every=6, codebook=codebook, accumulation=parts)
stage = pretrain_stage(helpers.flags(), "photos", helpers.sizes(), training, Path(sys.argv[2]), fabric, 0)
again = pretrain_stage(helpers.flags(), "photos", helpers.sizes(), training, Path(sys.argv[2]), fabric, 0)
assert again == stage
fabric.barrier()
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize("codebook", CodebookUpdate)
def test_two_processes_build_one_stage_with_one_codebook(tmp_path, codebook):
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    command = [sys.executable, "-W", "ignore", str(script), __file__, str(tmp_path / "cache"), codebook.value]

    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, env=here, capture_output=True, text=True, timeout=240, check=False)

    assert run.returncode == 0, run.stderr
    # Each process seeds and revives from photos of its own; the weights must agree all the same.
    weights = [line for line in run.stdout.splitlines() if line.startswith("WEIGHTS")]
    assert len(weights) == 2
    assert len(set(weights)) == 1
    assert len(list((tmp_path / "cache").glob("vq-*"))) == 1
