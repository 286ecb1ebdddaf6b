"""The pigeonhole bootstrap against its definition, and the power that is simulated with it."""

import numpy as np
import pytest

from meter.study.pigeonhole import draw, interval, resampled_sums
from meter.study.power import Effect, chances, estimate_effect, power


def test_an_answer_counts_as_often_as_its_rater_times_its_item() -> None:
    generator = np.random.default_rng(0)
    cells = generator.random((4, 5, 2))
    draws = draw(3, 4, 5, generator)
    plain = [
        sum(draws.raters[b, r] * draws.items[b, i] * cells[r, i] for r in range(4) for i in range(5))
        for b in range(3)
    ]
    assert resampled_sums(cells, draws) == pytest.approx(np.array(plain))
    assert (draws.raters.sum(axis=1) == 4).all()
    assert (draws.items.sum(axis=1) == 5).all()


def test_raters_of_one_mind_are_as_many_as_they_are() -> None:
    """Where every rater always answers the same, 40 items bring no more certainty: sd = √(p(1 − p) / raters)."""
    generator = np.random.default_rng(0)
    answers = np.repeat(np.arange(10.0) % 2, 40).reshape(10, 40)
    draws = draw(4000, 10, 40, generator)
    means = resampled_sums(answers[..., None], draws)[:, 0] / 400
    assert means.std() == pytest.approx(np.sqrt(0.25 / 10), rel=0.05)
    found = interval(means)
    assert (found.low, found.high) == pytest.approx((0.2, 0.8), abs=0.05)


def test_chances_are_davidsons() -> None:
    strengths, nu = (0.7, 0.3), 0.5
    total = 1.0 + nu * np.sqrt(0.21)
    expected = [0.7 / total, nu * np.sqrt(0.21) / total, 0.3 / total]
    found = chances(np.array(np.log(strengths[0] / strengths[1])), np.log(nu))
    assert found == pytest.approx(np.array(expected))


def test_the_spread_over_raters_is_told_from_that_over_items() -> None:
    generator = np.random.default_rng(1)
    log_ratios = 0.3 + generator.normal(scale=1.0, size=(400, 1)) + np.zeros((1, 60))
    won, tied, _ = chances(log_ratios, 0.0)
    drawn = generator.random((400, 60))
    scores = np.where(drawn < won, 1.0, np.where(drawn < won + tied, 0.5, 0.0))
    found = estimate_effect(scores, np.ones((400, 60)), 0.3, 0.0)
    assert found.rater_sd == pytest.approx(1.0, abs=0.2), "the scale is linearised, so not exact"
    assert found.item_sd < 0.15


def test_more_raters_find_smaller_differences() -> None:
    seen, items = np.ones((4, 20), bool), np.arange(20)

    def needed(log_ratio: float) -> int | None:
        effect = Effect(log_ratio=log_ratio, log_nu=-0.5, rater_sd=0.3, item_sd=0.3)
        return power(effect, seen, items, num_studies=60, seed=0).raters_needed

    large, small = needed(2.0), needed(0.7)
    assert large is not None
    assert small is not None
    assert large < small
    assert needed(0.0) is None


def test_no_difference_is_rarely_found() -> None:
    """The pigeonhole bootstrap errs on the safe side: at most 5 % of studies without a difference find one."""
    effect = Effect(log_ratio=0.0, log_nu=-0.5, rater_sd=0.5, item_sd=0.5)
    found = power(effect, np.ones((1, 30), bool), np.arange(30), num_studies=300, seed=0)
    assert found.tried[128] <= 0.08


def test_the_same_seed_gives_the_same_power() -> None:
    effect = Effect(log_ratio=0.8, log_nu=-0.5, rater_sd=0.3, item_sd=0.3)
    seen = np.array([[True] * 6 + [False] * 6, [False] * 6 + [True] * 6])
    once, again = (power(effect, seen, np.arange(12) // 2, num_studies=20, seed=3) for _ in range(2))
    assert once == again
