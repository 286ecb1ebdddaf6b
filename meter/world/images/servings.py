"""Dishes seen from above and bunches of flowers, large: what a restaurant's guest photographs close up."""

import math
from collections.abc import Sequence

from meter.world.images.canvas import Canvas, Colour, Point, Units, shade


def draw_serving(canvas: Canvas, dish: str) -> None:
    """A plate of 60 units across about the origin, with a dish (a value of the feature ``dish``) on it."""
    canvas.ellipse(1.4, 2, 62, 62, (30, 20, 30, 50))
    canvas.ellipse(0.8, 1, 61, 61, (30, 20, 30, 50))
    canvas.ellipse(0, 0, 60, 60, (214, 212, 214))
    canvas.ellipse(-0.3, -0.4, 59, 59, (255, 254, 250))
    canvas.ellipse(0, 0, 46, 46, (226, 224, 222))
    canvas.ellipse(0.4, 0.6, 45, 45, (246, 244, 240))
    _SERVINGS[dish](canvas.moved(0, 0, 1.14))


def _ring(count: int, radius: Units, turn: float = 0.0) -> Sequence[Point]:
    """So many points around the origin, evenly; the first one ``turn`` of a circle after three o'clock."""
    angles = [2 * math.pi * (index / count + turn) for index in range(count)]
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]


def _leaf(canvas: Canvas, tip: Point, foot: Point, width: Units, colour: Colour) -> None:
    middle = (tip[0] + foot[0]) / 2, (tip[1] + foot[1]) / 2
    along = tip[0] - foot[0], tip[1] - foot[1]
    aside = -along[1] * width, along[0] * width
    corners = [foot, (middle[0] + aside[0], middle[1] + aside[1]), tip]
    canvas.polygon([*corners, (middle[0] - aside[0], middle[1] - aside[1])], colour)
    canvas.line([foot, tip], shade(colour, 0.8), 0.5)


def _pasta(canvas: Canvas) -> None:
    canvas.ellipse(0, 0, 43, 41, (222, 160, 42))
    for x, y in (*_ring(7, 13.4), *_ring(4, 5.5, 0.1)):
        for size, colour in (
            (15, (232, 176, 56)),
            (13, (250, 206, 86)),
            (8.6, (226, 168, 50)),
            (6.4, (252, 214, 104)),
        ):
            canvas.ellipse(x, y, size, size * 0.9, colour)
    canvas.ellipse(0, 0, 20, 18, (186, 40, 26))
    canvas.ellipse(-0.6, -0.8, 17, 15, (212, 58, 34))
    for x, y in _ring(5, 5):
        canvas.ellipse(x, y, 4, 3.6, (232, 96, 58))
    _leaf(canvas, (8, -6), (0, 0), 0.3, (54, 134, 48))
    _leaf(canvas, (-7, -6), (0, 0), 0.3, (70, 156, 58))


def _salad(canvas: Canvas) -> None:
    canvas.ellipse(0, 0, 43, 42, (44, 132, 40))
    for index, (x, y) in enumerate((*_ring(9, 15.5), *_ring(6, 8, 0.08))):
        green = ((112, 196, 58), (76, 164, 48), (146, 214, 84))[index % 3]
        canvas.ellipse(x, y, 13.4, 12, shade(green, 0.86))
        canvas.ellipse(x - 0.4, y - 0.6, 12, 10.4, green)
        canvas.line([(x - 3.6, y + 2), (x + 3.6, y - 2.4)], shade(green, 1.4), 0.7)
    for x, y in ((-9, -7), (10, -4), (-3, 11)):
        canvas.ellipse(x, y, 9, 9, (206, 40, 36))
        canvas.ellipse(x - 0.3, y - 0.4, 7, 7, (240, 84, 64))
        for seed_x, seed_y in _ring(4, 1.9):
            canvas.ellipse(x + seed_x, y + seed_y, 1.2, 1.2, (252, 196, 120))
    for x, y in ((2, -11), (11, 9), (-12, 5)):
        canvas.ellipse(x, y, 7.6, 7.6, (60, 140, 60))
        canvas.ellipse(x, y, 6.2, 6.2, (214, 240, 180))


def _steak(canvas: Canvas) -> None:
    for grow, colour in ((0.0, (56, 28, 20)), (2.4, (104, 54, 34))):
        canvas.ellipse(-4, -3, 35 - grow, 31 - grow, colour)
        canvas.ellipse(7, 2, 29 - grow, 26 - grow, colour)
    canvas.ellipse(-7, -6, 18, 12, (124, 66, 42))
    for x in (-15, -8, -1, 6, 13):
        canvas.line([(x - 2, 9.5 - abs(x) * 0.2), (x + 5, -11 + abs(x) * 0.2)], (48, 22, 16), 2.2)
    for end in ((-4, -18), (2, -19.4), (8, -17.4)):
        _leaf(canvas, end, (14, -11), 0.14, (58, 122, 62))
    for x, y in ((-13, 15.6), (-6, 18), (1, 18.6)):
        canvas.ellipse(x, y, 6.4, 5.4, (232, 190, 96))
        canvas.ellipse(x - 0.4, y - 0.6, 4, 3, (250, 220, 140))


