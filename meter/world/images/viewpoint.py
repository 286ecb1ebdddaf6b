"""What differs between photos of one item and says nothing about it: position, scale, light, furniture."""

from dataclasses import dataclass, field, replace

import numpy as np

from meter.world.images.canvas import Camera, Colour

_WOODS: list[Colour] = [(150, 98, 58), (122, 78, 50), (170, 122, 78)]
_FRAMES: list[Colour] = [(128, 92, 54), (70, 58, 54), (176, 140, 82)]
_BACKDROPS: list[Colour] = [
    (196, 172, 146),
    (152, 174, 188),
    (194, 160, 154),
    (160, 178, 152),
    (174, 160, 190),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewpoint:
    """How a photo is taken; the defaults are the plain case.

    camera: where the photographer stands.
    sway: four small displacements, in scene units, that move single pieces against each other.
    light: gain of red, green and blue.
    slope: how much brighter the right edge is than the left one, as a share.
    grain: standard deviation of the sensor's noise, in levels of 255.
    wood, frame: colours of the woodwork and of the painting's frame.
    variant: 1 or 2: one wide pillow or two of them; in a restaurant, a shelf or a clock.
    backdrop: colour of what lies out of focus behind an object that is photographed close up.
    """

    camera: Camera = field(default_factory=Camera)
    sway: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)
    slope: float = 0.0
    grain: float = 0.0
    wood: Colour = _WOODS[0]
    frame: Colour = _FRAMES[0]
    variant: int = 2
    backdrop: Colour = _BACKDROPS[0]


def random_viewpoint(generator: np.random.Generator, variation: float = 1.0) -> Viewpoint:
    """Draws a viewpoint: up to 1.6 units aside, 4 % nearer or farther, lighter or darker, warmer or colder.

    variation: multiplies all these ranges, and the grain; 0 is one place and one light. Furniture differs in any case.
    """

    def around(middle: float, reach: float) -> float:
        return middle + variation * generator.uniform(-reach, reach)

    brightness = 1 + variation * generator.uniform(-0.12, 0.03)
    warmth = around(0.0, 0.04)
    sway = [around(0.0, 0.6) for _ in range(4)]
    return Viewpoint(
        camera=Camera(right=around(0.0, 1.6), down=around(0.0, 1.2), scale=around(1.0, 0.04)),
        sway=(sway[0], sway[1], sway[2], sway[3]),
        light=(brightness * (1 + warmth), brightness, brightness * (1 - warmth)),
        slope=around(0.0, 0.08),
        grain=variation,
        wood=_WOODS[generator.integers(len(_WOODS))],
        frame=_FRAMES[generator.integers(len(_FRAMES))],
        variant=int(generator.integers(1, 3)),
    )


def random_close_viewpoint(generator: np.random.Generator, variation: float = 1.0) -> Viewpoint:
    """Draws the viewpoint of a close-up: as of a wide photo, with a random backdrop."""
    viewpoint = random_viewpoint(generator, variation)
    return replace(viewpoint, backdrop=_BACKDROPS[generator.integers(len(_BACKDROPS))])
