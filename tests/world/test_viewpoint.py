"""What differs between photos of one thing, and how much of it."""

import numpy as np
import pytest

from meter.world.images.canvas import Camera
from meter.world.images.drawing import draw_photo, random_values
from meter.world.images.viewpoint import random_viewpoint


@pytest.mark.parametrize("variation", [0.0, 0.3, 1.0])
def test_the_variation_multiplies_every_displacement(variation: float) -> None:
    scaled = random_viewpoint(np.random.default_rng(5), variation)
    whole = random_viewpoint(np.random.default_rng(5))
    assert scaled.camera.right == pytest.approx(variation * whole.camera.right)
    assert scaled.camera.down == pytest.approx(variation * whole.camera.down)
    assert scaled.camera.scale - 1 == pytest.approx(variation * (whole.camera.scale - 1))
    assert scaled.sway == pytest.approx([variation * sway for sway in whole.sway])
    assert scaled.slope == pytest.approx(variation * whole.slope)
    assert scaled.light[1] - 1 == pytest.approx(variation * (whole.light[1] - 1))
    assert scaled.grain == variation
    assert (scaled.wood, scaled.frame, scaled.variant) == (whole.wood, whole.frame, whole.variant)


def test_from_one_place_only_furniture_differs() -> None:
    generator = np.random.default_rng(0)
    viewpoints = [random_viewpoint(generator, 0.0) for _ in range(40)]
    assert {viewpoint.camera for viewpoint in viewpoints} == {Camera()}
    assert {viewpoint.light for viewpoint in viewpoints} == {(1.0, 1.0, 1.0)}
    assert len({(viewpoint.wood, viewpoint.frame, viewpoint.variant) for viewpoint in viewpoints}) > 10


def test_photos_of_one_room_are_more_alike_the_less_they_vary() -> None:
    values = random_values("hotel", np.random.default_rng(1))

    def spread(variation: float) -> float:
        generator = np.random.default_rng(2)
        photos = [draw_photo("hotel", values, 64, generator, variation).astype(float) for _ in range(20)]
        return float(np.std(photos, axis=0).mean())

    assert spread(0.0) < spread(0.3) < spread(1.0)
