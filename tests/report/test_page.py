"""The report page: whole, self-contained, escaped, the same every time, and without holes."""

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from meter.report import Card, KeyFigure, LeftOut, Mark, Ratings, Report, write_report
from meter.report.page import report_html
from tests.report.examples import journals, metrics

NASTY = "<script>alert('x')</script><img src=x onerror=alert(1)>"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Reads a page strictly: every element that opens must close, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == attribute]


def picture(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def card(place: int, **changes: object) -> Card:
    settings: dict = {
        "user": f"user {place}",
        "item": f"item {place}",
        "feature": "pool",
        "rating": 4.1,
        "true_rating": 4.0,
        "text": "the pool is heated",
        "true_text": "we loved the heated pool",
        "context": ["pool", "warm"],
        "image": picture(place),
        "photo": picture(place + 1000),
        "match": 0.8,
        "marks": [Mark(label="sentence is true", ok=place % 2 == 0)],
        "split": ["test", "unseen"][place % 2],
    }
    return Card(**{**settings, **changes})


def full_report(**changes: object) -> Report:
    vq, joint = journals()
    true = np.repeat(np.arange(1.0, 6.0), 20)
    settings: dict = {
        "title": "A small world",
        "subtitle": "hotels",
        "key_figures": [
            KeyFigure(label="RMSE", value="0.712", target="≤ 0.759", met=True, note="floor 0.660"),
            KeyFigure(label="n", value="3"),
        ],
        "metrics": metrics(),
        "vq_journal": vq,
        "joint_journal": joint,
        "code_counts": np.array([5, 0, 1, 2]),
        "reconstructions": [(picture(1), picture(2))],
        "ratings": {"test": Ratings(predicted=true * 0.9, true=true)},
        "retrieval": {"generated": {"R@1": 0.61, "R@5": 0.93}},
        "gallery": [card(place) for place in range(24)],
        "gallery_note": "Drawn with seed 0.",
        "dataset": {"users": 400, "splits": {"train": 5760}},
        "left_out": [LeftOut(reason="no text", count=1234, first="reviews.jsonl:7")],
        "provenance": {"command": "python -m meter.train", "hash": "ab" * 32, "seconds": {"vq": 88.0}},
        "config": {"model": {"width": 128}},
    }
    return Report(**{**settings, **changes})


@pytest.fixture(scope="module")
def text() -> str:
    return report_html(full_report())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_page_shows_every_part(page: Page) -> None:
    for part in (
        "A small world",
        "0.712",
        "✓ target ≤ 0.759",
        "The pool is heated",
        "Drawn with seed 0.",
        "33.75",
        "BLEU-1",
        "in epoch 3",
        "0.955",
        "1,234",
        "reviews.jsonl:7",
        "1 min 28 s",
        "width: 128",
        "3 of 4 codes in use",
        "400 values",
    ):
        assert part in page.text
    assert page.tags["article"] == 24
    # For training: total, text and the matching pair; four of the VQ-GAN; codebook, ratings, retrieval.
    assert page.tags["svg"] == 3 + 4 + 3


def test_page_needs_nothing_from_outside(text: str, page: Page) -> None:
    assert not page.tags["link"]
    assert all(value.startswith("data:image/") for value in page.values("src"))
    assert all(value.startswith("#") for value in page.values("href") + page.values("xlink:href"))
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    assert "/work" not in text


def test_page_is_small_enough_to_send(text: str) -> None:
    # Random pixels are the worst case: they do not compress at all.
    assert len(text.encode()) < 3_000_000


def test_policy_allows_the_page_its_own_script_and_no_other(text: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in text
    assert "default-src 'none'" in text


def test_ids_are_unique_and_every_reference_has_its_target(text: str, page: Page) -> None:
    ids = page.values("id")
    assert max(Counter(ids).values()) == 1
    wanted = {value[1:] for value in page.values("href") + page.values("xlink:href")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(ids)


def test_drawings_and_pictures_are_told_in_words(page: Page) -> None:
    assert all(page.values("alt"))
    assert len(page.values("alt")) == page.tags["img"]
    drawings = {value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"}
    assert len(drawings) == page.tags["svg"]


def test_drawings_take_their_colours_from_the_page(text: str) -> None:
    assert "#0102" not in text
    assert "var(--plot-1" in text
    letters = re.findall(r'<text style="([^"]*)"', text)
    assert letters
    assert all(style.endswith("font-family: inherit") for style in letters)


def test_text_from_outside_is_escaped_everywhere() -> None:
    nasty_card = card(
        0,
        user=NASTY,
        item=NASTY,
        feature=NASTY,
        text=NASTY,
        true_text=NASTY,
        context=[NASTY],
        split=NASTY,
        marks=[Mark(label=NASTY, ok=True, detail=NASTY)],
    )
    report = full_report(
        title=NASTY,
        subtitle=NASTY,
        gallery_note=NASTY,
        gallery=[nasty_card, card(1)],
        key_figures=[KeyFigure(label=NASTY, value=NASTY, target=NASTY, note=NASTY)],
        metrics={NASTY: {NASTY: {NASTY: NASTY}}, "x": NASTY},
        ratings={},
        retrieval={NASTY: {NASTY: 0.5}},
        dataset={NASTY: NASTY},
        left_out=[LeftOut(reason=NASTY, count=1, first=NASTY)],
        provenance={NASTY: {NASTY: NASTY}, "command": NASTY, "seconds": {NASTY: 1.0}},
        config={NASTY: NASTY},
        joint_journal=[{"kind": "train", "step": 1, NASTY: 1.0}],
    )
    text = report_html(report)
    page = Page(text)
    assert page.tags["script"] == 1
    assert not page.values("onerror")
    assert all(value.startswith("data:image/") for value in page.values("src"))
    assert page.text.count("alert(1)") >= 25


@pytest.mark.parametrize(
    "report",
    [
        Report(title="Empty"),
        Report(title="No pictures", gallery=[Card(user="u", item="i", rating=3.0, text="t")]),
    ],
)
def test_missing_parts_leave_no_section_behind(report: Report) -> None:
    page = Page(report_html(report))
    assert page.tags["section"] == len(report.gallery)
    assert page.tags["h2"] == len(report.gallery)
    assert (
        not page.tags["svg"] + page.tags["img"] + page.tags["table"] + page.tags["nav"] + page.tags["button"]
    )
    assert "None" not in page.text


def test_the_same_report_gives_the_same_bytes(tmp_path: Path, text: str) -> None:
    path = write_report(tmp_path / "report.html", full_report())
    assert path.read_text(encoding="utf-8") == text
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
