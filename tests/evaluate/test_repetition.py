"""Repetition by hand."""

from dataclasses import replace

import pytest

from meter.errors import InputError
from meter.evaluate.repetition import diagnose_sentences, repetition, sentence_diversity
from tests.evaluate.examples import FIVE


def test_repetition_by_hand() -> None:
    found = repetition(["a", "b", "b", "c", "c", "c", "c"])
    assert (found.times, found.sentences) == ([1, 2, 4], [1, 1, 1])
    assert found.cumulative_share == pytest.approx([1 / 7, 3 / 7, 1])
    assert found.half == 1
    assert repetition(["a", "b", "c", "d"]).half == 2
    assert repetition(["a", "b", "c"]).half == 2
    assert repetition(["a"]).half == 1


def test_sentences_by_hand() -> None:
    found = diagnose_sentences(FIVE)
    assert found.count == 5
    assert found.repetition.times == [1, 3]
    assert found.repetition.sentences == [2, 1]
    assert found.repetition.half == 1
    assert found.repetition_of_references.half == 2
    (most,) = found.repeated
    assert (most.text, most.count, most.share, most.users, most.items) == ("a b", 3, 0.6, 2, 2)
    assert most.in_references == 2

    assert found.by_feature is not None
    assert (found.by_feature.num_groups, found.by_feature.num_single) == (1, 1)
    assert found.by_feature.usr == pytest.approx(2 / 3)
    assert found.by_feature.usr_of_references == 1
    (pool,) = found.by_feature.largest
    assert pool.name == "pool"
    assert (pool.generated.count, pool.generated.top_share) == (3, pytest.approx(2 / 3))
    assert pool.generated.distinct_2 == pytest.approx(2 / 3)
    # "a b", "c d", "a b", "b c": three different pairs of words of four
    assert pool.reference.distinct_2 == pytest.approx(3 / 4)

    users = found.by_user
    assert (users.num_groups, users.num_single) == (2, 1)
    assert users.usr == pytest.approx((1 / 2 + 1) / 2)
    assert users.top_share == pytest.approx((1 + 1 / 2) / 2)
    assert [group.name for group in users.largest] == ["ann", "bob"]


def test_coincidences_by_hand() -> None:
    found = {tuple(one.shared): one for one in diagnose_sentences(FIVE).coincidences}
    shares = {shared: (one.pairs, one.generated, one.reference) for shared, one in found.items()}
    assert shares == {
        (): (10, 3 / 10, 1 / 10),
        ("item",): (4, 1 / 4, 1 / 4),
        ("user",): (2, 1 / 2, 0),
        ("feature",): (3, 1 / 3, 0),
        ("feature", "user"): (1, 1, 0),
        ("feature", "item"): (1, 0, 0),
    }


def test_without_features_their_part_is_left_out() -> None:
    found = diagnose_sentences([replace(one, feature=None) for one in FIVE])
    assert found.by_feature is None
    assert [one.shared for one in found.coincidences] == [[], ["item"], ["user"]]
    with pytest.raises(InputError, match="at least one generated sentence"):
        diagnose_sentences([])


def test_a_sentence_of_one_word_has_no_pairs_of_words() -> None:
    assert sentence_diversity(["yes", "yes"]).distinct_2 is None
    assert sentence_diversity(["yes", "yes"]).usr == 1 / 2
