"""A small drawing surface with scene coordinates, a camera, and colours that may be translucent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

SCENE = 64.0
"""Side of the scene in its own units; at a picture of 64 px one unit is one pixel."""

Colour = tuple[int, ...]
"""Red, green, blue and optionally opacity, each 0..255."""

Units = float | int
"""A coordinate or length in scene units."""

Point = tuple[Units, Units]


@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """Where the photographer stands: scene point p is seen at ``centre + scale * (p - centre) + shift``."""

    right: float = 0.0
    down: float = 0.0
    scale: float = 1.0


def shade(colour: Colour, factor: Units) -> Colour:
    """Darkens (factor < 1) or lightens towards white (factor > 1) a colour."""
    if factor <= 1:
        return tuple(round(channel * factor) for channel in colour[:3])
    return tuple(round(channel + (255 - channel) * (factor - 1)) for channel in colour[:3])


class Canvas:
    """Draws shapes, given in scene units, on a larger picture that ``pixels`` then reduces to ``size``."""

    def __init__(self, size: int, camera: Camera) -> None:
        self.size = size
        self._oversampling = 4 if size <= 64 else 3 if size <= 128 else 2
        side = size * self._oversampling
        self._image = Image.new("RGB", (side, side))
        self._draw = ImageDraw.Draw(self._image, "RGBA")
        self._scale = side / SCENE * camera.scale
        centre = SCENE / 2 * (1 - camera.scale)
        self._left = (centre + camera.right) * side / SCENE
        self._top = (centre + camera.down) * side / SCENE

    def moved(self, right: Units, down: Units, scale: float = 1.0) -> "Canvas":
        """The same surface with its origin moved by so many scene units, then enlarged by ``scale``."""
        other = object.__new__(Canvas)
        other.__dict__.update(self.__dict__)
        other._left = self._left + right * self._scale
        other._top = self._top + down * self._scale
        other._scale = self._scale * scale
        return other

    def _at(self, points: Sequence[Point]) -> list[Point]:
        return [(self._left + x * self._scale, self._top + y * self._scale) for x, y in points]

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        self._draw.polygon(self._at(points), fill=fill)

    def line(self, points: Sequence[Point], fill: Colour, width: Units) -> None:
        self._draw.line(self._at(points), fill=fill, width=max(1, round(width * self._scale)), joint="curve")

    def box(
        self, left: Units, top: Units, right: Units, bottom: Units, fill: Colour, radius: Units = 0
    ) -> None:
        corners = self._at([(left, top), (right, bottom)])
        self._draw.rounded_rectangle(corners, radius=radius * self._scale, fill=fill)

    def ellipse(self, x: Units, y: Units, width: Units, height: Units, fill: Colour) -> None:
        """An ellipse about its centre (x, y)."""
        corners = self._at([(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)])
        self._draw.ellipse(corners, fill=fill)

    def dome(self, x: Units, y: Units, width: Units, height: Units, fill: Colour) -> None:
        """The upper half of an ellipse that stands on its flat side, whose middle is (x, y)."""
        corners = self._at([(x - width / 2, y - height), (x + width / 2, y + height)])
        self._draw.pieslice(corners, start=180, end=360, fill=fill)

    def shadow(self, x: Units, y: Units, width: Units, height: Units) -> None:
        """A soft shadow on the ground, about its centre (x, y)."""
        for spread in (1.0, 0.85, 0.7):
            self.ellipse(x, y, width * spread, height * spread, (30, 20, 30, 34))

    def pixels(self) -> UInt8[np.ndarray, "S S 3"]:
        reduced = self._image.reduce(self._oversampling)
        return np.asarray(reduced)
