"""Draws close-ups: photos that show one feature of an item and nothing of any other."""

from meter.world.images.canvas import Canvas, Units, shade
from meter.world.images.furnishings import draw_lamp, draw_painting
from meter.world.images.hotel import draw_armchair, draw_bed
from meter.world.images.landscapes import draw_landscape
from meter.world.images.materials import draw_drapery, draw_floor, draw_linen, draw_wallpaper
from meter.world.images.restaurant import CHAIRS, DRINKS
from meter.world.images.servings import draw_bouquet, draw_serving
from meter.world.images.viewpoint import Viewpoint


def draw_detail(canvas: Canvas, feature: str, value: str, viewpoint: Viewpoint) -> None:
    """Draws one value of one feature, large, with the furniture and displacements of the viewpoint."""
    canvas = canvas.moved(viewpoint.sway[2], viewpoint.sway[3])
    if feature in _MATERIALS:
        _MATERIALS[feature](canvas, value)
    else:
        _OBJECTS[feature](canvas, value, viewpoint)


_MATERIALS = {
    "walls": draw_wallpaper,
    "floor": draw_floor,
    "curtains": draw_drapery,
    "tablecloth": draw_linen,
    "view": draw_landscape,
}


def _draw_backdrop(canvas: Canvas, viewpoint: Viewpoint, horizon: Units | None = None) -> None:
    """Something out of focus behind an object, and from the horizon down something that the object stands on."""
    tint = viewpoint.backdrop
    canvas.box(-12, -12, 76, 76, shade(tint, 0.8))
    for width in (96, 84, 72, 60, 48, 36):
        canvas.ellipse(30, 24, width, width, (*shade(tint, 1.3), 40))
    if horizon is not None:
        for blur in (-2, -1, 0, 1, 2):
            canvas.box(-12, horizon + blur, 76, 76, (*shade(tint, 0.62), 76))


def _painting(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint)
    draw_painting(canvas.moved(5, 5, 3.4), value, viewpoint.frame)


def _lamp(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint)
    canvas.box(-12, -12, 76, 76, (40, 24, 52, 130))
    for width in (62, 54, 46):
        canvas.ellipse(32, 42, width, width, (255, 214, 130, 34))
    draw_lamp(canvas.moved(32, 31, 3.4), value)


def _bed(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint, 40)
    draw_bed(canvas.moved(32 - 47 * 1.6, 34 - 43 * 1.6, 1.6), value, viewpoint)


def _armchair(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint, 48)
    draw_armchair(canvas.moved(32 - 11 * 2.4, 33 - 48 * 2.4, 2.4), value, viewpoint.wood)


def _chairs(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint, 46)
    colour = CHAIRS[value]
    canvas.shadow(32, 60, 46, 8)
    for x, foot in ((15, 62), (44, 62), (19, 56), (41, 56)):
        canvas.box(x, 38, x + 4, foot, shade(colour, 0.6), radius=1)
    canvas.box(13, 1, 51, 40, shade(colour, 0.72), radius=8)
    canvas.box(14.6, 2.4, 49.4, 40, colour, radius=7)
    canvas.box(18, 5, 46, 9, shade(colour, 1.25), radius=2)
    for x in (20.4, 27.6, 34.8, 42):
        canvas.box(x, 13, x + 1.6, 36, shade(colour, 0.76), radius=0.8)
        canvas.box(x + 1.6, 13, x + 2.3, 36, shade(colour, 1.14), radius=0.4)
    canvas.polygon([(14, 36), (50, 36), (54, 45), (10, 45)], shade(colour, 1.12))
    canvas.polygon([(18, 37), (46, 37), (48, 40), (16, 40)], shade(colour, 1.3))
    canvas.box(10, 44.6, 54, 49, shade(colour, 0.8), radius=1.6)


def _dish(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint)
    draw_serving(canvas.moved(32, 32), value)


def _drink(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint, 46)
    DRINKS[value](canvas.moved(32, 58, 2.4))


def _flowers(canvas: Canvas, value: str, viewpoint: Viewpoint) -> None:
    _draw_backdrop(canvas, viewpoint, 50)
    draw_bouquet(canvas.moved(32, 60), value)


_OBJECTS = {
    "painting": _painting,
    "lamp": _lamp,
    "bed": _bed,
    "armchair": _armchair,
    "chairs": _chairs,
    "dish": _dish,
    "drink": _drink,
    "flowers": _flowers,
}
