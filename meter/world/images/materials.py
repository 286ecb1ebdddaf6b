"""What walls, floors, curtains and tablecloths are made of, filling the picture."""

import itertools

from meter.world.images.canvas import Canvas, Colour, Units, shade
from meter.world.images.furnishings import WALLS
from meter.world.images.hotel import CURTAINS
from meter.world.images.restaurant import CLOTHS


def draw_wallpaper(canvas: Canvas, value: str) -> None:
    """Striped paper with ornaments, above a rail."""
    colour = WALLS[value]
    canvas.box(-12, -12, 76, 76, colour)
    for left in range(-12, 76, 22):
        canvas.box(left, -12, left + 11, 76, shade(colour, 0.94))
    for column, x in enumerate(range(-5, 80, 11)):
        for y in range(-8 + 8 * (column % 2), 60, 16):
            _ornament(canvas.moved(x + 0.5, y), shade(colour, 0.8), shade(colour, 1.35))
    canvas.box(-12, 54, 76, 76, shade(colour, 1.6))
    canvas.box(-12, 54, 76, 55.4, shade(colour, 0.72))
    canvas.box(-12, 58.4, 76, 59.4, shade(colour, 0.86))


def _ornament(canvas: Canvas, dark: Colour, light: Colour) -> None:
    _diamond(canvas, 3.8, 9.2, dark)
    canvas.ellipse(0, 0, 1.7, 3.2, light)
    for side in (-1, 1):
        canvas.ellipse(side * 2.9, 2.3, 2, 2, dark)
        canvas.ellipse(side * 2.9, -2.3, 2, 2, dark)


def draw_floor(canvas: Canvas, value: str) -> None:
    """The floor at one's feet, its lines running away to a point above the picture."""
    _FLOORS[value](canvas)


def _receding(x: Units, y: Units) -> tuple[Units, Units]:
    """Where the floor's line that leaves the lower edge at x (for y = 64) has the height y."""
    return 32 + (x - 32) * (y + 70) / 134, y


def _wooden(canvas: Canvas) -> None:
    colour = (178, 112, 58)
    canvas.box(-12, -12, 76, 76, colour)
    for index, x in enumerate(range(-68, 132, 14)):
        strip = [_receding(x, -12), _receding(x + 14, -12), _receding(x + 14, 76), _receding(x, 76)]
        canvas.polygon(strip, shade(colour, (0.9, 1.1, 0.98)[index % 3]))
        for inner, start in ((4.4, 7), (9.6, 31)):
            grain = [_receding(x + inner, start + 9 * (index % 3)), _receding(x + inner + 0.8, start + 22)]
            canvas.line(grain, shade(colour, 0.8), 0.6)
        end = (6, 44, 24)[index % 3]
        canvas.line([_receding(x, end), _receding(x + 14, end)], (120, 70, 34), 0.8)
        canvas.line([_receding(x, -12), _receding(x, 76)], (120, 70, 34), 0.9)


def _tiled(canvas: Canvas) -> None:
    canvas.box(-12, -12, 76, 76, (88, 126, 162))
    heights = (-12, -1, 11, 25, 41, 59, 80)
    for row, (top, bottom) in enumerate(itertools.pairwise(heights)):
        for column, x in enumerate(range(-68, 132, 20)):
            tile = [
                _receding(x, top),
                _receding(x + 20, top),
                _receding(x + 20, bottom),
                _receding(x, bottom),
            ]
            if (row + column) % 2:
                canvas.polygon(tile, (124, 162, 194))
            canvas.line([*tile, tile[0]], (206, 216, 224), 0.7)
            middle = _receding(x + 10, (top + bottom) / 2)
            canvas.ellipse(*middle, 5, 3.4, ((148, 182, 208), (226, 234, 240))[(row + column) % 2])


def _carpeted(canvas: Canvas) -> None:
    canvas.box(-12, -12, 76, 76, (134, 30, 62))
    for row, y in enumerate(range(-10, 80, 12)):
        for x in range(-60 + 12 * (row % 2), 130, 24):
            middle_x, middle_y = _receding(x, y)
            size = (y + 70) / 134
            for width, colour in ((19, (160, 50, 84)), (13, (112, 20, 50)), (6, (196, 104, 112))):
                _diamond(canvas.moved(middle_x, middle_y, size), width, width * 0.56, colour)


def _diamond(canvas: Canvas, width: Units, height: Units, colour: Colour) -> None:
    corners = [(0, -height / 2), (width / 2, 0), (0, height / 2), (-width / 2, 0)]
    canvas.polygon(corners, colour)


