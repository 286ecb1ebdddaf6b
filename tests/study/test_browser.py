"""A rater's way through the page in a real browser: answering, reloading in the middle, saving the file."""

import csv
import time
from pathlib import Path

import pytest

from meter.study.answers import read_answers
from meter.study.create import CreateConfig, Study, create
from meter.study.rating_page import rating_page
from tests.browser import CHROMIUM, PATIENCE, Browser, browser
from tests.study.runs import write_two_runs

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: the page is clicked through in it"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    runs = write_two_runs(tmp_path_factory.mktemp("runs"))
    return create(CreateConfig(runs=runs, num_pairs=3, num_raters=2, num_checks=1, num_repeats=1))


def choose(page: Browser, question: str, side: str) -> None:
    page.click(f'label:has(input[name="{question}"][value="{side}"])')


def shown(page: Browser) -> str:
    return page.run(
        "['welcome', 'rating', 'thanks'].filter((id) => !document.getElementById(id).hidden).join()"
    )


def saved(folder: Path) -> list[dict[str, str]]:
    """The rows of the file that the page saved, once the browser has written it."""
    deadline = time.monotonic() + PATIENCE
    while not (files := list(folder.glob("*.csv"))):
        assert time.monotonic() < deadline, "no file was saved"
        time.sleep(0.05)
    with files[0].open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_rater_answers_reloads_goes_on_and_saves(study: Study, tmp_path) -> None:
    file = tmp_path / "rate.html"
    file.write_text(rating_page(study), encoding="utf-8")
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    expected = []
    with browser(tmp_path / "profile") as page:
        page.resize(1200, 900)
        page.save_to(downloads)
        page.open(file, "#2")
        page.type("#rater", "=1+1")
        page.click("#begin button")
        assert shown(page) == "welcome", "an id that a spreadsheet takes for a formula"
        page.run("document.getElementById('rater').value = ''")
        page.type("#rater", "anna")
        page.click("#begin button")
        sides = ["left", "tie", "right"]
        for number, trial in enumerate(study.sheets[1]):
            assert page.run("document.getElementById('place').textContent") == f"Pair {number + 1} of 5"
            card = study.cards[trial.left]
            assert card.sentence in page.run("document.getElementById('left').textContent")
            for place, question in enumerate(trial.asked):
                if number == 2 and place == 2:
                    page.reload()
                    assert page.run("document.querySelectorAll('#questions input:checked').length") == 2
                assert page.run("document.getElementById('next').disabled")
                side = sides[(number + place) % 3]
                if number == 0:
                    page.press(str(1 + (number + place) % 3))
                else:
                    choose(page, question.name, side)
                expected.append((str(number + 1), question.name, side))
            if number == 0:
                page.press("Enter")
            else:
                page.click("#next")
        assert shown(page) == "thanks"
        page.reload()
        assert shown(page) == "thanks"
        page.click("#save")
        rows = saved(downloads)
        page.resize(390, 800)
        assert page.run("document.documentElement.scrollWidth") <= 390
        assert page.problems == []
    assert [(row["trial"], row["question"], row["answer"]) for row in rows] == expected
    assert {(row["study"], row["rater"], row["sheet"]) for row in rows} == {(study.id, "anna", "2")}
    (rater,) = read_answers(list(downloads.glob("*.csv")), study.key).raters
    assert rater.num_missing == 0
    assert len(rater.seconds) == 5


def test_two_raters_share_a_browser(study: Study, tmp_path) -> None:
    file = tmp_path / "rate.html"
    file.write_text(rating_page(study), encoding="utf-8")
    with browser(tmp_path / "profile") as page:
        page.open(file)
        for name in ("constructor", "ben"):
            page.type("#rater", name)
            page.click("#begin button")
            assert shown(page) == "rating"
            assert page.run("document.querySelectorAll('#questions input:checked').length") == 0
            choose(page, "fluency", "left")
            page.run("document.getElementById('other').click()")
        page.type("#rater", "ben")
        page.click("#begin button")
        assert page.run("document.querySelectorAll('#questions input:checked').length") == 1
        assert page.problems == []
