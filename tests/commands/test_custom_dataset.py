"""``dataset=custom`` end to end: pictures are used if there are photos, and nothing has to be set if there are none."""

import json
from pathlib import Path

import pytest

import meter
from meter.config import settle_pictures
from meter.errors import InputError
from meter.run_folder import RunFolder
from tests.commands.test_config import composed
from tests.commands.test_pipeline import CPU, command
from tests.data.test_custom import write_photos, write_reviews


def train(folder: Path, *overrides: str) -> tuple[str, Path]:
    """What the command prints, and the folder of its run."""
    arguments = ("dataset=custom", f"dataset.root={folder / 'raw'}", "experiment=smoke", "train.epochs=1")
    printed = command(folder, "train", *arguments, *overrides, *CPU).stdout
    (run,) = (folder / "runs" / "custom").iterdir()
    return printed, run


def test_text_alone_trains_and_explains_without_further_settings(tmp_path: Path) -> None:
    write_reviews(tmp_path / "raw")
    printed, run = train(tmp_path)
    assert "no photos: words and ratings alone, without visual loss and discriminator\n" in printed
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["rating"]["rmse"] > 0
    assert "vq" not in metrics
    config = RunFolder(run).config
    assert (config.dataset.use_images, config.objective.alpha, config.objective.lambda_d) == (False, 0, 0)
    card = meter.load(run).explain(user="user 1", item="item 1")
    assert card.text
    assert (card.image, card.feature) == (None, None)
    with pytest.raises(InputError, match="trained without feature words; leave feature=pool out"):
        meter.load(run).explain(user="user 1", item="item 1", feature="pool")


def test_a_table_without_feature_words_trains_with_those_that_are_found(tmp_path: Path) -> None:
    write_reviews(tmp_path / "raw")
    printed, run = train(tmp_path, "dataset.features=mined")
    assert "feature words found in training reviews" in printed
    assert "the breakfast was fine , number" in printed
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    assert metrics["diversity"]["count_with_feature"] == 6
    assert metrics["feature_frequency"]["num_features"] == 3
    card = meter.load(run).explain(user="user 1", item="item 1", feature="pool")
    assert (card.feature, card.rating is not None) == ("pool", True)
    command(tmp_path, "explain", f"run={run}", "user=user 1", "item=item 1")
    (shown,) = (run / "explanations").glob("user 1-item 1-*.png")
    assert shown.stem.rpartition("-")[2] in ("pool", "bed", "breakfast"), (
        "the likeliest word, where none is named"
    )


def test_photos_are_used_where_there_is_a_manifest(tmp_path: Path) -> None:
    write_reviews(tmp_path / "raw", "feature")
    write_photos(tmp_path / "raw")
    printed, run = train(tmp_path, "pretrain.steps=10")
    assert "no photos" not in printed
    metrics = json.loads((run / "metrics.json").read_text())
    assert "match" in metrics["test"]
    assert "vq" in metrics
    assert meter.load(run).explain(user="user 1", item="item 1", feature="pool").image is not None


def test_an_explicit_choice_is_kept() -> None:
    config = composed("dataset=synthetic")
    assert settle_pictures(config) is config


def test_features_of_photos_that_are_not_there_are_no_silent_zero(tmp_path: Path) -> None:
    write_reviews(tmp_path / "raw")
    with pytest.raises(
        InputError, match=r"picture_features=true hands in features of photos, but there are none"
    ):
        settle_pictures(
            composed("dataset=custom", f"dataset.root={tmp_path / 'raw'}", "ablation=picture_features")
        )
