"""A card as a picture file, drawn with Pillow alone: for slides, papers and messages."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from meter.metrics.labels import number
from meter.report.explanation import Explanation, Mark
from meter.report.rendering import stars

FINE = 2
"""Everything is drawn so many times larger and then reduced: smooth edges."""
MARGIN, GAP, SIDE, COLUMN = 48, 44, 340, 560
"""The empty border, the space between the two columns, a picture's side, the text column's width, in pixels."""
BETWEEN = 12

PAPER, INK, MUTED, LINE, SUNKEN = "#ffffff", "#211d19", "#6d655b", "#e7e0d5", "#f3efe8"
ACCENT, TINT, GOLD, EMPTY = "#0f6b66", "#e3f0ee", "#c7870a", "#ded6c9"
JUDGED = {True: ("#2a7448", "#e4f2e9", "✓ "), False: ("#ad372d", "#fae8e5", "✗ "), None: (MUTED, SUNKEN, "")}


def draw(explanation: Explanation) -> Image.Image:
    """The card as an RGB image: pictures and what was checked on the left, what is said on the right.

    1,392 pixels wide with two pictures, 1,040 with one, 656 with none; as high as the text needs.
    """
    pictures = len(explanation.pictures)
    left = pictures * SIDE + (pictures - 1) * BETWEEN if pictures else 0
    text_at = MARGIN + (left + GAP if left else 0)
    width = text_at + COLUMN + MARGIN
    # The first drawing, on a canvas of one pixel, only measures.
    height = _compose(Image.new("RGB", (1, 1)), explanation, left, text_at)
    canvas = Image.new("RGB", (width * FINE, height * FINE), PAPER)
    _compose(canvas, explanation, left, text_at)
    return canvas.resize((width, height), Image.Resampling.LANCZOS)


def _compose(canvas: Image.Image, explanation: Explanation, left: int, text_at: int) -> int:
    text = Pen(canvas, text_at, float(MARGIN), COLUMN)
    _say(text, explanation)
    if not left:
        text.down(22)
        _check(text, explanation)
        return math.ceil(text.y) + MARGIN
    side = Pen(canvas, MARGIN, float(MARGIN), left)
    side.pictures(explanation)
    _check(side, explanation)
    return math.ceil(max(text.y, side.y)) + MARGIN


def _say(pen: "Pen", explanation: Explanation) -> None:
    if explanation.feature is not None:
        pen.chips([explanation.feature], size=16, ink=ACCENT, fill=TINT, bold=True)
        pen.down(14)
    pen.write(explanation.item, "DejaVuSerif-Bold", 28, INK, leading=1.25)
    pen.down(2)
    pen.write(f"for {explanation.user}", "DejaVuSans", 17, MUTED)
    pen.down(20)
    words = number(explanation.rating)
    pen.rating(
        explanation.rating,
        explanation.best_rating,
        words,
        font="DejaVuSerif-Bold",
        size=38,
        star=27,
        colour=GOLD,
        ink=INK,
    )
    if explanation.true_rating is not None:
        pen.down(6)
        words = f"the user gave {stars(explanation.true_rating)}"
        pen.rating(
            explanation.true_rating,
            explanation.best_rating,
            words,
            font="DejaVuSans",
            size=17,
            star=16,
            colour=MUTED,
            ink=MUTED,
        )
    pen.down(22)
    pen.write(f"“{explanation.text}”", "DejaVuSerif", 25, INK, leading=1.45)
    if explanation.true_text is not None:
        pen.down(20)
        pen.write("WHAT THE USER WROTE", "DejaVuSans-Bold", 12, MUTED)
        pen.down(4)
        pen.write(explanation.true_text, "DejaVuSans", 17, MUTED, leading=1.5)


def _check(pen: "Pen", explanation: Explanation) -> None:
    if explanation.context:
        pen.chips(explanation.context, size=15, ink=MUTED, outline=LINE)
        pen.down(16)
    if explanation.match is not None:
        pen.bar("sentence ↔ picture", explanation.match)
        pen.down(14)
    if explanation.marks:
        pen.marks(explanation.marks)


@dataclass(slots=True)
class Pen:
    """Draws on ``canvas`` from ``x`` over ``width`` and moves down as it goes; all lengths in final pixels."""

    canvas: Image.Image
    x: int
    y: float
    width: int

    @property
    def _brush(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.canvas)

    def down(self, pixels: int) -> None:
        """Leaves ``pixels`` empty."""
        self.y += pixels

    def write(self, text: str, font: str, size: int, ink: str, leading: float = 1.35) -> None:
        """Writes text, wrapped."""
        for line in wrap(text, load_font(font, size), float(self.width * FINE)):
            self._brush.text((self.x * FINE, self.y * FINE), line, ink, load_font(font, size))
            self.y += size * leading

    def rating(
        self, rating: float, best: int, words: str, *, font: str, size: int, star: int, colour: str, ink: str
    ) -> None:
        """Writes ``words`` and the stars of a rating on one line."""
        letters = load_font(font, size)
        self._brush.text((self.x * FINE, self.y * FINE), words, ink, letters)
        start = self.x + letters.getlength(words) / FINE + size * 0.4
        middle = self.y + size * 0.62
        share = min(max(rating, 0.0), float(best)) if math.isfinite(rating) else 0.0
        for place in range(best):
            corner = (round((start + place * star * 1.12) * FINE), round((middle - star / 2) * FINE))
            self.canvas.paste(_star(star * FINE, EMPTY, colour, min(max(share - place, 0.0), 1.0)), corner,
                              _star_mask(star * FINE))  # fmt: skip
        self.y += size * 1.25

    def chips(
        self, words: Sequence[str], *, size: int, ink: str, fill: str | None = None, outline: str | None = None,
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Writes words in rounded boxes, as many lines as they need."""
        entries = [(word, ink, fill) for word in words]
        self._boxes(entries, size, "DejaVuSans-Bold" if bold else "DejaVuSans", outline)

    def marks(self, marks: Sequence[Mark]) -> None:
        """Writes what was checked, green where it holds and red where it does not."""
        entries = []
        for mark in marks:
            ink, fill, sign = JUDGED[mark.ok]
            entries.append((f"{sign}{mark.label} {mark.detail}".strip(), ink, fill))
        self._boxes(entries, 15, "DejaVuSans", None)

    def _boxes(
        self, entries: Sequence[tuple[str, str, str | None]], size: int, font: str, outline: str | None
    ) -> None:
        letters = load_font(font, size)
        padding, height = size * 0.7, size * 1.75
        x = self.x
        for words, ink, fill in entries:
            words = shorten(words, letters, (self.width - 2 * padding) * FINE)
            width = letters.getlength(words) / FINE + 2 * padding
            if x > self.x and x + width > self.x + self.width:
                x = self.x
                self.y += height + 7
            box = [x * FINE, self.y * FINE, (x + width) * FINE, (self.y + height) * FINE]
            self._brush.rounded_rectangle(box, height * FINE / 2, fill, outline, FINE)
            self._brush.text(
                (box[0] + padding * FINE, (self.y + height / 2) * FINE), words, ink, letters, anchor="lm"
            )
            x += width + 7
        self.y += height

    def bar(self, label: str, share: float) -> None:
        """Writes a label, a bar filled to ``share`` and the share in per cent."""
        letters = load_font("DejaVuSans", 15)
        share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
        percent = f"{share:.0%}"
        self._brush.text((self.x * FINE, (self.y + 10) * FINE), label, MUTED, letters, anchor="lm")
        self._brush.text(
            ((self.x + self.width) * FINE, (self.y + 10) * FINE), percent, INK, letters, anchor="rm"
        )
        start = self.x + letters.getlength(label) / FINE + 16
        end = self.x + self.width - 58
        for right, colour in ((end, SUNKEN), (start + (end - start) * share, ACCENT)):
            if right - start >= 6:
                box = [start * FINE, (self.y + 7) * FINE, right * FINE, (self.y + 13) * FINE]
                self._brush.rounded_rectangle(box, 3 * FINE, colour)
        self.y += 20

    def pictures(self, explanation: Explanation) -> None:
        """Draws the pictures side by side, each with its caption below."""
        side = SIDE * FINE
        mask = Image.new("L", (side, side), 0)
        ImageDraw.Draw(mask).rounded_rectangle([0, 0, side - 1, side - 1], 14 * FINE, 255)
        letters = load_font("DejaVuSans", 14)
        for place, (caption, pixels) in enumerate(explanation.pictures):
            x = self.x + place * (SIDE + BETWEEN)
            picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
            self.canvas.paste(picture, (round(x * FINE), round(self.y * FINE)), mask)
            self._brush.text((x * FINE, (self.y + SIDE + 9) * FINE), caption, MUTED, letters)
        self.y += SIDE + 46


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Breaks text into lines no wider than ``width``: between words, inside a word only where it alone is wider."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def shorten(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Cuts text that is wider than ``width`` and ends it in ``…``."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@functools.cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts at ``size`` pixels of the finished card."""
    # Matplotlib carries these fonts, so a card looks the same on every machine.
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size * FINE, layout_engine=ImageFont.Layout.BASIC)


@functools.cache
def _star_mask(side: int) -> Image.Image:
    corners = []
    for corner in range(10):
        reach = 0.5 if corner % 2 == 0 else 0.2
        angle = math.pi * corner / 5
        corners.append((side * (0.5 + reach * math.sin(angle)), side * (0.53 - reach * math.cos(angle))))
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    return mask


def _star(side: int, empty: str, colour: str, share: float) -> Image.Image:
    star = Image.new("RGB", (side, side), empty)
    star.paste(colour, (0, 0, round(side * share), side))
    return star