def _marble(canvas: Canvas) -> None:
    canvas.box(-12, -12, 76, 76, (226, 224, 220))
    for x, tint in ((-34, 0.97), (26, 0.955), (86, 0.97)):
        slab = [_receding(x, -12), _receding(x + 30, -12), _receding(x + 30, 76), _receding(x, 76)]
        canvas.polygon(slab, shade((226, 224, 220), tint))
    for x, y in ((4, -8), (26, 4), (50, -6), (10, 30), (38, 34), (60, 26), (-8, 10)):
        vein = [(x, y), (x + 7, y + 9), (x + 3, y + 18), (x + 11, y + 29)]
        canvas.line(vein, (186, 186, 194), 1.5)
        canvas.line([(x + 7, y + 9), (x + 14, y + 13), (x + 17, y + 20)], (202, 202, 208), 0.9)
    for x in (-34, 32, 98):
        canvas.line([_receding(x, -12), _receding(x, 76)], (168, 166, 166), 0.8)
    for y in (2, 40):
        canvas.line([(-12, y), (76, y)], (168, 166, 166), 0.8)


_FLOORS = {"wooden": _wooden, "tiled": _tiled, "carpeted": _carpeted, "marble": _marble}


def draw_drapery(canvas: Canvas, value: str) -> None:
    """Curtains in deep folds, hanging from a rod by rings."""
    colour = CURTAINS[value]
    depth = 0.5 if value == "lace" else 1.0
    canvas.box(-12, -12, 76, 76, colour)
    for x in range(-16, 80, 12):
        for inset, shadow in ((0, 0.14), (1.2, 0.24), (2.2, 0.36)):
            canvas.polygon(
                [(x + inset, 8), (x + 4.6 - inset / 2, 8), (x + 5.8 - inset / 2, 76), (x + inset - 1, 76)],
                shade(colour, 1 - depth * shadow),
            )
        canvas.polygon([(x + 7.4, 8), (x + 9, 8), (x + 9.6, 76), (x + 7.2, 76)], shade(colour, 1.3))
        if value == "lace":
            for y in range(16, 76, 10):
                canvas.ellipse(x + 8.4, y, 5.6, 6.4, (196, 184, 172))
                canvas.ellipse(x + 8.4, y, 2.6, 3.2, (250, 246, 238))
    canvas.box(-12, -12, 76, 9, shade(colour, 0.8))
    for x in range(-16, 80, 12):
        canvas.box(x + 4.6, 4, x + 12, 10, colour, radius=1.6)
    canvas.box(-12, 1.4, 76, 5.4, (120, 84, 50))
    canvas.box(-12, 1.8, 76, 2.8, (176, 134, 88))
    for x in range(-16, 80, 12):
        canvas.box(x + 7, 0.2, x + 9.4, 6.8, (206, 172, 110), radius=1)


def draw_linen(canvas: Canvas, value: str) -> None:
    """A tablecloth seen from above, with its folds, and a fork and a knife on it."""
    colour = CLOTHS[value]
    canvas.box(-12, -12, 76, 76, colour)
    if value == "checkered":
        red = (206, 30, 40, 150)
        for start in range(-12, 76, 16):
            canvas.box(start, -12, start + 8, 76, red)
            canvas.box(-12, start, 76, start + 8, red)
    else:
        for x in range(-10, 80, 10):
            for y in range(-10, 80, 10):
                _diamond(canvas.moved(x, y), 4, 4, shade(colour, 0.9))
    for x in (20, 44):
        canvas.polygon([(x - 1.4, -12), (x, -12), (x, 76), (x - 1.4, 76)], (30, 20, 30, 34))
        canvas.box(x, -12, x + 1.2, 76, (255, 255, 255, 60))
    canvas.box(-12, 38, 76, 39.2, (30, 20, 30, 30))
    canvas.box(-12, 39.2, 76, 40.2, (255, 255, 255, 50))
    _draw_cutlery(canvas)


def _draw_cutlery(canvas: Canvas) -> None:
    steel, light, dark = (186, 190, 198), (236, 240, 244), (30, 20, 30, 60)
    for right, down, colour in ((1.2, 1.0, dark), (0, 0, steel)):
        fork = canvas.moved(22 + right, 6 + down)
        for x in (-3.6, -1.2, 1.2, 3.6):
            fork.box(x - 0.7, 0, x + 0.7, 14, colour, radius=0.6)
        fork.box(-4.3, 11, 4.3, 19, colour, radius=3)
        fork.box(-1.5, 17, 1.5, 52, colour, radius=1.4)
        knife = canvas.moved(42 + right, 6 + down)
        knife.polygon([(-2.4, 30), (-2.4, 3), (0.6, -1), (2.6, 4), (2.6, 30)], colour)
        knife.box(-2, 29, 2, 52, colour, radius=1.8)
    canvas.box(21.6, 26, 22.6, 55, light, radius=0.5)
    canvas.box(41, 10, 42, 34, light, radius=0.5)
