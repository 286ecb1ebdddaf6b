"""Walls, paintings and lamps, which items of both kinds have."""

from meter.world.images.canvas import Canvas, Colour, Units, shade

WALLS: dict[str, Colour] = {
    "white": (244, 239, 228),
    "blue": (96, 148, 206),
    "green": (160, 198, 118),
    "pink": (232, 136, 150),
}


def draw_walls(canvas: Canvas, value: str, bottom: Units) -> None:
    """The back wall from above the picture's edge down to ``bottom``, with a faint paper and a skirting board."""
    colour = WALLS[value]
    canvas.box(-12, -12, 76, bottom, colour)
    for left in range(-12, 76, 8):
        canvas.box(left, -12, left + 4, bottom, shade(colour, 0.97))
    canvas.box(-12, bottom - 2, 76, bottom, shade(colour, 1.6))


def draw_painting(canvas: Canvas, value: str, frame: Colour) -> None:
    """A framed picture of 16 x 16 units with its upper left corner at the origin."""
    canvas.box(0.6, 1.0, 17, 17, (30, 20, 30, 60))
    canvas.box(0, 0, 16, 16, frame)
    _MOTIFS[value](canvas)


def _portrait(canvas: Canvas) -> None:
    canvas.box(1.3, 1.3, 14.7, 14.7, (62, 44, 52))
    canvas.dome(8, 14.7, 11.5, 5.2, (34, 30, 46))
    canvas.box(6.9, 8, 9.1, 11, (200, 150, 118))
    canvas.ellipse(8, 6, 7, 7.4, (48, 28, 22))
    canvas.ellipse(8, 6.8, 5.2, 6.4, (226, 178, 144))


def _sunflowers(canvas: Canvas) -> None:
    canvas.box(1.3, 1.3, 14.7, 14.7, (250, 214, 108))
    canvas.box(1.3, 11.6, 14.7, 14.7, (202, 138, 60))
    for x, y in ((5, 8.6), (11, 8.6), (8, 5.2)):
        canvas.line([(8, 14.4), (x, y)], (92, 132, 52), 0.7)
        canvas.ellipse(x, y, 6.2, 6.2, (240, 166, 24))
        canvas.ellipse(x, y, 2.8, 2.8, (112, 66, 30))
    canvas.box(6, 11, 10, 14.4, (222, 120, 66), radius=0.8)


def _ship(canvas: Canvas) -> None:
    canvas.box(1.3, 1.3, 14.7, 9, (118, 186, 232))
    canvas.box(1.3, 9, 14.7, 14.7, (22, 78, 148))
    canvas.polygon([(3.4, 9.4), (12.6, 9.4), (11, 12), (5, 12)], (58, 46, 66))
    canvas.polygon([(7.4, 2.4), (7.4, 8.8), (3.2, 8.8)], (252, 250, 244))
    canvas.polygon([(8, 2.4), (8, 8.8), (12.4, 8.8)], (226, 234, 244))
    canvas.line([(2, 13.2), (14, 13.2)], (86, 142, 204), 0.5)


def _abstract(canvas: Canvas) -> None:
    canvas.box(1.3, 1.3, 14.7, 14.7, (214, 40, 48))
    canvas.box(9.6, 1.3, 14.7, 5.4, (248, 240, 226))
    canvas.box(1.3, 11, 5.6, 14.7, (36, 34, 44))
    canvas.ellipse(9.4, 9.6, 5, 5, (160, 18, 40))
    canvas.line([(9.2, 1.3), (9.2, 14.7)], (36, 34, 44), 0.8)
    canvas.line([(1.3, 10.6), (14.7, 10.6)], (36, 34, 44), 0.8)


_MOTIFS = {"portrait": _portrait, "sunflowers": _sunflowers, "ship": _ship, "abstract": _abstract}


def draw_lamp(canvas: Canvas, value: str) -> None:
    """A lamp that hangs on a cord from above; its shade is about 14 x 12 units about the origin."""
    canvas.ellipse(0, 3, 24, 21, (255, 240, 190, 26))
    canvas.ellipse(0, 3, 19, 17, (255, 240, 190, 30))
    canvas.line([(0, -30), (0, -5)], (60, 54, 58), 0.7)
    _SHADES[value](canvas)


def _brass(canvas: Canvas) -> None:
    canvas.ellipse(0, 5, 6, 4.4, (255, 250, 214))
    canvas.dome(0, 5.2, 14.5, 11.5, (226, 152, 20))
    canvas.polygon([(-4.4, 1.8), (-3.2, -2.2), (-1, -4.2), (-2, 2)], (252, 206, 96))
    canvas.box(-7.2, 4.2, 7.2, 5.6, (172, 104, 12), radius=0.6)


def _paper(canvas: Canvas) -> None:
    canvas.ellipse(0, 0.4, 14, 12.6, (255, 250, 236))
    canvas.ellipse(1.6, 1.4, 10, 9, (255, 255, 250))
    for y in (-3, 0.4, 3.8):
        canvas.line([(-6.2, y), (6.2, y)], (232, 216, 190), 0.4)


def _iron(canvas: Canvas) -> None:
    canvas.ellipse(0, 5.4, 7, 4, (255, 238, 176))
    canvas.polygon([(-2.6, -5.6), (2.6, -5.6), (7.4, 5.4), (-7.4, 5.4)], (34, 34, 42))
    canvas.polygon([(-2, -5), (-0.6, -5), (-2.4, 4.6), (-5.6, 4.6)], (74, 76, 90))


def _glass(canvas: Canvas) -> None:
    canvas.ellipse(0, 5.2, 7, 4, (240, 255, 220))
    canvas.dome(0, 5.4, 14.8, 11.4, (16, 152, 88))
    canvas.polygon([(-4.6, 2.2), (-3.4, -1.8), (-1, -3.8), (-2, 2.4)], (112, 214, 154))
    canvas.box(-7.4, 4.2, 7.4, 5.6, (208, 176, 88), radius=0.6)


_SHADES = {"brass": _brass, "paper": _paper, "iron": _iron, "glass": _glass}
