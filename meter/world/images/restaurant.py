"""A laid restaurant table: chairs behind it, a dish, a drink and flowers on its cloth, lamp and painting."""

from collections.abc import Mapping

from meter.world.images.canvas import Canvas, Colour, shade
from meter.world.images.furnishings import draw_lamp, draw_painting, draw_walls
from meter.world.images.viewpoint import Viewpoint

CLOTHS: dict[str, Colour] = {
    "white": (250, 248, 242),
    "navy": (34, 52, 112),
    "checkered": (246, 232, 226),
    "yellow": (250, 206, 74),
}
CHAIRS: dict[str, Colour] = {
    "wooden": (186, 118, 56),
    "black": (40, 38, 46),
    "red": (206, 42, 48),
    "green": (34, 150, 96),
}


def draw_table(canvas: Canvas, values: Mapping[str, str], viewpoint: Viewpoint) -> None:
    """Draws a table with these values (feature -> value), with the furniture and displacements of the viewpoint."""
    draw_walls(canvas, values["walls"], bottom=44)
    canvas.box(-12, 44, 76, 76, (104, 70, 52))
    draw_painting(
        canvas.moved(2.6 + viewpoint.sway[0], 3.5 + viewpoint.sway[1]), values["painting"], viewpoint.frame
    )
    draw_lamp(canvas.moved(32 + viewpoint.sway[1], 8 + viewpoint.sway[0]), values["lamp"])
    _draw_shelf(canvas, viewpoint)
    for left in (17.2, 32.8):
        draw_chair(
            canvas.moved(left + viewpoint.sway[0] * 0.5, viewpoint.sway[3] * 0.5), CHAIRS[values["chairs"]]
        )
    _draw_cloth(canvas, values["tablecloth"])
    draw_plate(canvas.moved(32 + viewpoint.sway[2], 47), values["dish"])
    draw_flowers(canvas.moved(10.4 + viewpoint.sway[3], 45 + viewpoint.sway[2]), values["flowers"])
    DRINKS[values["drink"]](canvas.moved(53.6 + viewpoint.sway[1], 47 + viewpoint.sway[3]))


def _draw_shelf(canvas: Canvas, viewpoint: Viewpoint) -> None:
    if viewpoint.variant == 2:
        canvas.ellipse(54.4, 12.4, 11.6, 11.6, (30, 20, 30, 60))
        canvas.ellipse(54, 12, 11.6, 11.6, viewpoint.wood)
        canvas.ellipse(54, 12, 9, 9, (252, 248, 238))
        canvas.line([(54, 8.6), (54, 12), (56.6, 13.4)], (50, 44, 50), 0.8)
    else:
        canvas.box(46, 16, 62, 17.6, viewpoint.wood)
        canvas.box(46, 17.6, 62, 18.4, (30, 20, 30, 60))
        for x, height, colour in (
            (48, 8, (70, 110, 70)),
            (52.4, 9.4, (126, 58, 60)),
            (56.8, 7.4, (196, 150, 80)),
        ):
            canvas.box(x, 16 - height * 0.7, x + 3.2, 16, colour, radius=0.6)
            canvas.box(x + 1.1, 16 - height, x + 2.1, 16 - height * 0.6, colour)


def draw_chair(canvas: Canvas, colour: Colour) -> None:
    canvas.box(0, 18, 14, 42, shade(colour, 0.78), radius=3)
    canvas.box(0.8, 18.6, 13.2, 42, colour, radius=2.6)
    canvas.box(2.2, 20.2, 11.8, 22.2, shade(colour, 1.2), radius=1)
    for x in (4.4, 9.0):
        canvas.box(x, 24, x + 0.7, 40, shade(colour, 0.8))


def _draw_cloth(canvas: Canvas, value: str) -> None:
    colour = CLOTHS[value]
    top = [(7, 38), (57, 38), (69, 54), (-5, 54)]
    canvas.polygon([(x, y + 0.8) for x, y in top], (30, 20, 30, 50))
    canvas.polygon(top, colour)
    canvas.box(-12, 54, 76, 76, shade(colour, 0.9))
    if value == "checkered":
        _checks(canvas)
    for x in range(-4, 76, 9):
        canvas.polygon([(x, 54), (x + 2, 54), (x + 4, 76), (x - 1, 76)], (30, 20, 30, 26))
    canvas.line([(-12, 54), (76, 54)], shade(colour, 0.8), 0.5)


