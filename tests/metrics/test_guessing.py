"""The level of guessing, by hand and in worlds where ratings tell all, something or nothing."""

import math

import numpy as np
import pytest

from meter.metrics.guessing import best_guesses, guess_from_ratings

VALUES = {"pool": ["blue", "green", "red"]}


def world(ratings: dict[str, float], pool: dict[str, str]) -> dict:
    """What ``guess_from_ratings`` is told of items that have one value each, all of them named in training."""
    return {
        "possible": {item: {"pool": [value]} for item, value in pool.items()},
        "named": [(item, "pool") for item in pool],
        "mean_ratings": ratings,
        "values": VALUES,
    }


def test_likeliest_class_by_hand() -> None:
    """Means 1 and 4, variance (.25 + .25 + 0) / (3 − 2): the border moves by σ²/Δ · log 2 towards the rarer class."""
    ratings, classes = np.array([0.5, 1.5, 4.0]), np.array([0, 0, 1])
    border = 2.5 + 0.5 / 3 * math.log(2)
    for rating, expected in ((border - 0.01, [True, False, False]), (border + 0.01, [False, True, False])):
        assert best_guesses(rating, ratings, classes, 3).tolist() == expected
    assert best_guesses(None, ratings, classes, 3).tolist() == [True, False, False]
    assert best_guesses(3.0, ratings[:0], classes[:0], 3).all(), "nothing known: any value"
    assert best_guesses(2.5, np.array([1.0, 4.0]), np.array([2, 0]), 3).tolist() == [True, False, True]


def test_an_items_own_sentences_do_not_help_to_guess_it() -> None:
    """Each of two colours stands once beside an item of its own: without itself, only the other is known."""
    told = world({"a": 1.0, "b": 5.0}, {"a": "blue", "b": "red"})
    assert guess_from_ratings(["a", "b"], ["pool", "pool"], **told) == 0


def test_a_guess_is_counted_for_every_record_that_asks() -> None:
    """Of c and of d the others say blue, which is right of c, asked for twice, and wrong of d."""
    ratings = {"a": 3.0, "b": 3.0, "c": 3.0, "d": 3.0}
    told = world(ratings, {"a": "blue", "b": "blue", "c": "blue", "d": "red"})
    assert guess_from_ratings(["c", "c", "d", "a"], ["pool", "pool", "pool", None], **told) == pytest.approx(
        2 / 3
    )
    tied = world(ratings, {"a": "blue", "b": "red", "c": "blue", "d": "green"})
    # Of d the others say blue; of c, one of blue, red, green each; of b, blue.
    assert guess_from_ratings(["d", "c", "b"], ["pool"] * 3, **tied) == pytest.approx(1 / 9)


def test_any_possible_value_is_right() -> None:
    told = world({"a": 3.0, "b": 3.0}, {"a": "blue", "b": "red"})
    told["possible"]["a"]["pool"] = ["green", "red"]
    assert guess_from_ratings(["a"], ["pool"], **told) == 1
    assert guess_from_ratings(["b"], ["pool"], **told) == 0.5


def test_what_training_does_not_name_is_not_known() -> None:
    """Nothing of any pool is known: one of three values at random; and a record without feature asks for nothing."""
    told = world({"a": 1.0, "b": 5.0}, {"a": "blue", "b": "blue"}) | {"named": [("a", "bed")]}
    assert guess_from_ratings(["a", "b"], ["pool", "pool"], **told) == pytest.approx(1 / 3)
    assert guess_from_ratings(["a"], [None], **told) is None


@pytest.mark.parametrize(
    ("telling", "low", "high"), [(0.0, 0.29, 0.38), (0.4, 0.45, 0.75), (100.0, 1.0, 1.0)]
)
def test_worlds_whose_ratings_tell_nothing_something_and_all(telling: float, low: float, high: float) -> None:
    generator = np.random.default_rng(0)
    drawn = generator.integers(3, size=600)
    items = [f"item {number}" for number in range(600)]
    ratings = dict(zip(items, (telling * drawn + generator.normal(0, 0.4, 600)).tolist(), strict=True))
    told = world(ratings, {item: VALUES["pool"][value] for item, value in zip(items, drawn, strict=True)})
    share = guess_from_ratings(items, ["pool"] * 600, **told)
    assert share is not None
    assert low <= share <= high
    del told["mean_ratings"][items[0]]
    told["named"].remove((items[0], "pool"))
    assert guess_from_ratings(items[:1], ["pool"], **told) in (0.0, 1.0), "guessed from frequency"


def test_ratings_that_tell_exactly_leave_no_variance() -> None:
    pool = {f"i{number}": VALUES["pool"][number % 3] for number in range(9)}
    ratings = {item: 1.0 + int(item[1]) % 3 for item in pool}
    assert guess_from_ratings(list(pool), ["pool"] * 9, **world(ratings, pool)) == 1
