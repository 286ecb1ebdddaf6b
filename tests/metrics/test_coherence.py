"""Rating–text coherence: the reader is the ridge regression it is said to be, and r is Pearson's."""

import random
from itertools import pairwise

import numpy as np
import pytest

from meter.errors import InputError
from meter.metrics.coherence import (
    LEAST_SENTENCES,
    RIDGE,
    coherence,
    correlation_of_sums,
    correlation_terms,
    is_readable,
    read_ratings,
)


def test_one_word_is_read_as_the_shrunken_mean_of_its_ratings() -> None:
    """With one word alone the ridge regression is n (r̄ of its sentences − r̄) / (n + 10) above the mean."""
    read = read_ratings(
        ["filthy"] * 10 + ["" for _ in range(10)], [1.0] * 10 + [5.0] * 10, ["filthy", "", "new"]
    )
    assert read == pytest.approx([3 - 2 * 10 / (10 + RIDGE), 3, 3])


@pytest.mark.parametrize("seed", range(3))
def test_readings_equal_the_plain_normal_equations(seed: int) -> None:
    draw = random.Random(seed)
    sentences = [" ".join(draw.choices("abcdef", k=draw.randint(0, 6))) for _ in range(80)]
    ratings = np.array([draw.randint(1, 5) for _ in sentences], dtype=np.float64)
    training, held_out = sentences[:60], sentences[60:]

    def phrases(sentence: str) -> set[str]:
        words = sentence.split()
        return {*words, *(f"{one} {other}" for one, other in pairwise(words))}

    every = sorted({phrase for sentence in training for phrase in phrases(sentence)})
    known = [
        one for one in every if sum(one in phrases(sentence) for sentence in training) >= LEAST_SENTENCES
    ]
    matrix = np.array([[float(phrase in phrases(sentence)) for phrase in known] for sentence in sentences])
    gram = matrix[:60].T @ matrix[:60] + RIDGE * np.eye(len(known))
    weights = np.linalg.solve(gram, matrix[:60].T @ (ratings[:60] - ratings[:60].mean()))
    expected = ratings[:60].mean() + matrix[60:] @ weights
    assert read_ratings(training, ratings[:60], held_out) == pytest.approx(expected, abs=1e-5)


def test_the_reader_knows_nothing_of_what_it_reads() -> None:
    """A sentence is read the same whatever is read beside it: nothing of the test split reaches the weights."""
    training, ratings = ["good"] * 6 + ["bad"] * 6, [5.0] * 6 + [1.0] * 6
    alone = read_ratings(training, ratings, ["good room"])
    beside = read_ratings(training, ratings, ["good room"] + ["room bad"] * 50)
    assert beside[0] == pytest.approx(alone[0])


def test_a_negation_is_read_as_a_whole() -> None:
    training = ["the room was clean"] * 20 + ["the room was not clean"] * 20
    read = read_ratings(training, [5.0] * 20 + [1.0] * 20, ["clean", "not clean"])
    assert read[0] > 3 > read[1]


def test_coherence_by_hand() -> None:
    found = coherence([1.0, 2.0, 3.0], [2.0, 2.0, 5.0])
    assert found.correlation == pytest.approx(3 / np.sqrt(2 * 6))
    assert found.difference == pytest.approx(1.0)
    assert (found.count, found.signature) == (3, "coherence|reader:ridge|ridge:10|phrases:1-2|version:4")


@pytest.mark.parametrize("values", [[0.1] * 7, [4.3] * 7])
def test_what_never_changes_says_nothing_of_the_rest(values: list[float]) -> None:
    varied = np.linspace(1, 5, 7)
    assert coherence(values, varied).correlation == 0
    assert coherence(varied, values).correlation == 0


def test_correlation_equals_numpys_for_many_resamples_at_once() -> None:
    draw = np.random.default_rng(0)
    ratings, read = draw.normal(4, 1, (5, 30)), draw.normal(4, 0.01, (5, 30))
    sums = np.stack([correlation_terms(x, y).sum(axis=0) for x, y in zip(ratings, read, strict=True)])
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(ratings, read, strict=True)]
    assert correlation_of_sums(sums) == pytest.approx(expected, abs=1e-6)


def test_a_reader_at_chance_is_told_from_one_that_reads() -> None:
    draw = np.random.default_rng(1)
    ratings = draw.normal(size=400)
    assert is_readable(coherence(ratings, ratings + draw.normal(size=400)))
    assert not is_readable(coherence(ratings, np.full(400, 3.0)))


def test_sentences_without_a_known_word_are_read_as_the_mean() -> None:
    assert read_ratings(["a", "b"], [1.0, 4.0], ["a", "c d"]) == pytest.approx([2.5, 2.5])
    assert read_ratings(["", ""], [1.0, 4.0], [""]) == pytest.approx([2.5])


def test_unequal_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="found 1 and 2"):
        read_ratings(["a", "b"], [1.0], [])
    with pytest.raises(InputError, match="found 1 and 2"):
        coherence([1.0, 2.0], [1.0])
