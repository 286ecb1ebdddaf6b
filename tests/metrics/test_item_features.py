import pytest

from meter.errors import InputError
from meter.metrics.feature_frequency import frequency_coverage
from meter.metrics.item_features import (
    NamedItemFeatures,
    item_feature_metrics,
    item_feature_metrics_maple_compat,
    name_item_features,
)

SENTENCES = ["the front desk was kind", "the poolside bar", "a view", "a pool", "nothing"]
REFERENCES = ["a kind front desk", "the pool was warm", "we came late", "the view and the bar", "the pool"]
ITEMS = ["inn", "inn", "inn", "spa", "bare"]
OF_ITEM = {"inn": {"front desk", "bar", "pool", "desk"}, "spa": ["pool", "bar"], "bare": ["<unk>"]}
FEATURES = ["front desk", "desk", "bar", "pool", "view"]


def test_item_features_by_hand() -> None:
    found = item_feature_metrics(SENTENCES, REFERENCES, ITEMS, OF_ITEM, FEATURES)
    # inn: front desk (and desk), bar, neither; spa: pool. The last item has no feature and is left out.
    assert (found.ifmr, found.count_with_item_feature) == (3 / 4, 4)
    # inn: front desk, desk and bar of four; spa: pool of two
    assert (found.ifcr, found.num_items) == (pytest.approx((3 / 4 + 1 / 2) / 2), 2)
    # front desk is in the true sentence; pool, view and bar, and pool are not repeated; the third has no feature
    assert (found.gt_fmr, found.count_with_true_feature) == (1 / 4, 4)
    assert found.signature == "item_features|match:words|empty:left_out|version:4"


def test_maple_finds_letters_inside_words_and_counts_what_has_no_feature() -> None:
    found = item_feature_metrics_maple_compat(SENTENCES, REFERENCES, ITEMS, OF_ITEM, FEATURES)
    # bar has three letters, but "poolside" has pool
    assert (found.ifmr, found.count_with_item_feature) == (3 / 5, 5)
    # inn: front desk, desk and pool of three; spa: pool of one; bare: 0
    assert (found.ifcr, found.num_items) == (pytest.approx((1 + 1 + 0) / 3), 3)
    # "poolside" has the pool of the second true sentence
    assert (found.gt_fmr, found.count_with_true_feature) == (2 / 5, 5)


def test_maple_leaves_a_few_words_out() -> None:
    arguments = (["the food was good"], ["good food"], ["inn"], {"inn": ["food", "soup"]}, ["food", "soup"])
    assert item_feature_metrics(*arguments).ifcr == 1 / 2
    assert item_feature_metrics_maple_compat(*arguments).ifcr == 0


def test_single_sentences_sum_up_to_the_ratios() -> None:
    named = name_item_features(SENTENCES, REFERENCES, ITEMS, OF_ITEM, FEATURES)
    assert named == [
        NamedItemFeatures(of_item=True, of_reference=True),
        NamedItemFeatures(of_item=True, of_reference=False),
        NamedItemFeatures(of_item=False, of_reference=None),
        NamedItemFeatures(of_item=True, of_reference=False),
        NamedItemFeatures(of_item=None, of_reference=False),
    ]


def test_an_item_that_training_does_not_know_has_no_feature() -> None:
    found = item_feature_metrics(["a pool"], ["a pool"], ["new"], {}, ["pool"])
    assert (found.ifmr, found.ifcr, found.gt_fmr) == (None, None, 1)


def test_unequal_numbers_are_refused() -> None:
    for score in (item_feature_metrics, item_feature_metrics_maple_compat, name_item_features):
        with pytest.raises(InputError, match="found 1, 2 and 2"):
            score(["a", "b"], ["a"], ["inn", "spa"], {}, [])


def test_coverage_by_quarter_of_frequency_by_hand() -> None:
    frequency = {
        "pool": 90,
        "bed": 50,
        "view": 50,
        "bar": 7,
        "spa": 7,
        "front desk": 3,
        "tea": 1,
        "<unk>": 99,
    }
    found = frequency_coverage(["the pool and the bed", "a spa by the front desk"], frequency)
    # Rarest first: tea, front desk | bar, spa | bed, view | pool. Seven features make quarters of 2, 2, 2 and 1.
    assert (found.fcr_rarest, found.fcr_rare, found.fcr_frequent, found.fcr_most_frequent) == (
        1 / 2,
        1 / 2,
        1 / 2,
        1,
    )
    assert found.num_features == 7


def test_the_quarters_together_are_fcr() -> None:
    frequency = {f"f{number}": number for number in range(12)}
    found = frequency_coverage(["f0 f1 f4 f11 f10"], frequency)
    shares = [found.fcr_rarest, found.fcr_rare, found.fcr_frequent, found.fcr_most_frequent]
    assert shares == pytest.approx([2 / 3, 1 / 3, 0, 2 / 3])
    assert sum(share * 3 for share in shares) / 12 == pytest.approx(5 / 12)


def test_fewer_features_than_quarters_leave_some_empty() -> None:
    found = frequency_coverage(["a pool"], {"pool": 3})
    assert (found.fcr_rarest, found.fcr_most_frequent) == (1, None)
