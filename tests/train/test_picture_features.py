"""The features that are handed to a model: which photos they are of, and what is kept of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from meter.data import DatasetConfig, Format, Prepared, prepare
from meter.errors import InputError
from meter.train.picture_features import (
    mean_code_vectors,
    picture_features,
    principal_components,
    standardised,
)

CODEBOOK = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 4.0]])
REVIEWS = [
    # user, item, its photo: "a" has two in training, and one more that a test record names; "d" has none
    ("u1", "a", "0"),
    ("u2", "a", "1"),
    ("u1", "b", "2"),
    ("u2", "c", "3"),
    ("u3", "d", None),
    ("u3", "b", "2"),
    ("u2", "b", "2"),
    ("u1", "a", "4"),
]
CODES = np.array([[0, 0], [1, 3], [2, 2], [3, 1], [3, 3], [0, 1]], dtype=np.int32)


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """Seven records to learn from, the last one for validation too; photo 5 is of an item and in no record."""
    (tmp_path / "splits").mkdir()
    for name, numbers in {"train": "0 1 2 3 4 5", "validation": "6", "test": "7"}.items():
        (tmp_path / "splits" / f"{name}.index").write_text(numbers)
    lines = [
        {
            "user": user,
            "item": item,
            "rating": 3,
            "text": "fine",
            **({"image": f"{photo}.png"} if photo else {}),
        }
        for user, item, photo in REVIEWS
    ]
    (tmp_path / "reviews.jsonl").write_text("\n".join(map(json.dumps, lines)))
    entries = [{"item": item, "file": f"{number}.png"} for number, item in enumerate("aabcac")]
    (tmp_path / "images.jsonl").write_text("\n".join(map(json.dumps, entries)))
    for entry in entries:
        Image.new("RGB", (4, 4)).save(tmp_path / entry["file"])
    config = DatasetConfig(name="toy", format=Format.jsonl, root=str(tmp_path), image_size=4)
    return prepare(config, tmp_path / "cache", 0)


def test_code_vectors_are_averaged_place_by_place() -> None:
    items, photos = np.array([0, 0, 2]), np.array([0, 1, 3])
    means = mean_code_vectors(items, photos, CODES, CODEBOOK, 3)
    assert means.tolist() == [[0.5, 0.0, 1.0, 2.0], [0.0] * 4, [2.0, 4.0, 1.0, 0.0]]


def test_only_photos_of_training_records_are_handed_in(prepared: Prepared) -> None:
    """Other codes of a photo that only a test record names, or none, change nothing; those of any other photo do."""
    features = picture_features(prepared, CODES, CODEBOOK)
    for photo in range(6):
        codes = CODES.copy()
        codes[photo] = (CODES[photo] + 1) % 4
        same = torch.equal(picture_features(prepared, codes, CODEBOOK), features)
        assert same == (photo in (4, 5)), photo
    assert (features[prepared.items.index("d")] == 0).all()


def test_features_keep_the_angles_between_items(prepared: Prepared) -> None:
    """Against the plain way: standardise, scale, no rotation. With few items nothing is lost."""
    features = picture_features(prepared, CODES, CODEBOOK)
    order = [prepared.items.index(name) for name in "abc"]
    means = np.array([[0.5, 0.0, 1.0, 2.0], [0.0, 1.0, 0.0, 1.0], [2.0, 4.0, 1.0, 0.0]])
    plain = (means - means.mean(axis=0)) / means.std(axis=0)
    plain /= math.sqrt((plain**2).sum(axis=1).mean())
    found = features[order].double().numpy()
    np.testing.assert_allclose(found @ found.T, plain @ plain.T, atol=1e-5)


def test_what_never_differs_is_no_feature() -> None:
    features = standardised(torch.tensor([[1.0, 0.1, 5.0], [3.0, 0.1, 5.0 + 1e-6]]))
    assert features.tolist() == [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    assert (principal_components(torch.zeros(3, 4)) == 0).all()


def test_they_are_the_same_each_time_and_leave_randomness_alone(prepared: Prepared) -> None:
    torch.manual_seed(1)
    first, drawn = picture_features(prepared, CODES, CODEBOOK), torch.rand(3)
    torch.manual_seed(2)
    second = picture_features(prepared, CODES, CODEBOOK)
    torch.manual_seed(1)
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(3), drawn)


def test_training_without_any_photo_is_refused(prepared: Prepared) -> None:
    prepared.splits["train"] = np.array([4], dtype=np.int32)
    with pytest.raises(InputError, match="expected photos in the training split, found none"):
        picture_features(prepared, CODES, CODEBOOK)
