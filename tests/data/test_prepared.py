import json
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
from PIL import Image

import meter.data.dataset
from meter.data import (
    EOS,
    PAD,
    UNK,
    DatasetConfig,
    Format,
    Pairing,
    Prepared,
    VocabularySource,
    overview,
    prepare,
)
from meter.errors import InputError
from meter.world import WorldConfig
from tests.conftest import REAL_DATA

needs_real_data = pytest.mark.skipif(not REAL_DATA.exists(), reason=f"no real data at {REAL_DATA}")

REVIEWS = [
    ("u1", "i1", 5, "the pool is very warm and very very long indeed", "pool"),
    ("u2", "i2", 1, "a hard bed", "bed"),
    ("u1", "i2", 3, "fine café", None),
    ("u2", "i1", 2, "the pool is cold", "pool"),
    ("u1", "i1", 4, "the sauna is hot", "sauna"),
    ("u3", "i1", 4, "never seen before", "pool"),
    ("u1", "i2", 9, "out of this world", "bed"),
    ("u2", "i2", 4, "a hard bed", "bed"),
]
SPLITS = {"train": "0 1 2 6", "validation": "3", "test": "4 5", "unseen": "7"}


@pytest.fixture
def config(tmp_path: Path) -> DatasetConfig:
    raw = tmp_path / "raw"
    for name in ("images", "splits"):
        (raw / name).mkdir(parents=True)
    keys = ("user", "item", "rating", "text", "feature")
    lines = [json.dumps(dict(zip(keys, review, strict=True))) for review in REVIEWS]
    (raw / "reviews.jsonl").write_text("\n".join(lines) + "\n")
    for name, numbers in SPLITS.items():
        (raw / "splits" / f"{name}.index").write_text(numbers)
    with (raw / "images.jsonl").open("w") as manifest:
        for row, (item, label) in enumerate([("i1", "pool"), ("i1", "room"), ("i9", "pool")]):
            Image.new("RGB", (12, 12), (row, row, row)).save(raw / f"images/{row}.png")
            manifest.write(json.dumps({"item": item, "file": f"images/{row}.png", "label": label}) + "\n")
    return DatasetConfig(
        name="toy", format=Format.jsonl, root=str(raw), text_length=5, vocabulary_size=100, image_size=6
    )


def words_of(prepared: Prepared, row: int) -> list[str]:
    return prepared.vocabulary.decode(prepared.records.words[row].tolist())


def test_records_come_back(config: DatasetConfig, tmp_path: Path) -> None:
    prepared = prepare(config, tmp_path / "cache", 0)
    records = prepared.records
    assert records.lines.tolist() == [0, 1, 2, 3, 4, 7]
    assert {name: rows.tolist() for name, rows in prepared.splits.items()} == {
        "train": [0, 1, 2],
        "validation": [3],
        "test": [4],
        "unseen": [5],
    }
    for row, line in enumerate(records.lines):
        user, item, rating, text, feature = REVIEWS[line]
        assert (prepared.users[records.users[row]], prepared.items[records.items[row]]) == (user, item)
        assert records.ratings[row] == rating
        assert prepared.sentence(row) == text
        assert records.lengths[row] == min(5, len(text.split()))
        known = prepared.vocabulary.index
        assert words_of(prepared, row) == [word if word in known else "<unk>" for word in text.split()[:5]]
        if row < 4:
            assert prepared.feature(row) == feature
    assert len(prepared) == 6


def test_sentence_is_cut_then_ended_then_padded(config: DatasetConfig, tmp_path: Path) -> None:
    words = prepare(config, tmp_path / "cache", 0).records.words
    assert words.shape == (6, 6)
    assert words[0, 5] == EOS
    assert EOS not in words[0, :5]
    assert words[1, 3:].tolist() == [EOS, PAD, PAD]
    assert (np.count_nonzero(words == EOS, axis=1) == 1).all()


def test_words_and_features_come_from_train_only(config: DatasetConfig, tmp_path: Path) -> None:
    prepared = prepare(config, tmp_path / "cache", 0)
    assert "sauna" not in prepared.vocabulary.index
    assert prepared.features == ["bed", "pool"]
    assert prepared.records.features[4] == UNK
    assert prepared.records.features[2] == PAD
    assert words_of(prepared, 4) == ["the", "<unk>", "is", "<unk>"]
    assert prepared.stage.summary["records_with_unknown_feature"] == 1
    assert prepared.stage.summary["unknown_words"] == {
        "train": 0,
        "validation": 0.25,
        "test": 0.5,
        "unseen": 0,
    }

    config.vocabulary_from = VocabularySource.peter_compat
    compatible = prepare(config, tmp_path / "cache", 0)
    assert words_of(compatible, 4) == ["the", "sauna", "is", "hot"]
    assert compatible.features == ["bed", "pool", "sauna"]
    assert "seen" not in compatible.vocabulary.index, "words of dropped records are counted in neither way"


