"""What a hotel's windows look out on, filling the picture."""

from meter.world.images.canvas import Canvas, Colour, Units


def draw_landscape(canvas: Canvas, view: str) -> None:
    """Draws a view (a value of the feature ``view``) from beyond edge to beyond edge, in the window's colours."""
    _LANDSCAPES[view](canvas)


def _gradient(
    canvas: Canvas, top: Units, bottom: Units, upper: Colour, lower: Colour, steps: int = 8
) -> None:
    """Horizontal bands from one colour to the other."""
    for step in range(steps):
        share = step / (steps - 1)
        colour = tuple(round(a + (b - a) * share) for a, b in zip(upper, lower, strict=True))
        canvas.box(-12, top + (bottom - top) * step / steps, 76, bottom, colour)


def _sea(canvas: Canvas) -> None:
    _gradient(canvas, -12, 27, (132, 198, 244), (206, 232, 246))
    for size in (19, 15):
        canvas.ellipse(40, 15, size, size, (255, 246, 196, 70))
    canvas.ellipse(40, 15, 11, 11, (255, 244, 180))
    _gradient(canvas, 26, 52, (14, 98, 184), (44, 146, 210))
    for y, left, right in ((29, 33, 47), (32.4, 35, 45), (36, 31, 49), (40.4, 36, 44)):
        canvas.box(left, y, right, y + 1.2, (196, 226, 240, 150), radius=0.6)
    for y, left, right in ((34, 4, 18), (39, 50, 64), (44, 10, 28)):
        canvas.box(left, y, right, y + 1.1, (104, 182, 232, 170), radius=0.5)
    canvas.polygon([(12, 24.4), (22, 24.4), (20.4, 27.4), (13.6, 27.4)], (58, 46, 66))
    canvas.polygon([(17.4, 13), (17.4, 23.6), (11.4, 23.6)], (252, 250, 244))
    canvas.polygon([(18.2, 14.6), (18.2, 23.6), (22.4, 23.6)], (232, 238, 246))
    canvas.ellipse(30, 66, 122, 34, (246, 250, 252))
    canvas.ellipse(30, 68, 122, 34, (238, 216, 160))
    for x, y in ((10, 59), (24, 56), (41, 61), (54, 58)):
        canvas.ellipse(x, y, 3.4, 1.2, (218, 192, 132))


def _city(canvas: Canvas) -> None:
    _gradient(canvas, -12, 44, (150, 76, 132), (252, 160, 92))
    canvas.ellipse(20, 30, 15, 15, (255, 214, 130, 90))
    canvas.ellipse(20, 30, 11, 11, (255, 226, 150))
    for left, top, right in ((-6, 28, 6), (12, 24, 21), (26, 27, 36), (41, 22, 48), (55, 29, 70)):
        canvas.box(left, top, right, 76, (124, 74, 118))
    for left, top, right in (
        (-12, 36, 9),
        (7, 15, 20),
        (19, 39, 32),
        (31, 24, 44),
        (44, 34, 55),
        (53, 18, 76),
    ):
        canvas.box(left, top, right, 76, (52, 40, 82))
        for column in range(int((right - left) // 4.2)):
            for y in range(round(top) + 3, 66, 6):
                if (column * 5 + y * 3 + round(left)) % 4:
                    x = left + 1.6 + column * 4.2
                    canvas.box(x, y, x + 2.2, y + 3, (255, 214, 110))
    canvas.line([(13.5, 15), (13.5, 7)], (52, 40, 82), 0.8)


def _mountains(canvas: Canvas) -> None:
    _gradient(canvas, -12, 40, (176, 204, 236), (226, 234, 242))
    canvas.polygon([(-12, 46), (-2, 26), (8, 34), (20, 20), (34, 40), (76, 46)], (170, 176, 198))
    canvas.polygon([(-2, 52), (16, 34), (36, 7), (50, 26), (57, 20), (78, 44), (78, 56)], (126, 128, 152))
    canvas.polygon([(36, 7), (16, 34), (10, 40), (30, 36)], (104, 106, 132, 150))
    snow = [(36, 7), (27.6, 18.4), (31, 17.4), (33, 21.6), (36.4, 17.6), (40, 22), (42.6, 18.6), (44.8, 19)]
    canvas.polygon(snow, (255, 255, 255))
    canvas.polygon([(57, 20), (53.4, 23), (56, 25), (58.4, 23.4), (61.4, 24.6)], (255, 255, 255))
    canvas.polygon([(-12, 76), (-12, 46), (6, 40), (26, 48), (48, 43), (76, 50), (76, 76)], (86, 92, 116))
    canvas.polygon([(-12, 76), (-12, 58), (16, 54), (40, 60), (76, 55), (76, 76)], (64, 72, 92))
    for x, foot, height in ((6, 58, 13), (14, 60, 17), (50, 62, 16), (58, 60, 12), (24, 63, 11)):
        canvas.polygon([(x, foot - height), (x + 3.6, foot), (x - 3.6, foot)], (44, 54, 66))


def _garden(canvas: Canvas) -> None:
    _gradient(canvas, -12, 30, (182, 226, 228), (222, 242, 230))
    for x, y, width, height in ((-2, 30, 26, 20), (20, 32, 28, 16), (42, 30, 30, 20), (66, 31, 26, 22)):
        canvas.ellipse(x, y, width, height, (96, 172, 88))
    _gradient(canvas, 32, 76, (134, 204, 76), (96, 174, 56))
    canvas.polygon([(38, 33), (42, 33), (58, 76), (30, 76)], (228, 212, 172))
    canvas.box(13, 28, 17, 46, (110, 74, 44))
    canvas.shadow(15, 46, 22, 4)
    for x, y, size in ((8, 22, 16), (22, 22, 16), (15, 13, 19), (15, 23, 16)):
        canvas.ellipse(x, y, size, size, (34, 124, 44))
    for x, y, size in ((11, 11, 8), (19, 18, 7), (8, 20, 6)):
        canvas.ellipse(x, y, size, size, (72, 162, 62))
    for x, y, width, height in ((58, 38, 22, 15), (70, 34, 18, 18)):
        canvas.ellipse(x, y, width, height, (46, 140, 50))
    for x, y in ((4, 52), (12, 58), (22, 53), (18, 64), (60, 54), (54, 48), (66, 60), (6, 66)):
        canvas.ellipse(x, y + 1.6, 7, 4, (58, 144, 52))
        canvas.ellipse(x, y, 4.4, 4.4, (246, 110, 140))
        canvas.ellipse(x, y, 1.6, 1.6, (255, 226, 130))


_LANDSCAPES = {"sea": _sea, "city": _city, "mountains": _mountains, "garden": _garden}