def _checks(canvas: Canvas) -> None:
    red = (206, 30, 40, 150)
    for x in range(-8, 73, 8):
        lines_of_flight = [(32 + (x - 32) * 0.68, 38), (32 + (x + 4 - 32) * 0.68, 38), (x + 4, 54), (x, 54)]
        canvas.polygon(lines_of_flight, red)
        canvas.box(x, 54, x + 4, 76, red)
    for top, bottom in ((40, 43), (47, 50.6)):
        narrow = 12 * (top - 38) / 16
        wide = 12 * (bottom - 38) / 16
        canvas.polygon([(7 - narrow, top), (57 + narrow, top), (57 + wide, bottom), (7 - wide, bottom)], red)
    canvas.box(-12, 57, 76, 61, red)


def draw_plate(canvas: Canvas, dish: str) -> None:
    canvas.shadow(0, 1.4, 33, 14)
    canvas.ellipse(0, 0.4, 31, 13.6, (206, 204, 208))
    canvas.ellipse(0, 0, 31, 13, (255, 254, 250))
    canvas.ellipse(0, 0.2, 25, 10, (236, 234, 232))
    _DISHES[dish](canvas)


def _pasta(canvas: Canvas) -> None:
    canvas.ellipse(0, -2, 23, 12, (222, 160, 42))
    for x, y, width in ((-4.5, -1.4, 11), (4.5, -1.4, 11), (0, -3.4, 13)):
        canvas.ellipse(x, y, width, 7.4, (250, 206, 86))
        canvas.ellipse(x, y, width * 0.6, 4, (232, 176, 56))
    canvas.ellipse(0, -5, 8, 4, (204, 50, 30))


def _salad(canvas: Canvas) -> None:
    canvas.ellipse(0, -2, 23, 12, (44, 132, 40))
    for x, y in ((-6.4, -2), (-2, -4.6), (3.4, -4.4), (7, -1.6), (0.4, -0.4)):
        canvas.ellipse(x, y, 7.6, 5.4, (112, 196, 58))
        canvas.ellipse(x + 0.6, y + 0.4, 4, 2.6, (76, 164, 48))
    canvas.ellipse(-3.4, -2.4, 2.8, 2.8, (232, 62, 50))
    canvas.ellipse(5, -3.6, 2.8, 2.8, (232, 62, 50))


def _steak(canvas: Canvas) -> None:
    canvas.ellipse(0.6, -1.2, 23.4, 11.6, (56, 28, 20))
    canvas.ellipse(0, -2.4, 23, 11, (104, 54, 34))
    for x in (-6, -1.6, 2.8, 7):
        canvas.line([(x - 1.6, 0.6), (x + 1.6, -5.4)], (54, 26, 20), 1.0)


def _lobster(canvas: Canvas) -> None:
    canvas.ellipse(0, -2, 22, 9.6, (202, 36, 24))
    for side in (-1, 1):
        canvas.ellipse(side * 8.4, -5, 7.4, 6.4, (224, 56, 34))
        canvas.polygon([(side * 8, -7.4), (side * 9.2, -4.6), (side * 10.6, -7.8)], (250, 246, 240))
        canvas.line([(side * 3, 1), (side * 8, 3)], (178, 28, 20), 0.8)
    for x in (-4, 0, 4):
        canvas.ellipse(x, -1.6, 4.6, 6.6, (236, 84, 52))


_DISHES = {"pasta": _pasta, "salad": _salad, "steak": _steak, "lobster": _lobster}


