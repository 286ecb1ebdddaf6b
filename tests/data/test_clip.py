"""Photos by affinity: the nearest of the item's own, every vector made once, and a clear line without the extra."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import meter.data.prepared
from meter.data import DatasetConfig, Pairing, prepare
from meter.data.clip import Affinity, ClipConfig, measure_affinity
from meter.errors import InputError
from tests.data.test_prepared import config  # noqa: F401  (a fixture)


class ByBrightness:
    """A stand-in: photos are known by how bright they are (row number, in the fixture), sentences by a word."""

    width = 3

    def __init__(self) -> None:
        self.asked: list[int] = []

    def images(self, pixels: np.ndarray) -> np.ndarray:
        self.asked.append(len(pixels))
        return 5 * np.eye(3, dtype=np.float32)[pixels[:, 0, 0, 0]]

    def texts(self, sentences: list[str]) -> np.ndarray:
        self.asked.append(len(sentences))
        return (
            0.1
            * np.eye(3, dtype=np.float32)[
                [1 if "sauna" in each or "cold" in each else 0 for each in sentences]
            ]
        )


def test_the_nearest_of_the_items_own_photos() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float16)
    affinity = Affinity(photos=vectors, sentences=np.array([[0, 1], [1, 0]], dtype=np.float16))
    assert affinity.best(0, [0, 1, 2]) == 1
    assert affinity.best(0, [0, 2]) == 2
    assert affinity.best(1, [2, 1]) == 2
    assert affinity.best(1, [0, 0]) == 0


def test_every_photo_and_sentence_is_encoded_once(tmp_path: Path) -> None:
    pixels = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    model = ByBrightness()
    settings = ClipConfig(batch_size=2)

    def measured(sentences: list[str]) -> Affinity:
        return measure_affinity(pixels, "photos", sentences, settings, tmp_path, lambda _: model)

    first = measured(["a sauna", "a bed", "a pool"])
    assert model.asked == [2, 1, 2, 1]
    np.testing.assert_allclose(np.linalg.norm(first.photos, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(first.sentences, axis=1), 1)
    again = measured(["a sauna", "a bed", "a pool"])
    assert model.asked == [2, 1, 2, 1]
    assert np.array_equal(first.sentences, again.sentences)
    measured(["another"])
    assert model.asked == [2, 1, 2, 1, 1]


def test_a_dataset_is_paired_by_affinity(
    config: DatasetConfig,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(meter.data.prepared, "open_clip_model", lambda _: ByBrightness())
    asked = replace(config, pairing=Pairing.clip)
    prepared = prepare(asked, tmp_path / "cache", seed=0)
    of_i1 = {
        prepared.sentence(row): int(prepared.records.photos[row])
        for row in range(len(prepared.records.photos))
        if prepared.items[prepared.records.items[row]] == "i1"
    }
    assert of_i1
    for sentence, photo in of_i1.items():
        assert photo == (1 if "sauna" in sentence or "cold" in sentence else 0)
    assert prepared.stage.summary["pairing"]["by the image–text model"] == len(of_i1)


def test_without_the_extra_one_line_says_so(
    config: DatasetConfig,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(
        InputError, match=r"pairing=clip needs the package open_clip_torch .*meter-explain\[clip\]"
    ):
        prepare(replace(config, pairing=Pairing.clip), tmp_path / "cache", seed=0)
