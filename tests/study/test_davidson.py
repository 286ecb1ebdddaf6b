"""Davidson's model: planted strengths come back, and the fit is that of a plainly written likelihood."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from meter.study.davidson import BOUND, fit, fit_each

PAIRS = np.array([[0, 1], [0, 2], [1, 2]])
COUNTS = np.array([[30.0, 12.0, 8.0], [26.0, 9.0, 15.0], [11.0, 20.0, 19.0]])


def davidson(first: float, second: float, nu: float) -> list[float]:
    """The equations as printed."""
    total = first + second + nu * math.sqrt(first * second)
    return [first / total, nu * math.sqrt(first * second) / total, second / total]


def test_two_systems_in_closed_form() -> None:
    """With two systems the model has as many parameters as freedoms: π₁/π₂ = wins/losses, ν = ties / √(wins ·
    losses)."""
    found = fit(np.array([[0, 1]]), np.array([[30.0, 12.0, 8.0]]), 2)
    assert found.strengths == pytest.approx([30 / 38, 8 / 38], abs=1e-6)
    assert found.nu == pytest.approx(12 / math.sqrt(30 * 8), abs=1e-5)


def test_the_fit_equals_a_plain_likelihood() -> None:
    def loss(parameters: np.ndarray) -> float:
        strengths = np.exp(np.append(0.0, parameters[:2]))
        return -sum(
            count * math.log(chance)
            for (i, j), counts in zip(PAIRS, COUNTS, strict=True)
            for count, chance in zip(
                counts, davidson(strengths[i], strengths[j], math.exp(parameters[2])), strict=True
            )
        )

    plain = minimize(
        loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}
    ).x
    strengths = np.exp(np.append(0.0, plain[:2]))
    found = fit(PAIRS, COUNTS, 3)
    assert found.strengths == pytest.approx(strengths / strengths.sum(), abs=1e-5)
    assert found.nu == pytest.approx(math.exp(plain[2]), abs=1e-4)


def test_planted_strengths_come_back() -> None:
    """Counts that are exactly what the model expects have their peak at the model."""
    strengths, nu = np.array([0.5, 0.3, 0.2]), 0.7
    counts = np.array([davidson(strengths[i], strengths[j], nu) for i, j in PAIRS]) * 1000
    found = fit(PAIRS, counts, 3)
    assert found.strengths == pytest.approx(strengths, abs=1e-5)
    assert found.nu == pytest.approx(nu, abs=1e-4)


def test_many_fits_at_once_are_the_single_ones() -> None:
    many = np.stack([COUNTS, COUNTS[:, ::-1], 3 * COUNTS])
    for together, counts in zip(fit_each(PAIRS, many, 3), many, strict=True):
        alone = fit(PAIRS, counts, 3)
        assert together.strengths == pytest.approx(alone.strengths, abs=1e-5)
        assert together.log_nu == pytest.approx(alone.log_nu, abs=1e-4)


def test_without_ties_it_is_bradley_and_terry() -> None:
    found = fit(np.array([[0, 1]]), np.array([[30.0, 0.0, 10.0]]), 2)
    assert found.nu < 1e-3
    assert found.strengths == pytest.approx([0.75, 0.25], abs=1e-3)


def test_who_never_loses_stays_within_the_bound() -> None:
    found = fit(np.array([[0, 1]]), np.array([[30.0, 0.0, 0.0]]), 2)
    assert found.log_strengths[0] - found.log_strengths[1] <= BOUND
    assert found.strengths[0] > 0.99