def draw_flowers(canvas: Canvas, value: str) -> None:
    canvas.shadow(0.6, 0, 12, 4)
    canvas.polygon([(-2.6, -10), (2.6, -10), (4, -4), (2.6, 0.4), (-2.6, 0.4), (-4, -4)], (170, 206, 222))
    canvas.polygon([(-1.8, -9), (-0.4, -9), (-1.4, -1), (-2.6, -3.6)], (226, 242, 248))
    for x in (-6, -2.4, 2.4, 6):
        canvas.line([(0, -9.6), (x, -16)], (62, 122, 54), 1.0)
    blooms = [(-5, -13.6), (5, -13.6), (-4.6, -19), (4.8, -19), (0, -15.6), (0, -21)]
    if value == "lavender":
        for x in (-5.6, -3, 0, 3, 5.6):
            canvas.ellipse(x, -17.4 - (5.6 - abs(x)) * 0.3, 3.6, 12, (124, 66, 184))
            canvas.ellipse(x, -19.4 - (5.6 - abs(x)) * 0.3, 1.8, 5, (162, 110, 216))
        return
    petals, heart = {
        "roses": ((212, 24, 52), (150, 8, 34)),
        "tulips": ((254, 188, 20), (242, 146, 12)),
        "daisies": ((255, 255, 252), (250, 200, 60)),
    }[value]
    for x, y in blooms:
        canvas.ellipse(x, y, 7, 6.8, petals)
        canvas.ellipse(x, y + (1.6 if value == "tulips" else 0), 2.6, 2.4, heart)


def _wine(canvas: Canvas) -> None:
    canvas.shadow(0, 0, 11, 3.4)
    canvas.ellipse(0, 0, 8.6, 2.4, (226, 232, 238))
    canvas.box(-0.6, -6, 0.6, 0, (226, 232, 238))
    canvas.ellipse(0, -12.6, 12.4, 15.6, (232, 236, 242))
    canvas.ellipse(0, -12, 11.4, 13.6, (118, 8, 46))
    canvas.ellipse(0, -17, 10, 2.8, (164, 34, 74))
    canvas.ellipse(-3, -12, 1.6, 6, (196, 92, 122))


def _beer(canvas: Canvas) -> None:
    canvas.shadow(0, 0, 13, 3.4)
    canvas.ellipse(5.4, -9, 6, 9, (236, 240, 244))
    canvas.ellipse(5.4, -9, 3, 5.6, (206, 168, 110))
    canvas.box(-6, -17, 5.4, 0.4, (240, 244, 246), radius=1.2)
    canvas.box(-5.2, -16, 4.6, -0.4, (240, 158, 18), radius=0.9)
    canvas.box(-3.8, -14, -2.4, -2, (254, 206, 96), radius=0.6)
    for x in (-4, -0.4, 3.2):
        canvas.ellipse(x, -17.4, 5, 4.6, (255, 252, 240))


def _cocktail(canvas: Canvas) -> None:
    canvas.shadow(0, 0, 11, 3.4)
    canvas.ellipse(0, 0, 8.6, 2.4, (226, 232, 238))
    canvas.box(-0.6, -6, 0.6, 0, (226, 232, 238))
    canvas.polygon([(-7.2, -19.6), (7.2, -19.6), (4.4, -6), (-4.4, -6)], (230, 240, 244))
    canvas.polygon([(-6.4, -18), (6.4, -18), (3.8, -6.6), (-3.8, -6.6)], (0, 164, 214))
    canvas.polygon([(-4.8, -17), (-3.2, -17), (-2.2, -8), (-3, -8)], (120, 220, 244))
    canvas.ellipse(5.4, -19.4, 5, 5, (252, 190, 60))


def _milkshake(canvas: Canvas) -> None:
    canvas.shadow(0, 0, 12, 3.4)
    canvas.line([(1.6, -14), (4, -23)], (220, 60, 80), 1.1)
    canvas.polygon([(-6.2, -17), (6.2, -17), (4.6, 0.4), (-4.6, 0.4)], (240, 240, 244))
    canvas.polygon([(-5.6, -16.4), (5.6, -16.4), (4, -0.6), (-4, -0.6)], (246, 140, 190))
    canvas.ellipse(0, -17.2, 12, 5.4, (255, 240, 240))
    canvas.ellipse(-1.4, -20.4, 3, 3, (206, 20, 44))
    canvas.polygon([(-4.2, -14), (-2.8, -14), (-2.2, -2), (-3.2, -2)], (255, 196, 222))


DRINKS = {"wine": _wine, "beer": _beer, "cocktail": _cocktail, "milkshake": _milkshake}
