import math
import random
from itertools import combinations

import pytest

from meter.errors import InputError
from meter.metrics.diversity import (
    distinct,
    diversity,
    diversity_peter_compat,
    feature_diversity,
    find_features,
)

SENTENCES = [
    "the front desk was kind",
    "the pool was warm",
    "the pool was warm",
    "a <unk> by the pool bar",
]
FEATURES = ["front desk", "pool", "bar", "spa"]
FEATURE_SET = ["front desk", "pool", "bar", "desk", "view"]


def test_ratios_by_hand():
    result = diversity(SENTENCES, FEATURES, FEATURE_SET)
    assert (result.usn, result.usr) == (3, 0.75)
    assert result.fmr == 2 / 4
    # front desk, desk, pool, bar of five
    assert result.fcr == 4 / 5
    # pool in three sentences: 3 of the 6 pairs share it
    assert result.div == pytest.approx(3 / 6)
    assert (result.count, result.count_with_feature, result.num_features) == (4, 4, 5)


def test_peter_finds_single_tokens_and_counts_unknown_as_a_feature():
    result = diversity_peter_compat(SENTENCES, FEATURES, FEATURE_SET)
    # spa is not in the set, so it is asked for as <unk>, which the last sentence has; front desk is never found
    assert result.fmr == 2 / 4
    assert result.num_features == 6
    assert result.fcr == 4 / 6
    assert result.usr == 0.75
    only_known = diversity_peter_compat(SENTENCES[:3], FEATURES[:3], FEATURE_SET)
    assert only_known.num_features == 5
    assert only_known.fmr == 1 / 3


def test_unknown_is_never_a_feature_of_ours():
    result = diversity(["a <unk> b"], ["<unk>"], ["<unk>", "b"])
    assert result.fmr == 0
    assert (result.fcr, result.num_features) == (1, 1)


def test_records_without_a_feature_are_left_out_of_fmr_and_counted():
    for score in (diversity, diversity_peter_compat):
        result = score(["a pool", "a bar", "a spa"], ["pool", None, "bar"], ["pool", "bar"])
        assert result.fmr == 1 / 2
        assert (result.count, result.count_with_feature) == (3, 2)
        nothing = score(["a pool"], [None], [])
        assert (nothing.fmr, nothing.fcr, nothing.div) == (None, None, None)


def test_words_of_a_feature_must_stand_side_by_side_and_whole():
    known = {"front desk", "desk", "pool bar", "art"}
    sentences = ["the front of the desk", "front desks", "party pool bar", "desk front"]
    assert find_features(sentences, known) == [{"desk"}, set(), {"pool bar"}, {"desk"}]
    assert diversity(sentences, ["front desk", "desk", "art", "desk"], known).fmr == 1 / 4


@pytest.mark.parametrize("seed", range(10))
def test_div_equals_the_mean_over_all_pairs(seed):
    generator = random.Random(seed)
    features = [f"f{index}" for index in range(9)]
    found = [set(generator.sample(features, generator.randint(0, 6))) for _ in range(60)]
    pairs = list(combinations(found, 2))
    expected = sum(len(first & second) for first, second in pairs) / len(pairs)
    assert feature_diversity(found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_features_and_distinct_equal_plain_counting(seed):
    generator = random.Random(seed)
    words = ["a", "b", "c", "d", "e"]
    sentences = [" ".join(generator.choices(words, k=generator.randint(0, 9))) for _ in range(50)]
    known = {"a", "b c", "c d e", "a a", "zz"}
    plain = [{name for name in known if f" {name} " in f" {sentence} "} for sentence in sentences]
    assert find_features(sentences, known) == plain
    for order in (1, 2):
        split = [sentence.split() for sentence in sentences]
        grams = [tuple(one[start : start + order]) for one in split for start in range(len(one) - order + 1)]
        assert distinct(sentences, order) == pytest.approx(len(set(grams)) / len(grams))


def test_distinct_by_hand():
    assert distinct(["a b a b", "a b"], order=1) == pytest.approx(2 / 6)
    assert distinct(["a b a b", "a b"], order=2) == pytest.approx(2 / 4)
    assert distinct(["a", "b"], order=2) is None
    assert distinct(["", ""], order=1) is None


def test_spaces_do_not_make_sentences_different():
    assert diversity(["a  pool", "a pool "], ["pool", "pool"], ["pool"]).usn == 1


def test_unequal_numbers_are_refused():
    with pytest.raises(InputError, match="found 1 and 2"):
        diversity(["a", "b"], ["a"], ["a"])
    with pytest.raises(InputError, match="found 0 and 0"):
        diversity_peter_compat([], [], ["a"])


def test_entropy_and_distinct_3_by_hand():
    result = diversity(["a b a b", "a b"], [None, None], [])
    # words: a 3, b 3; pairs: ab 3, ba 1; threes: aba 1, bab 1
    assert (result.entropy_1, result.entropy_3) == (1, 1)
    assert result.entropy_2 == pytest.approx(0.75 * math.log2(4 / 3) + 0.25 * 2)
    assert result.entropy == pytest.approx((result.entropy_1 + result.entropy_2 + result.entropy_3) / 3)
    assert result.distinct_3 == 1
    same = diversity(["a a a", "a a a"], [None, None], [])
    assert (same.entropy_1, same.entropy, same.distinct_3) == (0, 0, 1 / 2)
    short = diversity(["a b"], [None], [])
    assert (short.entropy_2, short.entropy_3, short.entropy, short.distinct_3) == (0, None, None, None)
