import numpy as np
import pytest
from scipy.linalg import sqrtm

from meter.errors import InputError
from meter.metrics.image_models import clip_score, frechet_distance


def test_clip_score_by_hand() -> None:
    images = np.array([[2.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
    texts = np.array([[3.0, 0.0], [5.0, 0.0], [-1.0, 0.0]])
    found = clip_score(images, texts, "ViT-B-32/x")
    assert found.mean == pytest.approx(2.5 * (1 + np.sqrt(0.5) + 0) / 3), "a negative cosine counts as 0"
    assert (found.count, found.signature) == (3, "clipscore|model:ViT-B-32/x|weight:2.5|version:4")
    with pytest.raises(InputError, match="found none"):
        clip_score(images[:0], texts[:0], "")


def test_fid_by_hand() -> None:
    """In one dimension: (μ − μ')² + (σ − σ')²."""
    found = frechet_distance(np.array([[0.0], [2.0]]), np.array([[5.0], [9.0]]), "m")
    assert found.distance == pytest.approx((1 - 7) ** 2 + (np.sqrt(2) - np.sqrt(8)) ** 2)
    assert (found.count, found.count_of_photos, found.signature) == (2, 2, "fid|model:m|version:4")


@pytest.mark.parametrize(("num_pictures", "num_photos"), [(60, 40), (4, 50), (3, 5)])
def test_fid_equals_the_formula_with_a_matrix_root(num_pictures: int, num_photos: int) -> None:
    draw = np.random.default_rng(0)
    first = draw.normal(size=(num_pictures, 8)) @ draw.normal(size=(8, 8))
    second = draw.normal(1, 2, size=(num_photos, 8))
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1])
    expected = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(
        covariances[0] + covariances[1] - 2 * np.real(root)
    )
    assert frechet_distance(first, second, "").distance == pytest.approx(expected, rel=1e-3)


def test_equal_sets_are_at_distance_0_whatever_their_order() -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 5))
    assert frechet_distance(vectors, vectors[::-1], "").distance == pytest.approx(0, abs=1e-9)


def test_one_picture_has_no_covariance() -> None:
    with pytest.raises(InputError, match="found 1 and 2"):
        frechet_distance(np.zeros((1, 3)), np.zeros((2, 3)), "")