def test_everything_dropped_is_told(config: DatasetConfig, tmp_path: Path) -> None:
    summary = prepare(config, tmp_path / "cache", 0).stage.summary
    assert (summary["reviews"]["read"], summary["reviews"]["kept"]) == (8, 6)
    assert {reason: each["count"] for reason, each in summary["reviews"]["dropped"].items()} == {
        "rating outside 1 to 5": 1,
        "user not in train (test)": 1,
    }
    assert summary["cut_sentences"] == 1
    assert summary["repeated_sentences"] == 1
    assert summary["records_without_feature"] == 1
    assert summary["records_without_photo"] == 3
    assert summary["photos_of_items_without_reviews"] == 1
    rows = {(row.group, row.what): row for row in overview(summary)}
    dropped = rows["reviews", "dropped: user not in train (test)"]
    assert (dropped.count, dropped.share) == ("1", "12.5 %")
    assert dropped.note.endswith("reviews.jsonl:6")
    assert rows["splits", "train"].count == "3"
    assert rows["photos", "kept"].share == "100.0 %"


def test_photos_stand_beside_their_records(config: DatasetConfig, tmp_path: Path) -> None:
    config.pairing, config.labels = Pairing.label, {"pool": "pool", "bed": "room"}
    prepared = prepare(config, tmp_path / "cache", 0)
    assert prepared.photos is not None
    assert prepared.photos.pixels.shape == (3, 6, 6, 3)
    assert prepared.records.photos[[0, 1, 2, 3, 5]].tolist() == [0, -1, -1, 0, -1]
    assert prepared.records.photos[4] in (0, 1), (
        "a feature without a label falls back to any photo of the item"
    )
    assert (prepared.photos.pixels[prepared.records.photos[0]] == 0).all()
    assert prepared.photos.entries[0]["label"] == "pool"


def test_dataset_without_pictures_needs_no_manifest(config: DatasetConfig, tmp_path: Path) -> None:
    (Path(config.root) / "images.jsonl").unlink()
    with pytest.raises(InputError, match=r"images\.jsonl is missing"):
        prepare(config, tmp_path / "cache", 0)
    config.use_images = False
    prepared = prepare(config, tmp_path / "cache", 0)
    assert prepared.photos is None
    assert (prepared.records.photos == -1).all()
    assert not any(row.group == "photos" for row in overview(prepared.stage.summary))


def test_second_call_builds_and_parses_nothing(
    config: DatasetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(config, tmp_path / "cache", 0)
    written = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*") if path.suffix != ".lock"
    }

    def read_again(*_: object, **__: object) -> None:
        raise AssertionError("the raw reviews were read again")

    monkeypatch.setattr(meter.data.dataset, "read_jsonl", read_again)
    config.name = "another name"
    second = prepare(config, tmp_path / "cache", 0)
    assert second.stage == first.stage
    assert {path: path.stat().st_mtime_ns for path in written} == written


@pytest.mark.parametrize(
    "change",
    [
        {"text_length": 4},
        {"vocabulary_size": 7},
        {"vocabulary_from": VocabularySource.peter_compat},
        {"max_rating": 10.0},
        {"pairing": Pairing.label, "labels": {"pool": "room"}},
        {"image_size": 5},
        {"use_images": False},
    ],
)
def test_other_config_is_another_stage(
    config: DatasetConfig, tmp_path: Path, change: dict[str, object]
) -> None:
    first = prepare(config, tmp_path / "cache", 0)
    for name, value in change.items():
        setattr(config, name, value)
    assert prepare(config, tmp_path / "cache", 0).stage.hash != first.stage.hash


EMPTY_TRUTH = {
    "features": {},
    "visit_features": [],
    "items": {},
    "photos": {},
    "reviews": {"said": []},
    "ratings": {"mean": [], "noise_floor": {}},
}


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("splits/train.index", "2 1 0 6"),
        ("images.jsonl", '{"item": "i2", "file": "images/0.png"}\n'),
        ("truth.json", json.dumps(EMPTY_TRUTH)),
    ],
)
def test_other_data_are_another_stage(config: DatasetConfig, tmp_path: Path, file: str, content: str) -> None:
    first = prepare(config, tmp_path / "cache", 0)
    (Path(config.root) / file).write_text(content)
    second = prepare(config, tmp_path / "cache", 0)
    assert second.stage.hash != first.stage.hash
    assert (second.truth is not None) == (file == "truth.json")


