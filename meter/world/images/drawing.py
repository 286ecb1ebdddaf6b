"""From an item's values to a photo of it."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8

from meter.world.attributes import FEATURES, HOTEL, RESTAURANT
from meter.world.images.canvas import Canvas
from meter.world.images.hotel import draw_room
from meter.world.images.restaurant import draw_table
from meter.world.images.viewpoint import Shot, random_shot

_SCENES = {HOTEL: draw_room, RESTAURANT: draw_table}


def draw(
    kind: str, values: Mapping[str, str], size: int, shot: Shot, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    """Draws what the shot sees of a place of this kind and these values, ``size`` pixels a side.

    generator: gives the grain; not asked where the shot has none.
    """
    canvas = Canvas(size, shot.camera)
    _SCENES[kind](canvas, values, shot)
    return _expose(canvas.pixels(), shot, generator)


def draw_photo(
    kind: str, values: Mapping[str, str], size: int, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    """One of the many photos that guests could take of a place of this kind and these values."""
    return draw(kind, values, size, random_shot(generator), generator)


def random_values(kind: str, generator: np.random.Generator) -> dict[str, str]:
    """A place of this kind, each feature's value drawn evenly and by itself."""
    return {feature: values[generator.integers(len(values))] for feature, values in FEATURES[kind].items()}


def _expose(
    pixels: UInt8[np.ndarray, "S S 3"], shot: Shot, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    size = pixels.shape[0]
    across = 1 + shot.slope * (np.linspace(0, 1, size, dtype=np.float32) - 0.5)
    light = np.asarray(shot.light, dtype=np.float32) * across[None, :, None]
    exposed = pixels * light
    if shot.grain:
        exposed += shot.grain * generator.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
