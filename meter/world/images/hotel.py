"""A hotel room: window with a view and curtains, bed, armchair, lamp and painting on walls above a floor."""

import itertools
from collections.abc import Mapping

from meter.world.images.canvas import Canvas, Colour, Units, shade
from meter.world.images.furnishings import draw_lamp, draw_painting, draw_walls
from meter.world.images.viewpoint import Viewpoint

BEDS: dict[str, Colour] = {
    "red": (206, 44, 52),
    "blue": (40, 82, 178),
    "yellow": (248, 198, 44),
    "white": (248, 246, 242),
}
CURTAINS: dict[str, Colour] = {
    "purple": (126, 42, 164),
    "orange": (240, 126, 26),
    "turquoise": (16, 172, 172),
    "lace": (250, 246, 238),
}


def draw_room(canvas: Canvas, values: Mapping[str, str], viewpoint: Viewpoint) -> None:
    """Draws a room with these values (feature -> value), with the furniture and displacements of the viewpoint."""
    draw_walls(canvas, values["walls"], bottom=43)
    _FLOORS[values["floor"]](canvas)
    canvas.box(-12, 43, 76, 44.2, (30, 20, 30, 50))
    _draw_window(canvas.moved(0.8, 0.4), values["view"], values["curtains"])
    draw_painting(
        canvas.moved(45.4 + viewpoint.sway[0], 5.5 + viewpoint.sway[1]), values["painting"], viewpoint.frame
    )
    draw_lamp(canvas.moved(37.2 + viewpoint.sway[1], 8 + viewpoint.sway[0]), values["lamp"])
    draw_bed(canvas, values["bed"], viewpoint)
    draw_armchair(canvas.moved(viewpoint.sway[2], viewpoint.sway[3]), values["armchair"], viewpoint.wood)


def _perspective(x: Units, y: Units) -> tuple[Units, Units]:
    """Moves a point of the floor's far edge along its line of flight to the height y."""
    return 32 + (x - 32) * (y - 14) / (43 - 14), y


def _floor(canvas: Canvas, colour: Colour) -> None:
    canvas.box(-12, 43, 76, 76, colour)


def _wooden(canvas: Canvas) -> None:
    _floor(canvas, (178, 112, 58))
    for index, x in enumerate(range(-16, 80, 6)):
        strip = [_perspective(x, 43), _perspective(x + 6, 43), _perspective(x + 6, 76), _perspective(x, 76)]
        canvas.polygon(strip, shade((178, 112, 58), (0.94, 1.06)[index % 2]))
        canvas.line([_perspective(x, 43), _perspective(x, 76)], (120, 70, 34), 0.35)


def _tiled(canvas: Canvas) -> None:
    _floor(canvas, (88, 126, 162))
    rows = (43, 47, 53, 62, 76)
    for row, (top, bottom) in enumerate(itertools.pairwise(rows)):
        for column, x in enumerate(range(-16, 80, 8)):
            if (row + column) % 2:
                tile = [_perspective(x, top), _perspective(x + 8, top)]
                tile += [_perspective(x + 8, bottom), _perspective(x, bottom)]
                canvas.polygon(tile, (124, 162, 194))


def _carpeted(canvas: Canvas) -> None:
    _floor(canvas, (134, 30, 62))
    canvas.polygon([_perspective(x, y) for x, y in ((12, 47), (52, 47), (52, 70), (12, 70))], (150, 40, 74))


def _marble(canvas: Canvas) -> None:
    _floor(canvas, (226, 224, 220))
    for x in (2, 20, 38, 56):
        vein = [(x, 43), (x + 3, 49), (x - 1, 55), (x + 4, 66)]
        canvas.line(vein, (198, 198, 202), 0.8)


_FLOORS = {"wooden": _wooden, "tiled": _tiled, "carpeted": _carpeted, "marble": _marble}


def _draw_window(canvas: Canvas, view: str, curtains: str) -> None:
    canvas.box(6, 4, 24, 31, (250, 248, 242))
    _VIEWS[view](canvas)
    canvas.line([(7.4, 16.5), (22.6, 16.5)], (250, 248, 242), 0.8)
    canvas.box(4, 30, 26, 32, (250, 248, 242))
    canvas.box(4, 32, 26, 33, (30, 20, 30, 50))
    colour = CURTAINS[curtains]
    for left, inner in ((0.5, 1), (21.5, -1)):
        canvas.box(left, 2.5, left + 8, 35.5, colour, radius=1)
        for fold in (1.4, 4.0, 6.6):
            canvas.line([(left + fold, 4), (left + fold + 0.4 * inner, 35)], shade(colour, 0.8), 0.8)
        canvas.line([(left + 2.8, 4), (left + 2.8, 35)], shade(colour, 1.15), 0.7)
    canvas.line([(-0.5, 2.5), (30.5, 2.5)], (120, 84, 50), 1.2)
    canvas.ellipse(30.5, 2.5, 2, 2, (120, 84, 50))


def _sea(canvas: Canvas) -> None:
    canvas.box(7.4, 5.4, 22.6, 16, (164, 216, 246))
    canvas.ellipse(15, 9.8, 5, 5, (255, 244, 180))
    canvas.box(7.4, 15, 22.6, 30, (14, 106, 190))
    canvas.box(7.4, 19, 22.6, 20, (76, 160, 224))
    canvas.box(7.4, 26, 22.6, 30, (238, 216, 160))


