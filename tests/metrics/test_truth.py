import pytest

from meter.errors import InputError
from meter.metrics.truth import rating_floor, truth_metrics

TRUTH = {
    "inn": {"walls": "white", "view": "sea", "pool": "none"},
    "bistro": {"dish": "fish", "light": "lamp"},
}


def measured():
    return truth_metrics(
        items=["inn", "inn", "inn", "bistro", "bistro"],
        features=["view", "view", "walls", "dish", None],
        said=[{"view": "sea", "pool": "lap"}, {"view": "city"}, {}, {"dish": "fish"}, {"light": "lamp"}],
        shown=[
            {"walls": "white", "view": "sea", "pool": "none"},
            {"walls": "white", "view": "city", "pool": "none"},
            None,
            {"walls": "white", "view": "sea", "pool": "none"},
            {"dish": "soup", "light": "lamp"},
        ],
        truth=TRUTH,
    )


def test_sentences_by_hand():
    result = measured()
    assert result.sentence_truth == 2 / 4
    assert result.silent == 1 / 4
    # sea, fish and lamp are true; lap and city are not
    assert result.statement_truth == 3 / 5
    assert (result.count, result.count_with_feature, result.num_statements) == (5, 4, 5)


def test_pictures_by_hand():
    result = measured()
    # the bistro drawn as an inn shows none of its two values
    assert result.picture_truth == (3 + 2 + 0 + 1) / (3 + 3 + 2 + 2)
    assert result.picture_truth_named == 1 / 3
    assert (result.count_with_picture, result.count_with_both, result.num_values) == (4, 3, 10)


def test_agreement_is_not_truth():
    result = measured()
    # the second sentence and picture are both wrong, and agree
    assert result.agreement == 2 / 3
    assert result.by_feature["view"].agreement == 1
    assert result.by_feature["view"].sentence_truth == 1 / 2


def test_breakdown_by_feature():
    result = measured()
    assert list(result.by_feature) == ["dish", "view", "walls"]
    walls = result.by_feature["walls"]
    assert (walls.sentence_truth, walls.silent, walls.count) == (0, 1, 1)
    assert (walls.picture_truth, walls.agreement, walls.count_with_picture) == (None, None, 0)


def test_two_silences_do_not_agree():
    result = truth_metrics(["inn"], ["view"], said=[{}], shown=[{"dish": "fish"}], truth=TRUTH)
    assert result.agreement == 0


def test_a_model_without_pictures_has_no_picture_values():
    result = truth_metrics(["inn"], ["view"], said=[{"view": "sea"}], shown=[None], truth=TRUTH)
    assert result.sentence_truth == 1
    assert (result.picture_truth, result.picture_truth_named, result.agreement) == (None, None, None)


def test_rating_floor():
    result = rating_floor(rmse=0.92, floor=0.8)
    assert result.ratio == pytest.approx(1.15)
    with pytest.raises(InputError, match="above 0, found 0"):
        rating_floor(rmse=1.0, floor=0.0)


@pytest.mark.parametrize(
    ("item", "feature", "words"),
    [("motel", "view", "'motel' has no entry"), ("inn", "dish", "no feature 'dish', only pool, view, walls")],
)
def test_what_the_world_does_not_know_is_refused(item, feature, words):
    with pytest.raises(InputError, match=words):
        truth_metrics([item], [feature], said=[{}], shown=[None], truth=TRUTH)


def test_unequal_numbers_are_refused():
    with pytest.raises(InputError, match="found 1, 0, 1 and 1"):
        truth_metrics(["inn"], ["view"], said=[], shown=[None], truth=TRUTH)