def _lobster(canvas: Canvas) -> None:
    shell, dark, light = (214, 44, 28), (166, 24, 18), (238, 88, 54)
    for side in (-1, 1):
        canvas.line([(side * 2, -10), (side * 7, -18), (side * 17, -20)], dark, 0.8)
        for y, reach in ((-4, 15), (0, 16), (4, 15)):
            canvas.line([(side * 4, y), (side * (reach - 4), y + 1), (side * reach, y + 5)], dark, 1.3)
        canvas.line([(side * 4, -8), (side * 11, -8), (side * 12, -13)], shell, 3.4)
        canvas.ellipse(side * 13, -15, 10.4, 13, dark)
        canvas.ellipse(side * 13, -15.4, 9, 11.6, shell)
        canvas.polygon([(side * 12, -23), (side * 13.6, -14.6), (side * 16.4, -22.4)], (246, 244, 240))
        canvas.ellipse(side * 11.6, -12.6, 3, 4, light)
    for y, width in ((19, 12), (14.4, 10.4), (10, 11.6), (5.6, 12.8)):
        canvas.ellipse(0, y, width, 8, dark)
        canvas.ellipse(0, y - 0.6, width - 1.2, 6.4, shell)
        canvas.ellipse(0, y - 1.4, width - 5, 2.4, light)
    canvas.ellipse(0, -4, 15, 21, dark)
    canvas.ellipse(0, -4.4, 13.6, 19.4, shell)
    canvas.ellipse(-1.6, -6, 5, 11, light)
    for side in (-1, 1):
        canvas.ellipse(side * 3.4, -12.4, 2.2, 2.2, (34, 26, 30))
    for x, y in ((-16, 11), (16, 12)):
        canvas.ellipse(x, y, 10, 9, (246, 200, 40))
        canvas.ellipse(x, y, 8, 7, (254, 234, 130))


_SERVINGS = {"pasta": _pasta, "salad": _salad, "steak": _steak, "lobster": _lobster}


def draw_bouquet(canvas: Canvas, value: str) -> None:
    """A bunch of flowers (a value of the feature ``flowers``) in a vase that stands on the origin; 56 units high."""
    canvas.shadow(1, 0, 26, 7)
    canvas.polygon([(-7, -22), (7, -22), (9, -9), (6, 1), (-6, 1), (-9, -9)], (170, 206, 222))
    canvas.polygon([(-5, -20), (-2, -20), (-3.4, -2), (-5.6, -7)], (226, 242, 248))
    canvas.box(-7.6, -23, 7.6, -21, (206, 230, 240), radius=0.8)
    for x, y in ((-17, -27), (17, -27), (-12, -22), (12, -22)):
        _leaf(canvas, (x, y), (0, -21), 0.2, (62, 132, 58))
    if value == "lavender":
        _lavender(canvas)
        return
    for x, y in ((-14, -30), (14, -30), (0, -29), (-9, -42), (9, -42)):
        canvas.line([(0, -21), (x, y)], (62, 122, 54), 1.6)
    draw_bloom = {"roses": _rose, "tulips": _tulip, "daisies": _daisy}[value]
    for x, y in ((-9, -45), (9, -45), (-16, -33), (16, -33), (0, -36)):
        draw_bloom(canvas.moved(x, y))


def _rose(canvas: Canvas) -> None:
    for x, y in _ring(5, 3.4, 0.25):
        canvas.ellipse(x, y, 11.6, 11, (176, 14, 42))
        canvas.ellipse(x * 0.94, y * 0.94, 10.4, 9.8, (212, 24, 52))
    for size, colour in ((10, (186, 14, 42)), (7.6, (226, 48, 74)), (5, (160, 8, 34)), (2.6, (212, 36, 62))):
        canvas.ellipse(0.2, 0, size, size, colour)


def _tulip(canvas: Canvas) -> None:
    canvas.ellipse(0, 1, 15, 15, (242, 146, 12))
    for side in (-1, 1):
        canvas.polygon([(side * 7.6, 1), (side * 6.6, -9), (side * 1, 1)], (242, 146, 12))
        canvas.ellipse(side * 3.6, 0.4, 8, 14, (254, 188, 20))
    canvas.polygon([(-4.4, -1), (0, -10), (4.4, -1)], (254, 206, 60))
    canvas.ellipse(0, 1.6, 9, 12, (254, 206, 60))
    canvas.line([(0, -5), (0, 5)], (242, 160, 20), 0.7)


def _daisy(canvas: Canvas) -> None:
    for x, y in _ring(9, 5):
        canvas.ellipse(x + 0.3, y + 0.5, 6.4, 6.4, (206, 206, 214))
    for x, y in _ring(9, 5):
        canvas.ellipse(x, y, 6.2, 6.2, (255, 255, 252))
    canvas.ellipse(0, 0, 6.8, 6.4, (226, 160, 30))
    canvas.ellipse(-0.3, -0.4, 5.6, 5.2, (250, 200, 60))


def _lavender(canvas: Canvas) -> None:
    for x in (-17, -8.6, 0, 8.6, 17):
        foot, top = -31.0, -53 + abs(x) * 0.5
        canvas.line([(x * 0.3, -21), (x * 0.9, foot)], (82, 132, 74), 1.6)
        for step in range(6):
            middle, y = x * (0.9 + step * 0.02), foot + (top - foot) * step / 5
            width = 9.4 - step * 0.9
            canvas.ellipse(middle, y, width, 6.4, (104, 50, 164))
            canvas.ellipse(middle - 0.6, y - 1, width - 3, 3.4, (162, 110, 216))