def _city(canvas: Canvas) -> None:
    canvas.box(7.4, 5.4, 22.6, 30, (250, 146, 92))
    canvas.box(7.4, 5.4, 22.6, 10, (178, 92, 130))
    for left, top, right in ((7.4, 16, 11), (11, 10, 15), (15, 19, 18.4), (18.4, 13, 22.6)):
        canvas.box(left, top, right, 30, (52, 40, 82))
        for y in range(round(top) + 2, 29, 4):
            canvas.box(left + 1, y, left + 2.4, y + 1.6, (255, 214, 110))


def _mountains(canvas: Canvas) -> None:
    canvas.box(7.4, 5.4, 22.6, 30, (214, 226, 240))
    canvas.polygon([(7.4, 30), (7.4, 20), (13, 9), (20, 21), (22.6, 17), (22.6, 30)], (126, 128, 152))
    canvas.polygon([(13, 9), (10, 15), (12, 14.4), (13.4, 16.4), (15, 14), (16.6, 15.2)], (255, 255, 255))
    canvas.polygon([(7.4, 30), (7.4, 26), (14, 23), (22.6, 27), (22.6, 30)], (86, 92, 116))


def _garden(canvas: Canvas) -> None:
    canvas.box(7.4, 5.4, 22.6, 30, (206, 236, 226))
    canvas.box(7.4, 22, 22.6, 30, (116, 190, 62))
    canvas.box(10.6, 17, 12, 25, (110, 74, 44))
    canvas.ellipse(11.2, 13.5, 7.6, 12, (34, 124, 44))
    canvas.ellipse(19, 19, 7, 11, (62, 152, 54))
    for x, y in ((9, 27.5), (14, 26), (18.5, 28)):
        canvas.ellipse(x, y, 1.8, 1.8, (246, 110, 140))


_VIEWS = {"sea": _sea, "city": _city, "mountains": _mountains, "garden": _garden}


def draw_bed(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    colour, wood = BEDS[value], viewpoint.wood
    canvas.shadow(47, 59, 44, 5)
    canvas.box(31.5, 27, 62.5, 45, shade(wood, 0.75), radius=2.5)
    canvas.box(33, 28.5, 61, 45, wood, radius=2)
    for x in (29.5, 62.5):
        canvas.box(x, 56, x + 2, 60, shade(wood, 0.6))
    canvas.polygon([(33, 37), (61, 37), (65, 52), (29, 52)], (244, 240, 234))
    if viewpoint.variant == 2:
        for left in (34.2, 47.6):
            canvas.box(left, 32.4, left + 12.2, 39, (222, 216, 212), radius=2.4)
            canvas.box(left + 0.4, 32.4, left + 12, 38, (254, 252, 248), radius=2.2)
    else:
        canvas.box(37.2, 32.4, 56.8, 39, (222, 216, 212), radius=2.4)
        canvas.box(37.6, 32.4, 56.6, 38, (254, 252, 248), radius=2.2)
    canvas.polygon([(32.2, 40.2), (61.8, 40.2), (65.2, 52), (28.8, 52)], colour)
    canvas.polygon([(32.2, 40.2), (61.8, 40.2), (62.4, 42.2), (31.6, 42.2)], shade(colour, 1.25))
    canvas.box(28.8, 51.6, 65.2, 58, shade(colour, 0.84), radius=0.8)
    for x in (36, 44, 52, 60):
        canvas.line([(47 + (x - 47) * 0.92, 43), (x, 52), (x, 57.5)], shade(colour, 0.72), 0.4)


def draw_armchair(canvas: Canvas, value: str, wood: Colour) -> None:
    canvas.shadow(11, 59.4, 23, 4)
    for x in (3.4, 17):
        canvas.box(x, 56, x + 1.8, 60, shade(wood, 0.5))
    colour = {
        "leather": (98, 54, 28),
        "velvet": (8, 142, 102),
        "linen": (238, 224, 190),
        "tartan": (210, 52, 40),
    }[value]
    canvas.box(3.5, 36, 18.5, 54, colour, radius=4)
    if value == "tartan":
        _plaid(canvas, 4.6, 37.4, 17.4, 48)
    elif value == "leather":
        for x, y in ((7.4, 40.4), (11, 40.4), (14.6, 40.4), (9.2, 43.6), (12.8, 43.6)):
            canvas.ellipse(x, y, 0.9, 0.9, shade(colour, 0.6))
    canvas.box(5, 37.6, 17, 39, shade(colour, 1.2), radius=0.7)
    canvas.box(4, 47.4, 18, 57.4, shade(colour, 0.82), radius=1.4)
    canvas.box(5, 46.4, 17, 51.4, shade(colour, 1.12), radius=1.8)
    for left in (0.8, 16.6):
        canvas.box(left, 44, left + 4.6, 58, shade(colour, 0.92), radius=2)
        canvas.box(left + 0.5, 44.3, left + 4.1, 46.4, shade(colour, 1.16), radius=1)


def _plaid(canvas: Canvas, left: Units, top: Units, right: Units, bottom: Units) -> None:
    for x in (left + 2.4, right - 4):
        canvas.box(x, top, x + 1.8, bottom, (28, 60, 60, 130))
    canvas.box(left, top + 3.6, right, top + 5.4, (28, 60, 60, 130))
