"""What stands for a new item: ridge regression against a plain version, left-out items, and what photos decide."""

import numpy as np
import pytest
import torch
from torch import nn

from meter.errors import InputError
from meter.evaluate.newcomers import PhotoRegression, append_row, histogram

NUM_CODES, PLACES = 5, 3


def photos_and_vectors(num_items: int = 24) -> tuple[list[np.ndarray], torch.Tensor]:
    """Items whose vectors are a linear map of what their photos show, and a little noise."""
    draws = np.random.default_rng(0)
    photos = [draws.integers(0, NUM_CODES, (draws.integers(1, 5), PLACES)) for _ in range(num_items)]
    shown = np.stack([histogram(codes, NUM_CODES).toarray()[0] for codes in photos])
    vectors = shown @ draws.normal(size=(PLACES * NUM_CODES, 4)) + 0.1 * draws.normal(size=(num_items, 4)) + 2
    return photos, torch.from_numpy(vectors).float()


def plain(photos: list[np.ndarray], vectors: np.ndarray, penalty: float, new: np.ndarray) -> np.ndarray:
    """Ridge regression with an intercept by its normal equations; the penalty as it was for all items."""
    shown = np.stack([histogram(codes, NUM_CODES).toarray()[0] for codes in photos])
    mean = shown.mean(axis=0)
    centred = shown - mean
    moments = centred.T @ centred + penalty * np.eye(shown.shape[1])
    weights = np.linalg.solve(moments, centred.T @ (vectors - vectors.mean(axis=0)))
    return (histogram(new, NUM_CODES).toarray()[0] - mean) @ weights + vectors.mean(axis=0)


def scale(photos: list[np.ndarray]) -> float:
    shown = np.stack([histogram(codes, NUM_CODES).toarray()[0] for codes in photos])
    return float(((shown - shown.mean(axis=0)) ** 2).sum() / len(photos))


def test_a_histogram_is_the_share_of_photos_by_place() -> None:
    """By hand: of two photos of two places with three codes."""
    found = histogram(np.array([[0, 2], [1, 2]]), 3).toarray()
    assert found.tolist() == [[0.5, 0.5, 0.0, 0.0, 0.0, 1.0]]


def test_it_is_ridge_regression() -> None:
    photos, vectors = photos_and_vectors()
    regression = PhotoRegression.fit(photos, vectors, NUM_CODES)
    new = np.array([[0, 1, 2], [3, 1, 4]])
    expected = plain(photos, vectors.double().numpy(), regression.penalty * scale(photos), new)
    assert regression.predict(new).numpy() == pytest.approx(expected, rel=1e-5)


def test_a_left_out_item_is_what_the_others_say() -> None:
    photos, vectors = photos_and_vectors()
    regression = PhotoRegression.fit(photos, vectors, NUM_CODES)
    values, penalty = vectors.double().numpy(), regression.penalty * scale(photos)
    for left in (0, 7, 23):
        others = [row for row in range(len(photos)) if row != left]
        expected = plain([photos[row] for row in others], values[others], penalty, photos[left])
        assert regression.left_out[left] == pytest.approx(expected, rel=1e-8)
    errors = regression.left_out - values
    centred = values - values.mean(axis=0)
    assert regression.explained == pytest.approx(1 - (errors**2).sum() / (centred**2).sum(), rel=1e-6)
    assert regression.explained > 0.5


def test_photos_that_say_nothing_explain_nothing() -> None:
    photos, _ = photos_and_vectors()
    noise = torch.from_numpy(np.random.default_rng(1).normal(size=(len(photos), 4))).float()
    regression = PhotoRegression.fit(photos, noise, NUM_CODES)
    assert regression.explained < 0.1
    assert regression.penalty >= 1, "the mean item is the best guess"


def test_alike_items_are_the_mean() -> None:
    vectors = torch.arange(12.0).reshape(4, 3)
    regression = PhotoRegression.fit([np.array([[1, 1, 1]])] * 4, vectors, NUM_CODES)
    assert regression.predict(np.array([[1, 1, 1]])).tolist() == pytest.approx(vectors.mean(dim=0).tolist())


def test_too_few_items_are_refused() -> None:
    with pytest.raises(InputError, match="at least 3 items whose training records have photos, found 1"):
        PhotoRegression.fit([np.array([[1, 2, 3]])], torch.zeros(1, 4), NUM_CODES)


def test_a_row_is_added_behind_the_others() -> None:
    table = nn.Embedding(3, 2)
    before = table.weight.detach().clone()
    assert append_row(table, torch.tensor([5.0, 6.0])) == 3
    assert torch.equal(table.weight[:3], before)
    assert table(torch.tensor([3])).tolist() == [[5.0, 6.0]]
