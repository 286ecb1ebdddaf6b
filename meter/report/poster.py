"""An explanation as a picture file, set with Pillow alone: for slides, papers and messages.

Every part is a picture of its own; parts are stacked, or set beside each other. Lengths are in pixels of a drawing that
is reduced by ``FINE`` at the end, which smooths its edges.
"""

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont, ImageOps

from meter.metrics.labels import number
from meter.report.explanation import NO_RATING, Explanation
from meter.report.rendering import stars

FINE = 2
MARGIN, GAP, SIDE, COLUMN = 96, 88, 680, 1120
"""The empty border, the space between the two columns, a picture's side, the text column's width."""
BETWEEN, CHIP_GAP = 24, 14

PAPER, INK, MUTED, LINE, SUNKEN = "#ffffff", "#211d19", "#6d655b", "#e7e0d5", "#f3efe8"
ACCENT, TINT, GOLD, EMPTY = "#0f6b66", "#e3f0ee", "#c7870a", "#ded6c9"
CHECKED = {True: ("✓ ", "#2a7448", "#e4f2e9"), False: ("✗ ", "#ad372d", "#fae8e5"), None: ("", MUTED, SUNKEN)}
"""Sign, ink and fill of what was checked, by whether it holds."""


def draw(explanation: Explanation) -> Image.Image:
    """The explanation as an RGB image: pictures on the left, what is said on the right, what was checked where room is.

    1,392 pixels wide with two pictures, 1,040 with one, 656 with none; as high as the text needs.
    """
    pictures = [captioned(pixels, caption) for caption, pixels in explanation.pictures]
    if len(pictures) == 1:
        right = [words(explanation), *checks(explanation, COLUMN)]
        card = beside([pictures[0], stack(right, 32)], GAP)
    elif pictures:
        left = beside(pictures, BETWEEN)
        card = beside([stack([left, *checks(explanation, left.width)], 32), words(explanation)], GAP)
    else:
        card = stack([words(explanation), *checks(explanation, COLUMN)], 32)
    return ImageOps.expand(card, MARGIN, PAPER).reduce(FINE)


def words(explanation: Explanation) -> Image.Image:
    """Feature word, item, user, ratings, the sentence and what the user wrote, one below the other."""
    name = paragraph(explanation.item, load_font("DejaVuSerif-Bold", 56), INK, 1.25)
    user = paragraph(f"for {explanation.user}", load_font("DejaVuSans", 34), MUTED)
    if explanation.rating is None:
        ratings = [paragraph(NO_RATING, load_font("DejaVuSans", 34), MUTED)]
    else:
        ratings = [
            rating_line(
                number(explanation.rating),
                explanation.rating / explanation.best_rating,
                explanation.best_rating,
                load_font("DejaVuSerif-Bold", 76),
                (INK, GOLD),
            )
        ]
    if explanation.true_rating is not None:
        said = f"the user gave {stars(explanation.true_rating)}"
        share = explanation.true_rating / explanation.best_rating
        font = load_font("DejaVuSans", 34)
        ratings.append(rating_line(said, share, explanation.best_rating, font, (MUTED, MUTED)))
    parts = [
        stack([name, user], 4),
        stack(ratings, 8),
        paragraph(f"“{explanation.sentence}”", load_font("DejaVuSerif", 50), INK, 1.45),
    ]
    if explanation.feature is not None:
        feature = chip(explanation.feature, load_font("DejaVuSans-Bold", 32), ACCENT, COLUMN, fill=TINT)
        parts[0] = stack([feature, parts[0]], 28)
    if explanation.true_sentence is not None:
        heading = paragraph("WHAT THE USER WROTE", load_font("DejaVuSans-Bold", 24), MUTED)
        text = paragraph(explanation.true_sentence, load_font("DejaVuSans", 34), MUTED, 1.5)
        parts.append(stack([heading, text], 8))
    return stack(parts, 42)


def checks(explanation: Explanation, width: int) -> list[Image.Image]:
    """The context words, how well sentence and picture match, and what else was checked."""
    font = load_font("DejaVuSans", 30)
    parts = []
    if explanation.context_words:
        parts.append(
            flow([chip(w, font, MUTED, width, outline=LINE) for w in explanation.context_words], width)
        )
    if explanation.match is not None:
        parts.append(bar("sentence ↔ picture", explanation.match, width))
    if explanation.match_note is not None:
        note = (
            explanation.match_note
            if explanation.match is not None
            else f"sentence ↔ picture {explanation.match_note}"
        )
        parts.append(paragraph(note, load_font("DejaVuSans", 24), MUTED, width=width))
    if explanation.marks:
        chips = []
        for mark in explanation.marks:
            sign, ink, fill = CHECKED[mark.ok]
            chips.append(chip(sign + mark.written, font, ink, width, fill=fill))
        parts.append(flow(chips, width))
    return parts


