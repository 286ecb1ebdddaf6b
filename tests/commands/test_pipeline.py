"""The commands end to end, on the smallest world: once, again, swept, killed, moved, explained."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import meter
from meter.errors import InputError
from meter.metrics.labels import LABELS, label_of
from meter.report.curves import NOT_DRAWN
from meter.storage.json_file import write_json

CPU = ("device.accelerator=cpu", "device.precision=32-true")


def command(folder: Path, module: str, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess:
    found = subprocess.run(
        [sys.executable, "-m", f"meter.{module}", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "160"},
    )
    assert found.returncode == expect, found.stdout + found.stderr
    return found


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder in which the smoke experiment has been run once."""
    folder = tmp_path_factory.mktemp("workplace")
    command(folder, "train", "experiment=smoke", *CPU)
    return folder


@pytest.fixture(scope="module")
def run(workplace: Path) -> Path:
    (folder,) = (workplace / "runs" / "synthetic").iterdir()
    return folder


def test_a_run_leaves_everything_that_the_design_names(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.yaml",
        "manifest.json",
        "train.log",
        "metrics.jsonl",
        "last",
        "best",
        "generations.jsonl",
        "scores.jsonl",
        "metrics.json",
        "report.html",
        "vq",
        "matcher",
        "vocabulary.json",
        "names.json",
    }
    metrics = json.loads((run / "metrics.json").read_text())
    for split in ("test", "unseen"):
        assert set(metrics[split]) >= {"rating", "text", "text_peter_compat", "diversity", "match", "truth"}
        assert 0 <= metrics[split]["truth"]["sentence_truth"] <= 1
        assert 0 < metrics[split]["truth"]["guess_from_ratings"] < 1
    assert metrics["vq"]["psnr"] > 5
    diagnosis = metrics["diagnosis"]
    assert set(diagnosis) == {
        "split",
        "sentences",
        "pair_scores",
        "input_importance",
        "input_importance_of_visits",
        "attention",
    }
    assert set(diagnosis["pair_scores"]["scorers"]) == {"discriminator", "matcher"}
    assert len(diagnosis["input_importance"]["picture"]) == 5
    assert {"config_hash", "data_hash", "command", "seconds"} <= set(
        json.loads((run / "manifest.json").read_text())
    )


