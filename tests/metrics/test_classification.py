"""True pairs against false ones: AUC by counting and by scipy, calibration by hand."""

import numpy as np
import pytest
from scipy import stats

from meter.errors import InputError
from meter.metrics.classification import area_under_curve, reliability


def test_area_under_curve_equals_counting_pairs():
    generator = np.random.default_rng(0)
    positive = generator.integers(0, 9, 70).astype(np.float64) + 1
    negative = generator.integers(0, 9, 50).astype(np.float64)
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert area_under_curve(positive, negative) == pytest.approx(above)
    assert area_under_curve(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1
    assert area_under_curve(np.zeros(3), np.zeros(5)) == 0.5
    assert area_under_curve(positive, negative) == pytest.approx(
        stats.mannwhitneyu(positive, negative).statistic / (70 * 50), rel=1e-12
    )


def test_reliability_by_hand() -> None:
    found = reliability(np.array([0.95, 0.55, 1.0]), np.array([0.15, 0.56]))
    assert [one.count for one in found.bins] == [0, 1, 0, 0, 0, 2, 0, 0, 0, 2]
    assert found.bins[5].predicted == pytest.approx(0.555)
    assert found.bins[5].observed == pytest.approx(1 / 2)
    assert found.bins[9].observed == 1
    assert found.bins[0].predicted is None
    # .15 of one pair, 2 × .055 and 2 × .025, over five pairs
    assert found.error == pytest.approx((0.15 + 0.11 + 0.05) / 5)
    with pytest.raises(InputError, match="probabilities"):
        reliability(np.array([1.5]), np.array([0.0]))


def test_auc_of_one_kind_is_refused():
    with pytest.raises(InputError, match="0 positive and 1 negative"):
        area_under_curve(np.zeros(0), np.zeros(1))
