"""What the playground shows, without its page."""

import pytest

import meter
from meter.errors import InputError
from meter.play.answers import LIKELIEST, Answers, words_of
from tests.notebook.examples import ITEMS, USERS, make_run


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return Answers(meter.load(make_run(tmp_path_factory.mktemp("run")).path))


def test_the_names_with_the_most_records_come_first(answers: Answers) -> None:
    assert answers.users[:2] == USERS[:2]
    assert set(answers.users) == set(USERS)
    assert answers.items[:2] == ITEMS[:2]


def test_features_of_the_item_come_before_the_others(answers: Answers) -> None:
    assert answers.features(ITEMS[0])[:3] == [LIKELIEST, "pool", "bed"]
    assert answers.features(ITEMS[1])[:2] == [LIKELIEST, "bed"]
    assert answers.features("an inn that is typed")[0] == LIKELIEST


def test_a_card_grows_and_the_last_is_what_explain_gives(answers: Answers) -> None:
    *steps, last = answers.explain(USERS[0], ITEMS[0], "pool")
    assert not any(step.finished for step in steps)
    assert last.finished
    card = answers.run.explain(user=USERS[0], item=ITEMS[0], feature="pool")
    assert last.html == card._repr_html_()
    assert len(steps) > 5


def test_the_likeliest_feature_is_left_to_the_model(answers: Answers) -> None:
    *_, last = answers.explain(USERS[0], ITEMS[0], LIKELIEST)
    assert last.card.feature == answers.run.explain(user=USERS[0], item=ITEMS[0]).feature


def test_others_changes_places_and_photos(answers: Answers) -> None:
    *_, last = answers.explain(USERS[0], ITEMS[0], "pool")
    card = last.card
    assert answers.alternatives(card, 0.7, 3).count("<article") == 4
    assert answers.alternatives(card, 0.7, 3) == answers.alternatives(card, 0.7, 3)
    changed = answers.what_if(card, user=USERS[4])
    assert changed.count("<article") == 2
    assert f"user: {USERS[4]}" in changed
    assert answers.locate(card, words_of(card)[0]).count("<img") >= 1
    assert answers.photos(ITEMS[0]).count("<img") == 3
    assert "No training record of inn-4 has a photo" in answers.photos(ITEMS[4])


def test_what_cannot_be_answered_says_why(answers: Answers) -> None:
    with pytest.raises(InputError, match="press Explain first"):
        answers.alternatives(None, 0.7, 0)
    with pytest.raises(InputError, match="the run does not know the user 'guest-99'; near are"):
        list(answers.explain("guest-99", ITEMS[0], None))
