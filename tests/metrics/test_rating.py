import numpy as np
import pytest

from meter.errors import InputError
from meter.metrics.rating import rating_metrics, rating_metrics_peter_compat


def test_errors_by_hand():
    result = rating_metrics([5.0, 3.0, 1.0, 4.0], [4.0, 3.0, 3.0, 4.5])
    assert result.rmse == pytest.approx(np.sqrt((1 + 0 + 4 + 0.25) / 4))
    assert result.mae == pytest.approx((1 + 0 + 2 + 0.5) / 4)
    assert result.count == 4


def test_predictions_beyond_the_scale_are_clipped_for_peter_only():
    ratings, predictions = [5.0, 1.0], [6.0, 0.0]
    assert rating_metrics(ratings, predictions).rmse == pytest.approx(1.0)
    clipped = rating_metrics_peter_compat(ratings, predictions, lowest=1.0, highest=5.0)
    assert clipped.rmse == 0.0
    assert clipped.mae == 0.0


def test_clipping_never_raises_the_error_of_ratings_on_the_scale():
    generator = np.random.default_rng(0)
    ratings = generator.integers(1, 6, 500).astype(np.float32)
    predictions = generator.normal(3, 3, 500)
    ours = rating_metrics(ratings, predictions)
    peter = rating_metrics_peter_compat(ratings, predictions, lowest=1.0, highest=5.0)
    assert peter.rmse < ours.rmse
    assert peter.mae < ours.mae


def test_signatures_tell_the_two_apart():
    ours = rating_metrics([1.0], [2.0]).signature
    peter = rating_metrics_peter_compat([1.0], [2.0], lowest=1.0, highest=5.0).signature
    assert ours == "rating|clipped:no|version:4"
    assert peter == "rating|clipped:1-5|version:4"


@pytest.mark.parametrize(
    ("ratings", "predictions", "words"),
    [
        ([], [], "found 0 and 0"),
        ([1.0, 2.0], [1.0], "found 1 and 2"),
        ([1.0, 2.0], [1.0, float("nan")], "the first at index 1"),
    ],
)
def test_wrong_input_is_refused(ratings, predictions, words):
    with pytest.raises(InputError, match=words):
        rating_metrics(ratings, predictions)
