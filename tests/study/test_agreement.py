"""Krippendorff's alpha against the worked examples of "Computing Krippendorff's Alpha-Reliability" (2011)."""

import math

import numpy as np
import pytest

from meter.study.agreement import Level, krippendorff_alpha

GAP = math.nan
FOUR_OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
        [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
    ]
)


def numbers(*rows: str) -> np.ndarray:
    return np.array([[float(ord(letter)) for letter in row] for row in rows])


def test_two_observers_of_binary_data() -> None:
    found = krippendorff_alpha(numbers("0100000010", "1110010000"), Level.nominal)
    assert found == pytest.approx(0.095, abs=5e-4)


def test_two_observers_of_nominal_data() -> None:
    found = krippendorff_alpha(numbers("aabbdcccedda", "babbbccceddd"), Level.nominal)
    assert found == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize(("level", "published"), [(Level.nominal, 0.743), (Level.ordinal, 0.815)])
def test_four_observers_with_gaps(level: Level, published: float) -> None:
    assert krippendorff_alpha(FOUR_OBSERVERS, level) == pytest.approx(published, abs=5e-4)


def test_alpha_by_pairs_of_answers() -> None:
    """α from its definition: disagreement of all pairs within units over that of all pairs of pairable answers."""
    units = [column[~np.isnan(column)] for column in FOUR_OBSERVERS.T]
    units = [unit for unit in units if len(unit) > 1]
    pooled = np.concatenate(units)
    observed = sum((unit[:, None] != unit).sum() / (len(unit) - 1) for unit in units) / len(pooled)
    expected = (pooled[:, None] != pooled).sum() / len(pooled) / (len(pooled) - 1)
    found = krippendorff_alpha(FOUR_OBSERVERS, Level.nominal)
    assert found == pytest.approx(1 - observed / expected)


def test_perfect_opposed_and_undefined() -> None:
    assert krippendorff_alpha(numbers("abca", "abca"), Level.ordinal) == pytest.approx(1.0)
    opposed = krippendorff_alpha(numbers("abab", "baba"), Level.nominal)
    assert opposed is not None
    assert opposed < 0
    assert krippendorff_alpha(numbers("aaa", "aaa"), Level.nominal) is None, "nothing could disagree"
    assert krippendorff_alpha(np.array([[1.0, GAP], [GAP, 2.0]]), Level.nominal) is None, (
        "no unit has two answers"
    )
