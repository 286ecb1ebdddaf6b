"""The raters' page: blind, balanced, the same for the same seed, and safe whatever the runs say."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from meter.errors import InputError
from meter.evaluate.generations import read_generations, write_generations
from meter.study.cards import Pictures
from meter.study.create import CreateConfig, Study, create
from meter.study.design import Kind
from meter.study.key import read_key, write_key
from meter.study.label_studio import labelling_config, tasks
from meter.study.questions import Question
from meter.study.rating_page import rating_page
from tests.compare.test_compare import write_run
from tests.report.test_page import Page
from tests.study.runs import NAMES, NASTY, write_two_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[str]:
    return write_two_runs(tmp_path_factory.mktemp("runs"))


def settings(runs: list[str], **changes: object) -> CreateConfig:
    return CreateConfig(
        **{"runs": runs, "num_pairs": 12, "num_raters": 4, "num_checks": 3, "num_repeats": 2, **changes}
    )


@pytest.fixture(scope="module")
def study(runs: list[str]) -> Study:
    return create(settings(runs))


@pytest.fixture(scope="module")
def page(study: Study) -> str:
    return rating_page(study)


def data_of(page: str) -> dict:
    (found,) = re.findall(r'<script type="application/json" id="study">(.*?)</script>', page)
    return json.loads(found)


def test_nothing_on_the_page_names_a_system(page: str, study: Study, runs: list[str]) -> None:
    for name in (
        *NAMES,
        *runs,
        *(run.config_hash for run in study.key.runs),
        *(run.config_hash[:8] for run in study.key.runs),
    ):
        assert name not in page
    assert set(data_of(page)) == {"study", "questions", "sheets"}
    assert {key for sheet in data_of(page)["sheets"] for trial in sheet for key in trial} == {
        "left",
        "right",
        "feature",
        "asked",
    }


def test_no_card_tells_its_system_by_its_number_or_its_picture(study: Study, page: str) -> None:
    systems: dict[int, int] = {}
    for shown, secret in zip(study.sheets[0], study.key.sheets[0], strict=True):
        if secret.kind is Kind.pair:
            assert secret.left is not None
            assert secret.right is not None
            systems |= {shown.left: secret.left, shown.right: secret.right}
    in_order = [systems[card] for card in sorted(systems)]
    assert sorted(in_order) != in_order
    assert in_order[::2] != in_order[1::2]
    assert {card.image.shape for card in study.cards if card.image is not None} == {(16, 16, 3)}
    assert set(re.findall(r'src="data:([\w/]+);', page)) == {"image/png"}
    assert set(re.findall(r'(?:width|height)="(\d+)"', page)) == {"16"}


def test_cards_say_what_the_key_says(study: Study, runs: list[str]) -> None:
    generations = [
        {
            line["row"]: line
            for line in map(json.loads, (Path(run) / "generations.jsonl").read_text().splitlines())
        }
        for run in runs
    ]
    for sheet, key in zip(study.sheets, study.key.sheets, strict=True):
        for shown, secret in zip(sheet, key, strict=True):
            if secret.kind is Kind.check:
                continue
            for card, system in ((shown.left, secret.left), (shown.right, secret.right)):
                assert system is not None
                made = generations[system][secret.row]
                assert (study.cards[card].text, study.cards[card].item) == (made["text"], made["item"])
                assert study.cards[card].rating == made["predicted_rating"]


def test_a_check_has_an_obviously_right_answer(study: Study) -> None:
    checks = [
        (study.cards[shown.left], study.cards[shown.right], secret)
        for shown, secret in zip(study.sheets[0], study.key.sheets[0], strict=True)
        if secret.kind is Kind.check
    ]
    assert len(checks) == 3
    for left, right, secret in checks:
        good, bad = (left, right) if secret.right_answer == "left" else (right, left)
        assert (good.item, good.user, good.feature, good.rating) == (
            bad.item,
            bad.user,
            bad.feature,
            bad.rating,
        )
        assert good.feature is not None
        assert good.feature in good.text
        assert good.feature not in bad.text
        assert (secret.left, secret.right) == (None, None)


def test_the_same_seed_gives_the_same_bytes(runs: list[str], study: Study, page: str, tmp_path) -> None:
    again = create(settings(runs))
    assert rating_page(again) == page
    keys = [write_key(tmp_path / name, one.key).read_bytes() for name, one in (("a", study), ("b", again))]
    assert keys[0] == keys[1]
    other = create(settings(runs, seed=1))
    assert other.id != study.id
    assert rating_page(other) != page


def test_text_of_runs_stays_text(page: str, study: Study) -> None:
    assert any(NASTY in card.text for card in study.cards)
    parsed = Page(page)
    assert parsed.tags["script"] == 2
    sources = [value for _, name, value in parsed.attributes if name in ("src", "href")]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]


def test_the_page_forbids_everything_from_outside(page: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_pictures_decide_what_is_asked(runs: list[str], tmp_path) -> None:
    bare = create(settings(runs, pictures=Pictures.none))
    assert bare.questions == [Question.fluency, Question.usefulness]
    assert all(card.image is None for card in bare.cards)
    unequal = write_two_runs(tmp_path, pictures=(True, False))
    with pytest.raises(InputError, match="raters could tell them apart"):
        create(settings(unequal))
    mixed = create(settings(unequal, pictures=Pictures.mixed))
    kinds = {trial.kind: trial.asked for trial in mixed.key.sheets[0] if trial.kind is Kind.pair}
    assert kinds == {Kind.pair: [Question.fluency, Question.usefulness]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_pairs": 41, "num_checks": 0}, "num_pairs=41: test has 40 records"),
        ({"num_pairs": 0}, "num_pairs=0: expected 1 at least"),
        ({"num_repeats": 5}, "num_repeats=5: expected a third of the 12 pairs at most, 4"),
        ({"pairs_per_rater": 13}, "pairs_per_rater=13: expected num_pairs=12 at most"),
        ({"questions": [Question.fluency]}, "num_checks=3: the right answer"),
        ({"questions": []}, "questions: expected one at least"),
        ({"num_checks": 99}, "num_checks=99: only"),
        ({"split": "tset"}, "split=tset: the runs were evaluated on test"),
        ({"runs": []}, "expected two finished runs at least, found 0"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(runs: list[str], changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        create(settings(**{"runs": runs, **changes}))


def test_the_key_comes_back(study: Study, tmp_path) -> None:
    assert read_key(write_key(tmp_path / "key.json", study.key)) == study.key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "found no JSON"),
        ("[]", "found something else"),
        ('{"format": 9, "key": {}}', "expected a key of format 1, found 9"),
        ('{"format": 1, "key": {"sheets": []}}', "not a whole key"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path, text: str, said: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_key(path)


def test_label_studio_gets_the_first_sheet(study: Study) -> None:
    made = tasks(study)
    assert [task["data"]["trial"] for task in made] == list(range(1, len(study.sheets[0]) + 1))
    assert made[0]["data"]["left_sentence"] == study.cards[study.sheets[0][0].left].sentence
    assert not any(name in json.dumps(made) for name in NAMES)
    view = ElementTree.fromstring(labelling_config(study))
    named = {
        element.get("value", "")[1:] for element in view.iter() if element.get("value", "").startswith("$")
    }
    assert named <= set(made[0]["data"])
    choices = {one.get("name"): [choice.get("alias") for choice in one] for one in view.iter("Choices")}
    assert "left_rating" in named
    assert choices == {question.name: ["left", "tie", "right"] for question in study.questions}


def test_a_system_that_predicts_no_rating_is_not_known_by_that(tmp_path, study: Study, page: str) -> None:
    """Its pairs show no rating on either side, and as no other pairs are left, neither do the checks."""
    assert 'class="rating"' in page
    assert "It shows a predicted rating and a sentence" in page
    runs = write_two_runs(tmp_path)
    path = Path(runs[0]) / "generations.jsonl"
    write_generations(path, [replace(one, predicted_rating=None) for one in read_generations(path)])
    made = create(settings(runs))
    assert {card.rating for card in made.cards} == {None}
    assert {task["data"][f"{side}_rating"] for task in tasks(made) for side in ("left", "right")} == {""}
    without = rating_page(made)
    assert 'class="rating"' not in without
    assert "_rating" not in labelling_config(made)
    assert "no rating" not in without
    assert "It shows a sentence" in without


def test_pairs_of_systems_that_predict_ratings_show_them_beside_pairs_that_do_not(tmp_path) -> None:
    bare = write_run(tmp_path / "bare", name="bare", rows=40, pictures=False)
    (bare / "scores.jsonl").unlink()
    path = bare / "generations.jsonl"
    write_generations(path, [replace(one, predicted_rating=None) for one in read_generations(path)])
    made = create(settings([str(bare), *write_two_runs(tmp_path)], pictures=Pictures.none))
    for shown, secret in zip(made.sheets[0], made.key.sheets[0], strict=True):
        if secret.kind is Kind.check:
            continue
        ratings = [made.cards[number].rating for number in (shown.left, shown.right)]
        unrated = made.key.runs[secret.left].label == "bare" or made.key.runs[secret.right].label == "bare"
        assert [rating is None for rating in ratings] == [unrated] * 2
    assert any(card.rating is None for card in made.cards)
    assert any(card.rating is not None for card in made.cards)


def test_the_key_calls_the_systems_by_their_names(study: Study) -> None:
    assert [run.label for run in study.key.runs] == list(NAMES)


def test_a_question_of_a_later_sheet_is_on_the_page(tmp_path) -> None:
    """The first sheet has a run without pictures; only the third asks about pictures."""
    bare = write_run(tmp_path / "bare", name="bare", rows=40, pictures=False)
    (bare / "scores.jsonl").unlink()
    runs = [str(bare), *write_two_runs(tmp_path)]
    extra = {"num_checks": 0, "num_repeats": 0, "pairs_per_rater": 1, "num_pairs": 3, "num_raters": 3}
    made = create(settings(runs, pictures=Pictures.mixed, **extra))
    asked = [question for sheet in made.sheets for trial in sheet for question in trial.asked]
    assert Question.picture in asked
    assert set(data_of(rating_page(made))["questions"]) == {question.name for question in asked}