def test_the_report_holds_cards_and_needs_nothing_else(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("<article") >= 6
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_every_number_of_a_run_has_a_label(workplace: Path, run: Path) -> None:
    """The diagnosis is told in sentences and has headings of its own."""
    metrics = json.loads((run / "metrics.json").read_text())
    splits = {
        name: entry
        for name, entry in metrics.items()
        if "rating" in (entry if isinstance(entry, dict) else ())
    }
    keys = [key for entry in splits.values() for key in _keys(entry)]
    keys += _keys({name: entry for name, entry in metrics.items() if name not in {"diagnosis", *splits}})
    (vq,) = (workplace / "cache").glob("vq-*/metrics.jsonl")
    for section, journal in (("objective", run / "metrics.jsonl"), ("vq", vq)):
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        keys += [f"{section}.{key}" for line in lines for key in line if key not in NOT_DRAWN]
    assert len(splits) == 2
    assert {key for key in keys if label_of(key) not in LABELS.values()} == set()


def _keys(values: dict, prefix: str = "") -> list[str]:
    keys = []
    for name, value in values.items():
        if isinstance(value, dict):
            keys += _keys(value, f"{prefix}{name}.")
        elif name != "signature":
            keys.append(prefix + name)
    return keys


def test_the_same_command_again_repeats_nothing(workplace: Path, run: Path) -> None:
    stages = {path: path.stat().st_mtime_ns for path in (workplace / "cache").glob("*/manifest.json")}
    best, generations = run / "best" / "model.safetensors", run / "generations.jsonl"
    before = (best.stat().st_mtime_ns, generations.stat().st_mtime_ns)
    command(workplace, "train", "experiment=smoke", *CPU)
    assert {path: path.stat().st_mtime_ns for path in stages} == stages
    assert (best.stat().st_mtime_ns, generations.stat().st_mtime_ns) == before
    assert len(list((workplace / "runs" / "synthetic").iterdir())) == 1


def test_a_sweep_pretrains_once(workplace: Path, run: Path, tmp_path) -> None:
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    command(tmp_path, "train", "-m", "objective.lambda_d=0,0.1", "experiment=smoke", *CPU)
    swept = list((tmp_path / "runs" / "synthetic").iterdir())
    assert len(swept) == 2
    assert len(list((tmp_path / "cache").glob("vq-*/manifest.json"))) == 1
    inputs = [json.loads((folder / "manifest.json").read_text())["inputs"] for folder in swept]
    assert inputs[0] == inputs[1]
    same = json.loads((tmp_path / "runs" / "synthetic" / run.name / "metrics.json").read_text())
    assert same["test"] == json.loads((run / "metrics.json").read_text())["test"]


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_sweeps_run_by_the_launchers_of_the_extra(launcher: str, tmp_path) -> None:
    """submitit_local does on this machine what submitit_slurm does on a cluster: processes from pickled jobs."""
    command(tmp_path, "prepare", "-m", "data_seed=0,1", "experiment=smoke", f"hydra/launcher={launcher}")
    assert len(list((tmp_path / "cache").glob("prepared-*/manifest.json"))) == 2


def test_a_stopped_run_saves_says_75_and_goes_on(workplace: Path, run: Path, tmp_path) -> None:
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    arguments = ("experiment=smoke", "train.epochs=60", "train.patience=60", *CPU)
    process = subprocess.Popen(
        [sys.executable, "-m", "meter.train", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for _ in range(600):
        if list(tmp_path.glob("runs/*/*/last/state.json")):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 75, errors
    assert b"run the same command to go on" in errors
    command(tmp_path, "train", *arguments)
    (folder,) = tmp_path.glob("runs/*/*")
    epochs = [
        line["epoch"]
        for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        if line["kind"] == "validation"
    ]
    assert epochs == list(range(60))


def test_evaluate_measures_the_same_again(workplace: Path, run: Path) -> None:
    before = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").unlink()
    command(workplace, "evaluate", f"run={run.relative_to(workplace)}")
    assert json.loads((run / "metrics.json").read_text()) == before


def test_a_moved_run_explains_without_its_cache(run: Path, tmp_path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(run, moved)
    explainer = meter.load(moved)
    first = json.loads((run / "generations.jsonl").read_text().splitlines()[0])
    card = explainer.explain(user=first["user"], item=first["item"], feature=first["feature"])
    assert card.text == first["text"]
    assert card.rating == pytest.approx(first["predicted_rating"], abs=1e-4)
    assert card.context == first["context"]
    assert card.image is not None
    assert card.image.shape == (32, 32, 3)
    matcher = explainer.run.matcher
    assert card.matcher_auc == matcher.auc
    assert (card.match is not None) == matcher.above_chance, "a match is shown where it can be measured"
    assert np.ptp(card.image) > 0
    assert explainer.explain(user=first["user"], item=first["item"]).feature in explainer.run.names.features
    with pytest.raises(InputError, match="does not know the user"):
        explainer.explain(user="nobody", item=first["item"])


def test_a_run_explains_in_the_precision_that_it_recorded(run: Path, tmp_path) -> None:
    """Else a card would say something else than the report of the same run."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(run, moved)
    single = meter.load(moved)
    assert single.run.manifest["precision"] == "32-true"
    names = single.run.names
    user, item, feature = names.users[0], names.items[0], names.features[0]
    exact = single.explain(user=user, item=item, feature=feature)
    write_json(moved / "manifest.json", {**single.run.manifest, "precision": "bf16-mixed"})
    half = meter.load(moved)
    rounded = half.explain(user=user, item=item, feature=feature)
    features = torch.tensor([half.run.vocabulary.index[feature]])
    with torch.autocast("cpu", torch.bfloat16):
        expected = half.run.model.generate(torch.tensor([0]), torch.tensor([0]), features)
    assert rounded.rating == float(expected.rating[0])
    assert rounded.rating != exact.rating


def test_explain_shows_and_saves_a_card(run: Path, tmp_path) -> None:
    first = json.loads((run / "generations.jsonl").read_text().splitlines()[0])
    names = [f"{name}={first[name]}" for name in ("user", "item", "feature")]
    found = command(tmp_path, "explain", f"run={run}", *names, "output=card")
    assert first["item"] in found.stdout
    assert (tmp_path / "card.png").exists()
    assert (tmp_path / "card.html").exists()


def test_without_pictures_and_without_feature(workplace: Path, tmp_path) -> None:
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    arguments = (
        "objective.alpha=0",
        "objective.lambda_d=0",
        "dataset.use_images=false",
        "model.has_feature=false",
    )
    command(tmp_path, "train", "experiment=smoke", *arguments, *CPU)
    (folder,) = tmp_path.glob("runs/*/*")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert "vq" not in metrics
    assert "match" not in metrics["test"]
    assert "pair_scores" not in metrics["diagnosis"]
    assert metrics["diagnosis"]["attention"]["picture"] is None
    assert metrics["diagnosis"]["input_importance"]["picture"] == []


def test_a_rival_that_is_handed_picture_features_draws_nothing(workplace: Path, tmp_path) -> None:
    """Trained, evaluated again, moved: the features come along with the weights."""
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    chosen = ("experiment=smoke", "system=peter_plus", "ablation=picture_features", "train.epochs=1")
    command(tmp_path, "train", *chosen, *CPU)
    (folder,) = tmp_path.glob("runs/*/*")
    assert len(list((tmp_path / "cache").glob("vq-*/manifest.json"))) == 1
    assert not (folder / "vq").exists()
    assert not (folder / "matcher").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["truth"]["picture_truth"] is None
    assert set(json.loads((folder / "manifest.json").read_text())["inputs"]) == {"prepared", "vq", "codes"}
    (folder / "metrics.json").unlink()
    command(tmp_path, "evaluate", f"run={folder}")
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    moved = shutil.move(folder, tmp_path / "elsewhere")
    explainer = meter.load(moved)
    features = explainer.run.model.embedding.pictures[0].weight
    assert features.shape[0] == len(explainer.items())
    assert features.square().sum(dim=1).mean().item() == pytest.approx(1, abs=1e-4)
    first = json.loads((moved / "generations.jsonl").read_text().splitlines()[0])
    card = explainer.explain(user=first["user"], item=first["item"], feature=first["feature"])
    assert (card.text, card.image, card.match) == (first["text"], None, None)


def test_the_literal_mask_trains_but_does_not_generate(workplace: Path, tmp_path) -> None:
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    command(tmp_path, "train", "experiment=smoke", "model.mask=literal", "evaluation.generate=false", *CPU)
    (folder,) = tmp_path.glob("runs/*/*")
    assert (folder / "best" / "model.safetensors").exists()
    assert not (folder / "generations.jsonl").exists()