def stack(parts: Sequence[Image.Image], gap: int) -> Image.Image:
    """The parts one below the other, flush left."""
    height = sum(part.height for part in parts) + gap * (len(parts) - 1)
    stacked = Image.new("RGB", (max(part.width for part in parts), height), PAPER)
    y = 0
    for part in parts:
        stacked.paste(part, (0, y))
        y += part.height + gap
    return stacked


def beside(parts: Sequence[Image.Image], gap: int) -> Image.Image:
    """The parts from left to right, their tops level."""
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    row = Image.new("RGB", (width, max(part.height for part in parts)), PAPER)
    x = 0
    for part in parts:
        row.paste(part, (x, 0))
        x += part.width + gap
    return row


def flow(parts: Sequence[Image.Image], width: int) -> Image.Image:
    """The parts from left to right, in as many lines as they need."""
    lines: list[list[Image.Image]] = [[]]
    for part in parts:
        if lines[-1] and sum(other.width + CHIP_GAP for other in lines[-1]) + part.width > width:
            lines.append([])
        lines[-1].append(part)
    return stack([beside(line, CHIP_GAP) for line in lines], CHIP_GAP)


def paragraph(
    text: str, font: ImageFont.FreeTypeFont, ink: str, leading: float = 1.35, width: int = COLUMN
) -> Image.Image:
    """Text in lines of this width. leading: height of a line over the size of its letters."""
    lines = wrap(text, font, width)
    height = round(font.size * leading)
    part = Image.new("RGB", (width, height * len(lines)), PAPER)
    for index, line in enumerate(lines):
        ImageDraw.Draw(part).text((0, index * height), line, ink, font)
    return part


def rating_line(
    said: str, share: float, best: int, font: ImageFont.FreeTypeFont, inks: tuple[str, str]
) -> Image.Image:
    """Words, and beside them ``best`` stars of which ``share`` is filled. inks: of words and of filled stars."""
    ink, filled = inks
    height = round(font.size * 1.25)
    part = Image.new("RGB", (COLUMN, height), PAPER)
    ImageDraw.Draw(part).text((0, 0), said, ink, font)
    row, letters = "★" * best, load_font("DejaVuSans", round(font.size * 0.6 + 20))
    start, middle = font.getlength(said) + font.size * 0.4, round(font.size * 0.64)
    end = start + letters.getlength(row) * (min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0)
    ImageDraw.Draw(part).text((start, middle), row, EMPTY, letters, anchor="lm")
    full = part.copy()
    ImageDraw.Draw(full).text((start, middle), row, filled, letters, anchor="lm")
    part.paste(full.crop((0, 0, round(end), height)))
    return part


def chip(
    text: str,
    font: ImageFont.FreeTypeFont,
    ink: str,
    width: int,
    fill: str | None = None,
    outline: str | None = None,
) -> Image.Image:
    """Text in a rounded box no wider than ``width``."""
    padding, height = round(font.size * 0.7), round(font.size * 1.75)
    text = shorten(text, font, width - 2 * padding)
    part = Image.new("RGB", (math.ceil(font.getlength(text)) + 2 * padding, height), PAPER)
    brush = ImageDraw.Draw(part)
    brush.rounded_rectangle([0, 0, part.width - 1, height - 1], height / 2, fill, outline, FINE)
    brush.text((padding, height / 2), text, ink, font, anchor="lm")
    return part


def bar(label: str, share: float, width: int) -> Image.Image:
    """A label, a bar filled to ``share`` and the share in per cent."""
    font, share = load_font("DejaVuSans", 30), min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    part = Image.new("RGB", (width, 40), PAPER)
    brush = ImageDraw.Draw(part)
    brush.text((0, 20), label, MUTED, font, anchor="lm")
    brush.text((width, 20), f"{share:.0%}", INK, font, anchor="rm")
    start, end = font.getlength(label) + 32, width - 116
    for right, colour in ((end, SUNKEN), (start + (end - start) * share, ACCENT)):
        if right - start >= 12:
            brush.rounded_rectangle([start, 14, right, 26], 6, colour)
    return part


def captioned(pixels: UInt8[np.ndarray, "_ _ 3"], caption: str) -> Image.Image:
    """A picture with rounded corners and its caption below."""
    part = Image.new("RGB", (SIDE, SIDE + 60), PAPER)
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, SIDE - 1, SIDE - 1], 28, 255)
    part.paste(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC), (0, 0), mask)
    ImageDraw.Draw(part).text((0, SIDE + 18), caption, MUTED, load_font("DejaVuSans", 28))
    return part


def wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
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


def shorten(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Cuts text that is wider than ``width`` and ends it in ``…``."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@functools.cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts, its letters ``size`` pixels high."""
    # Matplotlib carries these fonts, so a card looks the same on every machine.
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
