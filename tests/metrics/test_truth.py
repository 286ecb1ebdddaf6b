import pytest

from meter.errors import InputError
from meter.metrics.truth import rating_floor, truth_metrics

POSSIBLE = {
    "inn": {"walls": ["white"], "view": ["sea", "garden"], "pool": ["none"]},
    "bistro": {"dish": ["fish", "stew"], "light": ["lamp"]},
}
NUM_VALUES = {"walls": 4, "view": 4, "pool": 2, "dish": 8, "light": 2}


def measured():
    return truth_metrics(
        items=["inn", "inn", "inn", "bistro", "bistro"],
        features=["view", "view", "walls", "dish", None],
        said=[{"view": "sea", "pool": "lap"}, {"view": "city"}, {}, {"dish": "fish"}, {"light": "lamp"}],
        shown=[
            {"walls": "white", "view": "garden", "pool": "none"},
            {"view": "city"},
            None,
            {"walls": "white", "view": "sea", "pool": "none"},
            {"dish": "soup", "light": "lamp"},
        ],
        possible=POSSIBLE,
        num_values=NUM_VALUES,
        visit_features=["view", "dish"],
    )


def measured_one(item, feature, said, shown):
    return truth_metrics([item], [feature], [said], [shown], POSSIBLE, NUM_VALUES, ["view", "dish"])


def test_sentences_by_hand():
    result = measured()
    assert result.sentence_truth == 2 / 4
    assert result.silent == 1 / 4
    # sea, fish and lamp are true; lap and city are not
    assert result.statement_truth == 3 / 5
    assert (result.count, result.count_with_feature, result.num_statements) == (5, 4, 5)


def test_pictures_by_hand():
    result = measured()
    # a detail is asked for its one feature; the bistro drawn as an inn shows none of its features
    assert result.picture_truth == (3 + 0 + 0 + 1) / (3 + 1 + 0 + 2)
    assert result.picture_shows_asked == 2 / 3
    assert result.picture_truth_named == 1 / 3
    assert (result.count_with_picture, result.count_with_both, result.num_values) == (4, 3, 6)


def test_any_possible_value_is_true_but_sentence_and_picture_must_say_the_same():
    either = measured_one("inn", "view", {"view": "sea"}, {"view": "garden"})
    assert (either.sentence_truth, either.picture_truth_named, either.agreement) == (1, 1, 0)
    same = measured_one("inn", "view", {"view": "garden"}, {"view": "garden"})
    assert (same.sentence_truth, same.picture_truth_named, same.agreement) == (1, 1, 1)


def test_a_detail_of_another_feature_does_not_show_what_was_asked():
    result = measured_one("inn", "view", {"view": "sea"}, {"walls": "white"})
    assert (result.picture_shows_asked, result.picture_truth_named, result.agreement) == (0, 0, 0)
    assert result.picture_truth == 1


def test_values_of_the_visit_by_hand():
    visit = measured().visit
    assert (visit.count, visit.count_with_picture) == (3, 3)
    assert (visit.sentence_truth, visit.agreement) == (2 / 3, 1 / 3)
    assert (visit.picture_shows_asked, visit.picture_truth_named) == (2 / 3, 1 / 3)
    assert visit.chance == pytest.approx((2 / 4 + 2 / 4 + 2 / 8) / 3)
    nobody = measured_one("inn", "walls", {}, None).visit
    assert (nobody.count, nobody.sentence_truth, nobody.chance) == (0, None, None)


def test_chance_is_the_share_of_possible_values():
    assert measured().chance == pytest.approx((2 / 4 + 2 / 4 + 1 / 4 + 2 / 8) / 4)


def test_agreement_is_not_truth():
    result = measured()
    # the first sentence and picture are both true, and disagree; the second are both wrong, and agree
    assert result.agreement == 1 / 3
    assert result.by_feature["view"].agreement == 1 / 2
    assert result.by_feature["view"].picture_shows_asked == 1
    assert result.by_feature["view"].sentence_truth == 1 / 2


def test_breakdown_by_feature():
    result = measured()
    assert list(result.by_feature) == ["dish", "view", "walls"]
    walls = result.by_feature["walls"]
    assert (walls.sentence_truth, walls.silent, walls.count) == (0, 1, 1)
    assert (walls.picture_truth, walls.agreement, walls.count_with_picture) == (None, None, 0)


def test_two_silences_do_not_agree():
    result = measured_one("inn", "view", said={}, shown={"dish": "fish"})
    assert result.agreement == 0


def test_a_model_without_pictures_has_no_picture_values():
    result = measured_one("inn", "view", said={"view": "sea"}, shown=None)
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
        measured_one(item, feature, said={}, shown=None)


def test_unequal_numbers_are_refused():
    with pytest.raises(InputError, match="found 1, 0, 1 and 1"):
        truth_metrics(["inn"], ["view"], [], [None], POSSIBLE, NUM_VALUES)
