"""Somebody's own reviews (``dataset=custom``): with or without feature words and photos, as CSV or JSON lines."""

import csv
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from meter.data import PAD, DatasetConfig, Format, has_images, prepare
from meter.errors import InputError

FEATURES = ("pool", "bed", "breakfast")


def write_reviews(folder: Path, *columns: str) -> Path:
    """60 reviews of 10 users about 6 items in ``reviews.csv``, with further columns."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "reviews.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["user", "item", "rating", "text", *columns], extrasaction="ignore")
        table.writeheader()
        for number, (user, item) in enumerate(product(range(10), range(6))):
            feature = FEATURES[number % len(FEATURES)]
            table.writerow(
                {
                    "user": f"user {user}",
                    "item": f"item {item}",
                    "rating": 1 + number % 5,
                    "text": f"The {feature} was fine, number {user}!",
                    "feature": feature,
                    "image": f"images/{item}.png" if user == 0 else "",
                }
            )
    return folder


def write_photos(folder: Path, size: int = 32) -> None:
    """One photo of each item, in a colour of its own."""
    (folder / "images").mkdir()
    for item in range(6):
        Image.new("RGB", (size, size), (40 * item, 90, 200)).save(folder / f"images/{item}.png")
    lines = [{"item": f"item {item}", "file": f"images/{item}.png"} for item in range(6)]
    (folder / "images.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def custom(root: Path) -> DatasetConfig:
    return DatasetConfig(name="custom", format=Format.custom, root=str(root), use_images=None, image_size=8)


def test_reviews_without_feature_words_and_photos(tmp_path: Path) -> None:
    config = custom(write_reviews(tmp_path / "raw"))
    assert not has_images(config)
    prepared = prepare(config, tmp_path / "cache", seed=0)
    assert {name: len(split) for name, split in prepared.splits.items()} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
    assert (prepared.photos, prepared.features) == (None, [])
    assert (prepared.records.features == PAD).all()
    assert prepared.sentence(0) == "the pool was fine , number 0 !"


def test_reviews_with_feature_words(tmp_path: Path) -> None:
    prepared = prepare(custom(write_reviews(tmp_path / "raw", "feature")), tmp_path / "cache", seed=0)
    assert prepared.features == sorted(FEATURES)
    assert [prepared.feature(index) for index in range(6)] == [*FEATURES, *FEATURES]


def test_reviews_with_photos(tmp_path: Path) -> None:
    config = custom(write_reviews(tmp_path / "raw", "feature", "image"))
    write_photos(tmp_path / "raw")
    assert has_images(config)
    prepared = prepare(config, tmp_path / "cache", seed=0)
    assert prepared.photos is not None
    reds = prepared.photos.pixels[prepared.records.photos, 0, 0, 0]
    assert np.array_equal(reds, 40 * (np.arange(60) % 6)), "every review stands beside the photo of its item"
    assert prepared.stage.summary["pairing"] == {"any photo of the item": 54, "named by the review": 6}
    alone = replace(config, use_images=False)
    assert not has_images(alone)
    assert prepare(alone, tmp_path / "cache", seed=0).photos is None


def test_json_lines_are_found_too_and_prepared_to_the_same_stage_as_when_named(tmp_path: Path) -> None:
    raw = write_reviews(tmp_path / "raw", "feature")
    with (raw / "reviews.csv").open(newline="") as file:
        lines = [json.dumps({**row, "rating": float(row["rating"])}) for row in csv.DictReader(file)]
    as_csv = prepare(custom(raw), tmp_path / "cache", seed=0)
    (raw / "reviews.csv").unlink()
    (raw / "reviews.jsonl").write_text("\n".join(lines))
    as_jsonl = prepare(custom(raw), tmp_path / "cache", seed=0)
    assert np.array_equal(as_jsonl.records.words, as_csv.records.words)
    named = replace(custom(raw), format=Format.jsonl, use_images=False)
    assert prepare(named, tmp_path / "cache", seed=0).stage == as_jsonl.stage


def test_a_folder_with_both_files_or_none_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"has neither reviews\.csv nor reviews\.jsonl: put your reviews there"
    ):
        prepare(custom(tmp_path), tmp_path / "cache", seed=0)
    (write_reviews(tmp_path) / "reviews.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"has both reviews\.csv and reviews\.jsonl: remove one, or set"):
        prepare(custom(tmp_path), tmp_path / "cache", seed=0)
    with pytest.raises(InputError, match=r"dataset\.root='' is not a folder"):
        prepare(replace(custom(tmp_path), root=""), tmp_path / "cache", seed=0)
