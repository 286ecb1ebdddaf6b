"""A card shows what it holds, escapes what it shows, and leaves no hole for what it lacks."""

import html
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from meter.errors import InputError
from meter.report import Card, Mark
from meter.report.pictures import data_uri, half_blocks
from meter.report.poster import draw, load_font, shorten, wrap
from meter.report.rendering import duration, filled

NASTY = "<script>alert(1)</script>\"'&"


def picture(side: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def full_card(**changes: object) -> Card:
    settings: dict = {
        "user": "User A",
        "item": "Item 1",
        "feature": "floors",
        "rating": 4.62,
        "true_rating": 5.0,
        "text": "higher floors have better view",
        "true_text": "ask for a high floor",
        "context": ["view", "room"],
        "image": picture(seed=1),
        "photo": picture(seed=2),
        "match": 0.93,
        "marks": [
            Mark(label="sentence is true", ok=True),
            Mark(label="picture shows", ok=False, detail="7 of 8"),
        ],
        "split": "test",
    }
    return Card(**{**settings, **changes})


def bare_card() -> Card:
    return Card(user="u", item="i", rating=3.0, text="fine")


def visible_words(page: str) -> str:
    """The text of a page without its tags, styles and scripts."""

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []
            self.silent = 0

        def handle_starttag(self, tag: str, attributes: list) -> None:
            self.silent += tag in ("style", "script")

        def handle_endtag(self, tag: str) -> None:
            self.silent -= tag in ("style", "script")

        def handle_data(self, data: str) -> None:
            if not self.silent:
                self.words.append(data)

    reader = Reader()
    reader.feed(page)
    return " ".join(" ".join(reader.words).split())


def test_notebook_face_shows_everything_the_card_holds() -> None:
    shown = visible_words(full_card()._repr_html_())
    for part in (
        "User A",
        "Item 1",
        "floors",
        "4.62",
        "Higher floors have better view",
        "Ask for a high floor",
        "view",
        "room",
        "93 %",
        "✓ sentence is true",
        "✗ picture shows · 7 of 8",
        "test",
    ):
        assert part in shown
    assert "the user gave 5 " in shown


def test_notebook_face_embeds_both_pictures_bit_for_bit() -> None:
    card = full_card()
    page = card._repr_html_()
    assert card.image is not None
    assert card.photo is not None
    assert data_uri(card.image) in page
    assert data_uri(card.photo) in page


def test_text_of_users_is_escaped_wherever_it_stands() -> None:
    card = full_card(
        user=NASTY,
        item=NASTY,
        feature=NASTY,
        text=NASTY,
        true_text=NASTY,
        context=[NASTY],
        split=NASTY,
        marks=[Mark(label=NASTY, ok=None, detail=NASTY)],
    )
    page = card._repr_html_()
    assert "<script" not in page
    # Shown: item, user, split, feature, sentence, true sentence, context, mark and its detail.
    assert visible_words(page).count(NASTY) == 9
    assert f'data-split="{html.escape(NASTY)}"'.replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in page


def test_missing_parts_leave_no_element_behind() -> None:
    page = bare_card()._repr_html_()
    body = page[page.index("</style>") :]
    for trace in (
        "<img",
        "media",
        "feature",
        "written",
        "chips",
        "checks",
        "the user gave",
        "data-split",
        "None",
    ):
        assert trace not in body


def test_one_picture_stands_beside_the_rating() -> None:
    page = full_card(photo=None)._repr_html_()
    assert page.count("<img") == 1
    assert page.count('class="beside"') == 1
    assert page.count("4.62") == 1


@pytest.mark.parametrize(
    ("oks", "all_hold"),
    [([], None), ([None], None), ([True, None], True), ([True, False], False)],
)
def test_all_checks_hold_only_when_none_fails(oks: list[bool | None], all_hold: bool | None) -> None:
    assert full_card(marks=[Mark(label="m", ok=ok) for ok in oks]).all_hold is all_hold


@pytest.mark.parametrize(
    ("changes", "width"),
    [
        ({}, 1392),
        ({"photo": None}, 1040),
        ({"photo": None, "matcher_auc": 0.9}, 1040),
        ({"photo": None, "image": None}, 656),
    ],
)
def test_png_is_as_wide_as_its_pictures_need(tmp_path, changes: dict, width: int) -> None:
    path = full_card(**changes).save(tmp_path / "card.png")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.mode == "RGB"
        assert image.width == width
        assert image.height > 300


def test_png_holds_the_pictures_where_they_belong(tmp_path) -> None:
    red = np.zeros((8, 8, 3), np.uint8) + np.array([200, 0, 0], np.uint8)
    blue = np.zeros((16, 16, 3), np.uint8) + np.array([0, 0, 200], np.uint8)
    path = full_card(image=red, photo=blue).save(str(tmp_path / "card.png"))
    with Image.open(path) as image:
        assert image.getpixel((48 + 170, 48 + 170)) == (200, 0, 0)
        assert image.getpixel((48 + 340 + 12 + 170, 48 + 170)) == (0, 0, 200)
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_png_grows_with_its_text_and_takes_any_of_it() -> None:
    short = draw(full_card())
    long = draw(
        full_card(
            text="word " * 200, item="x" * 300, context=["y" * 200], feature="z" * 100, rating=float("nan")
        )
    )
    assert long.height > short.height + 500
    assert long.width == short.width


def test_the_same_card_gives_the_same_bytes(tmp_path) -> None:
    for name in ("card.png", "card.html"):
        first = full_card().save(tmp_path / name).read_bytes()
        assert first == full_card().save(tmp_path / name).read_bytes()


def test_html_file_is_a_whole_page_that_runs_no_script(tmp_path) -> None:
    page = full_card(item=NASTY).save(tmp_path / "card.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_other_endings_are_refused_by_name(tmp_path) -> None:
    with pytest.raises(InputError, match=r"\.png or \.html, not as 'card\.pdf'"):
        full_card().save(tmp_path / "card.pdf")
    assert not list(tmp_path.iterdir())


def test_terminal_lines_say_what_there_is_and_no_more() -> None:
    text = full_card().to_text()
    assert "rating:      4.62 (true 5)" in text
    assert "context:     view, room" in text
    assert "✗ picture shows · 7 of 8" in text
    assert bare_card().to_text() == "user:        u\nitem:        i\nrating:      3.00\nexplanation: Fine"


def test_punctuation_is_no_context_word() -> None:
    card = full_card(context=[",", "view", ".", "3.5", "!"])
    assert card.context_words == ["view", "3.5"]
    assert "context:     view, 3.5" in card.to_text()


def test_terminal_obeys_neither_control_characters_nor_markup() -> None:
    card = full_card(text="\x1b[35mred [bold]not bold[/bold]", item="[link=x]y")
    console = Console(width=200, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        console.print(card)
    assert "\x1b[35m" not in capture.get()
    assert "[bold]not bold[/bold]" in capture.get()
    assert "[link=x]y" in capture.get()
    assert "\x1b" not in card.to_text()
    assert capture.get().count("▀") == 2 * 24 * 12


def test_half_blocks_show_upper_and_lower_pixel() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0] = 255
    assert half_blocks(pixels, 2) == [[("#ffffff", "#000000")] * 2]


def test_small_pictures_are_embedded_without_loss_and_large_ones_small() -> None:
    assert data_uri(picture(64)).startswith("data:image/png;base64,")
    large = data_uri(picture(256))
    assert large.startswith("data:image/jpeg;base64,")
    assert len(large) < 256 * 256 * 3


def test_wrapping_keeps_every_letter_within_the_width() -> None:
    font = load_font("DejaVuSans", 15)
    text = "some words and averyveryverylongwordwithoutanyspace and more"
    lines = wrap(text, font, 200)
    assert all(font.getlength(line) <= 200 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert font.getlength(shorten(text, font, 200)) <= 200
    assert shorten("short", font, 200) == "short"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(4.24, "4.2 s"), (59.97, "60.0 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 05 min")],
)
def test_durations_are_written_for_readers(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("rating", "share"), [(2.5, "50.0%"), (-1.0, "0.0%"), (7.0, "100.0%"), (float("nan"), "0%")]
)
def test_stars_fill_within_the_scale(rating: float, share: str) -> None:
    assert filled(rating, 5) == share


def test_a_match_is_shown_with_the_matchers_auc_or_not_at_all() -> None:
    seen = full_card(match=0.93, matcher_auc=0.87)
    blind = full_card(match=None, matcher_auc=0.51)
    assert "93 %" in seen._repr_html_()
    assert "matcher’s AUC 0.87" in seen._repr_html_()
    assert "not measurable here: the matcher’s AUC is 0.51" in blind._repr_html_()
    assert 'class="bar"' not in blind._repr_html_()
    assert full_card(match=None, matcher_auc=0.51, image=None).match_note is None
