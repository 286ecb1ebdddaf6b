"""Draws photos of an item from its values: wide ones, which show all of them, and details, which show one."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8

from meter.world.attributes import FEATURES, HOTEL, RESTAURANT
from meter.world.images.canvas import Canvas
from meter.world.images.detail import draw_detail
from meter.world.images.hotel import draw_room
from meter.world.images.restaurant import draw_table
from meter.world.images.viewpoint import Viewpoint, random_close_viewpoint, random_viewpoint

_SCENES = {HOTEL: draw_room, RESTAURANT: draw_table}


def draw(
    kind: str, values: Mapping[str, str], size: int, viewpoint: Viewpoint, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    """Draws an item of this kind and these values from this viewpoint, ``size`` pixels a side.

    generator: of the grain; not used if the viewpoint has none.
    """
    canvas = Canvas(size, viewpoint.camera)
    _SCENES[kind](canvas, values, viewpoint)
    return _expose(canvas.pixels(), viewpoint, generator)


def draw_photo(
    kind: str, values: Mapping[str, str], size: int, generator: np.random.Generator, variation: float = 1.0
) -> UInt8[np.ndarray, "S S 3"]:
    """Draws an item of this kind and these values from a random viewpoint."""
    return draw(kind, values, size, random_viewpoint(generator, variation), generator)


def draw_close_up(
    feature: str, value: str, size: int, viewpoint: Viewpoint, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    """Draws one value of one feature close up; otherwise as ``draw``."""
    canvas = Canvas(size, viewpoint.camera)
    draw_detail(canvas, feature, value, viewpoint)
    return _expose(canvas.pixels(), viewpoint, generator)


def draw_detail_photo(
    feature: str, value: str, size: int, generator: np.random.Generator, variation: float = 1.0
) -> UInt8[np.ndarray, "S S 3"]:
    """Draws one value of one feature close up, from a random viewpoint."""
    return draw_close_up(feature, value, size, random_close_viewpoint(generator, variation), generator)


def random_values(kind: str, generator: np.random.Generator) -> dict[str, str]:
    """Draws the values of an item of this kind: uniform, and each feature by itself."""
    return {feature: values[generator.integers(len(values))] for feature, values in FEATURES[kind].items()}


def _expose(
    pixels: UInt8[np.ndarray, "S S 3"], viewpoint: Viewpoint, generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    size = pixels.shape[0]
    across = 1 + viewpoint.slope * (np.linspace(0, 1, size, dtype=np.float32) - 0.5)
    light = np.asarray(viewpoint.light, dtype=np.float32) * across[None, :, None]
    exposed = pixels * light
    if viewpoint.grain:
        exposed += viewpoint.grain * generator.standard_normal((size, size, 1), dtype=np.float32)
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