def test_moved_data_are_the_same_data(config: DatasetConfig, tmp_path: Path) -> None:
    first = prepare(config, tmp_path / "cache", 0)
    config.root = str(Path(config.root).rename(tmp_path / "moved"))
    assert prepare(config, tmp_path / "cache", 0).stage == first.stage


def test_arrays_are_mapped_and_cannot_be_written(config: DatasetConfig, tmp_path: Path) -> None:
    prepared = prepare(config, tmp_path / "cache", 0)
    assert isinstance(prepared.records.words, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        prepared.records.words[0, 0] = 1
    assert not list((tmp_path / "cache").rglob("*.pickle"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root": "no/such/folder"}, r"dataset\.root='no/such/folder' is not a folder"),
        ({"text_length": 0}, r"dataset\.text_length=0: expected 1 or more"),
        ({"min_rating": 5.0}, r"dataset\.min_rating=5 must be less than"),
        ({"pairing": Pairing.label}, r"dataset\.pairing=label needs dataset\.labels"),
        ({"format": Format.csv}, r"reviews\.csv is missing"),
        ({"vocabulary_size": 1}, r"dataset\.vocabulary_size=1 has no room"),
    ],
)
def test_wrong_config_is_one_clear_line(
    config: DatasetConfig, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    for name, value in change.items():
        setattr(config, name, value)
    with pytest.raises(InputError, match=message) as fault:
        prepare(config, tmp_path / "cache", 0)
    assert "\n" not in str(fault.value)


def test_empty_split_is_refused(config: DatasetConfig, tmp_path: Path) -> None:
    (Path(config.root) / "splits/validation.index").write_text("")
    with pytest.raises(InputError, match=r"no record is left in validation \(5 kept of 8\)"):
        prepare(config, tmp_path / "cache", 0)


def test_world_is_written_photographed_and_prepared(tmp_path: Path) -> None:
    world = WorldConfig(num_hotels=4, num_restaurants=4, num_users=16)
    config = DatasetConfig(image_size=48, world=world)
    prepared = prepare(config, tmp_path, 0)
    summary = prepared.stage.summary
    assert list(prepared.splits) == ["train", "validation", "test", "unseen"]
    assert summary["reviews"]["read"] == len(prepared), "a world holds no bad record"
    assert summary["records_without_photo"] == 0
    assert prepared.photos is not None
    assert prepared.photos.pixels.shape[1:] == (48, 48, 3)
    assert prepared.truth is not None
    assert set(prepared.items) == set(prepared.truth.values)
    assert len(prepared.truth.mean_ratings) > prepared.records.lines.max()
    for row, photo in enumerate(prepared.records.photos):
        assert prepared.photos.entries[photo]["item"] == prepared.items[prepared.records.items[row]]
    assert prepare(config, tmp_path, 0).stage == prepared.stage
    assert prepare(config, tmp_path, 1).stage.hash != prepared.stage.hash


@pytest.fixture
def without_type_checks() -> Iterator[None]:
    """Types are checked on the small data; on all records that would take most of the time."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@needs_real_data
@pytest.mark.usefixtures("without_type_checks")
def test_real_data_are_prepared(tmp_path: Path) -> None:
    config = DatasetConfig(format=Format.peter, root=str(REAL_DATA / "tripadvisor"), use_images=False)
    prepared = prepare(config, tmp_path, 0)
    summary = prepared.stage.summary
    assert (summary["reviews"]["read"], summary["reviews"]["kept"]) == (97_087, 97_087)
    assert summary["splits"] == {"train": 77_728, "validation": 9_669, "test": 9_690}
    assert (summary["users"], summary["items"], summary["features"]) == (15_100, 1_516, 203)
    assert len(prepared.vocabulary) == 20_004
    assert 0.015 < summary["repeated_sentences"] / 97_087 < 0.017
    for row in (0, 50_000, 97_086):
        cut = prepared.sentence(row).split()[:15]
        known = prepared.vocabulary.index
        assert words_of(prepared, row) == [word if word in known else "<unk>" for word in cut]
        assert prepared.feature(row) in prepared.features
