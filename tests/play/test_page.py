"""The playground in a real browser, wide and narrow, and two people at it at once."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import meter
from meter.report.pictures import data_uri
from tests.browser import CHROMIUM, Browser, browser
from tests.notebook.examples import ITEMS, USERS, make_run

pytest.importorskip("gradio", reason="gradio is not installed: pip install 'meter-explain[play]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium"),
]


def finished(run: Path, user: str) -> str:
    """True in the page when the card is the one that ``explain`` gives, the picture drawn to its end."""
    card = meter.load(run).explain(user=user, item=ITEMS[0])
    return (
        f"document.querySelector('#card .user')?.innerText === 'for {user}' && "
        f"document.querySelector('#card blockquote').innerText === {json.dumps(card.sentence)} && "
        f"document.querySelector('#card img')?.src === '{data_uri(card.image)}'"
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run")).path


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    """Of the page, as the command serves it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "meter.play", f"run={run}", "port=0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    yield found[0]
    process.terminate()
    process.wait(60)
    process.stdout.close()


@pytest.fixture
def page(address: str, run: Path, tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as page:
        page.resize(1200, 900)
        page.visit(address)
        page.wait_for(finished(run, USERS[0]))
        yield page
        assert page.problems == []


def choose(page: Browser, box: str, name: str) -> None:
    """Types a name into a list and takes it."""
    page.click(f"#{box} input")
    page.run(f"document.querySelector('#{box} input').select()")
    page.send("Input.insertText", text=name)
    page.press("Enter")
    page.wait_for(f"document.querySelector('#{box} input').getAttribute('aria-expanded') === 'false'")
    time.sleep(0.3)  # Gradio takes the value over a little later, and nothing in the page tells


def tab(page: Browser, name: str) -> None:
    page.run(
        f"[...document.querySelectorAll('[role=tab]')].find(one => one.textContent.includes('{name}')).click()"
    )


def test_the_first_pair_is_explained_without_a_click(page: Browser, run: Path) -> None:
    card = meter.load(run).explain(user=USERS[0], item=ITEMS[0])
    assert page.run("document.querySelector('#card .feature').innerText") == card.feature


def test_another_pair_what_if_and_where_a_word_is(page: Browser, run: Path) -> None:
    choose(page, "user", USERS[4])
    page.click("#explain")
    page.wait_for(finished(run, USERS[4]))
    choose(page, "another-user", USERS[5])
    page.wait_for("document.querySelectorAll('#changed article').length === 2")
    page.type("#sentence textarea", "word1 word2 pool")
    page.press("Enter")
    page.wait_for("document.querySelector('#changed').innerText.includes('sentence: word1 word2 pool')")
    tab(page, "Alternatives")
    page.wait_for("document.querySelector('#alternatives')?.offsetParent")
    page.click("#alternatives")
    page.wait_for("document.querySelectorAll('#others article').length === 4")
    tab(page, "Where")
    page.wait_for("document.querySelector('#word input')?.offsetParent")
    page.click("#word input")
    page.wait_for("document.querySelector('#located img')")
    tab(page, "Photos")
    page.wait_for("document.querySelectorAll('#photos img').length === 3")


def test_a_name_that_is_unknown_is_said(page: Browser) -> None:
    choose(page, "user", "guest-99")
    page.click("#explain")
    page.wait_for("document.body.innerText.includes('the run does not know the user')")


def test_two_people_at_once_have_a_card_each(page: Browser, address: str, run: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "other") as other:
        other.visit(address)
        other.wait_for(finished(run, USERS[0]))
        choose(page, "user", USERS[1])
        choose(other, "user", USERS[2])
        page.click("#explain")
        other.click("#explain")
        for one, user in ((page, USERS[1]), (other, USERS[2])):
            one.wait_for(finished(run, user))
        for one, user in ((page, USERS[1]), (other, USERS[2])):
            tab(one, "Alternatives")
            one.wait_for("document.querySelector('#alternatives')?.offsetParent")
            one.click("#alternatives")
            one.wait_for("document.querySelectorAll('#others article').length === 4")
            assert user in one.run("document.querySelector('#others .user').innerText")


def test_nothing_runs_over_on_a_narrow_screen(page: Browser) -> None:
    page.resize(390, 844, touch=True)
    page.wait_for("window.innerWidth <= 390")
    page.wait_for("document.documentElement.scrollWidth <= 390")
    assert page.run("document.querySelector('#card .meter-card').getBoundingClientRect().right") <= 390


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "run=… is missing: python -m meter.play run=DIR"),
        (["run=nowhere"], "nowhere"),
    ],
)
def test_what_is_missing_is_said_in_a_line(arguments: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "meter.play", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
