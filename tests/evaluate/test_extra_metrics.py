"""Metrics by models from elsewhere, with stand-ins for their packages, and what is said where one is missing."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from meter.config import RunConfig, run_hash
from meter.data import prepare
from meter.data.clip import ClipConfig
from meter.errors import InputError
from meter.evaluate import __main__ as evaluate_command
from meter.evaluate import extra_metrics
from meter.evaluate.__main__ import EvaluateConfig
from meter.evaluate.extra_metrics import ExtraMetric, import_packages, measure_extra
from meter.metrics.labels import LABELS, label_of
from meter.run_folder import RunFolder
from tests.commands.test_config import composed
from tests.conftest import plain_generation
from tests.data.test_custom import custom, write_photos, write_reviews


class StandInScorer:
    """Instead of ``bert_score.BERTScorer``: precision is the share of a candidate's words that its reference has."""

    hash = "roberta-large_L17_no-idf_version=0.3.12(hug_trans=4.40.0)-rescaled"

    def __init__(self, lang: str, rescale_with_baseline: bool) -> None:
        assert (lang, rescale_with_baseline) == ("en", True)

    def score(self, cands: list[str], refs: list[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pairs = [(set(one.split()), set(other.split())) for one, other in zip(cands, refs, strict=True)]
        precision = torch.tensor([len(one & other) / len(one) for one, other in pairs])
        recall = torch.tensor([len(one & other) / len(other) for one, other in pairs])
        return precision, recall, 2 * precision * recall / (precision + recall)


class StandInInception(torch.nn.Module):
    """Instead of torch-fidelity's network: mean colours."""

    def __init__(self, name: str, features: list[str]) -> None:
        super().__init__()
        assert (name, features) == ("inception-v3-compat", ["2048"])

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        return (images.float().mean(dim=(2, 3)),)


def compute_mauve(p_text: list[str], q_text: list[str], **settings: Any) -> SimpleNamespace:
    """Instead of MAUVE: the share of the generated sentences that are true ones."""
    assert (settings["featurize_model_name"], settings["seed"]) == ("gpt2-large", 25)
    share = sum(text in p_text for text in q_text) / len(q_text)
    return SimpleNamespace(mauve=np.float64(share), frontier_integral=0.5, num_buckets=2)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, name, module)


@dataclass
class StandInClip:
    """Instead of open_clip: a picture and a sentence match if the picture is as red as the sentence says."""

    width: int = 2

    def images(self, pixels: np.ndarray) -> np.ndarray:
        red = pixels[:, 0, 0, 0] > 100
        return np.stack([red, ~red], axis=1).astype(np.float64)

    def texts(self, sentences: list[str]) -> np.ndarray:
        assert all(sentence.startswith("A photo depicts ") for sentence in sentences)
        red = np.array(["red" in sentence for sentence in sentences])
        return np.stack([red, ~red], axis=1).astype(np.float64)


def test_bertscore_and_mauve_are_given_the_right_sides(monkeypatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, "bert_score", BERTScorer=StandInScorer)
    stand_in(monkeypatch, "mauve", compute_mauve=compute_mauve)
    prepared = prepare(custom(write_reviews(tmp_path / "raw")), tmp_path / "cache", seed=0)
    made = [plain_generation("a b", "a b c d"), plain_generation("a b c d", "a b c d", split="unseen")]
    asked = [ExtraMetric.bertscore, ExtraMetric.mauve]
    found = measure_extra(asked, made, prepared, None, ClipConfig())
    assert found["test"]["bertscore"] | {"signature": ""} == {
        "precision": 1.0,
        "recall": 0.5,
        "f": pytest.approx(2 / 3),
        "count": 1,
        "signature": "",
    }
    assert found["test"]["bertscore"]["signature"] == f"bertscore|hash:{StandInScorer.hash}|version:4"
    assert (found["test"]["mauve"]["mauve"], found["unseen"]["mauve"]["mauve"]) == (0, 1)
    assert found["test"]["mauve"]["signature"] == "mauve|model:gpt2-large|buckets:2|seed:25|version:4"


def test_clipscore_and_fid_are_of_pictures_with_their_photos(monkeypatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, "open_clip")
    stand_in(monkeypatch, "torch_fidelity")
    stand_in(
        monkeypatch,
        "torch_fidelity.feature_extractor_inceptionv3",
        FeatureExtractorInceptionV3=StandInInception,
    )
    monkeypatch.setattr(extra_metrics, "open_clip_model", lambda config: StandInClip())
    write_photos(write_reviews(tmp_path / "raw"))
    prepared = prepare(custom(tmp_path / "raw"), tmp_path / "cache", seed=0)
    assert prepared.photos is not None
    pixels = np.asarray(prepared.photos.pixels)
    # Each photo is drawn as it is, so that the sets of pictures and photos are the same.
    monkeypatch.setattr(
        extra_metrics, "decode_pictures", lambda chunk, vq: [pixels[one.codes[0]] for one in chunk]
    )
    monkeypatch.setattr(extra_metrics, "NUM_AT_ONCE", 4)
    made = [
        plain_generation("red", "red" if pixels[photo, 0, 0, 0] > 100 else "blue", codes=[photo], photo=photo)
        for photo in range(len(pixels))
    ]
    alone = plain_generation("no photo", "no photo", codes=[0])
    asked = [ExtraMetric.clipscore, ExtraMetric.fid]
    vq: Any = object.__new__(extra_metrics.VQGAN)
    (found,) = measure_extra(asked, [*made, alone], prepared, vq, ClipConfig()).values()
    red = np.mean(pixels[:, 0, 0, 0] > 100)
    assert found["clipscore"]["mean"] == pytest.approx(2.5 * red)
    assert found["clipscore_of_true_pairs"]["mean"] == pytest.approx(2.5)
    assert (
        found["clipscore"]["signature"] == "clipscore|model:ViT-B-32/laion2b_s34b_b79k|weight:2.5|version:4"
    )
    assert found["fid"]["distance"] == pytest.approx(0, abs=1e-6)
    assert found["fid"]["count"] == found["clipscore"]["count"] == len(made), (
        "a record without a photo is left out"
    )
    keys = [f"{section}.{key}" for section in found for key in found[section] if key != "signature"]
    assert [key for key in keys if label_of(key) not in LABELS.values()] == []


def test_without_pictures_only_sentences_are_measured(monkeypatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, "torch_fidelity")
    prepared = prepare(custom(write_reviews(tmp_path / "raw")), tmp_path / "cache", seed=0)
    made = [plain_generation("a", "a")]
    assert measure_extra([ExtraMetric.fid], made, prepared, None, ClipConfig()) == {"test": {}}
    assert measure_extra([], made, prepared, None, ClipConfig()) == {}


@pytest.mark.parametrize("metric", list(ExtraMetric))
def test_a_missing_package_is_one_line_with_what_to_install(monkeypatch, metric: ExtraMetric) -> None:
    name, extra = extra_metrics.PACKAGES[metric]
    monkeypatch.setitem(sys.modules, name, None)
    words = rf"extra_metrics: {metric.value} needs the package {name} .*\[{extra}\].*leave {metric.value} out"
    with pytest.raises(InputError, match=words):
        import_packages([metric])


def test_extra_metrics_are_chosen_by_name_and_change_no_run(tmp_path: Path) -> None:
    config = composed("evaluation.extra_metrics=[bertscore,fid]")
    assert config.evaluation.extra_metrics == [ExtraMetric.bertscore, ExtraMetric.fid]
    assert RunConfig().evaluation.extra_metrics == []
    assert run_hash(config) == run_hash(composed())
    assert run_hash(composed("evaluation.batch_size=7")) != run_hash(composed())


def test_a_finished_run_is_measured_by_what_the_command_names(monkeypatch, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    config = RunConfig()
    config.evaluation.extra_metrics = [ExtraMetric.fid]
    folder.save_config(config)
    folder.model_folder.mkdir()
    measured: list[RunConfig] = []
    monkeypatch.setattr(evaluate_command, "run", lambda config, folder: measured.append(config))
    evaluate_command.evaluate(EvaluateConfig(run=str(folder)))
    evaluate_command.evaluate(EvaluateConfig(run=str(folder), extra_metrics=[ExtraMetric.mauve]))
    assert [one.evaluation.extra_metrics for one in measured] == [[ExtraMetric.fid], [ExtraMetric.mauve]]
