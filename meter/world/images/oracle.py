"""Reads what a picture shows, by comparing its colours with drawings.

The regions and colours to compare come from the drawing code itself. A feature's region is where the picture changes
when only the value of that feature does; the expected colours of a value are the mean colours of the parts of that
region. To read a picture, both kinds of item and a grid of camera positions are tried, the light is fitted, and the
values that agree best are taken. ``scenes`` then decides between the two kinds and a detail. No network, no training,
nothing random.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter

from meter.world.attributes import FEATURES
from meter.world.images.canvas import SCENE
from meter.world.images.drawing import draw, random_values
from meter.world.images.scenes import likeliest
from meter.world.images.viewpoint import Viewpoint, random_viewpoint

_GRID = 32
"""Pictures are read at this many pixels a side: finer detail tells nothing about the values."""

_PARTS = 4
_DRAWINGS = 12
_NOTICEABLE = 45.0
"""A difference of colour, in levels of 255 over the largest channel, that counts as a change."""

_EDGE = 4
"""Units along the picture's edges that are out of sight from some camera positions."""

_RIGHT = (-2.0, -1.0, 0.0, 1.0, 2.0)
_DOWN = (-1.2, 0.0, 1.2)
_SCALE = (0.96, 1.0, 1.04)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Expectation:
    """The expected colours of photos of one kind.

    masks: (positions · features · parts) rows over the pixels of the grid; each row's weights sum to one.
    colours: the mean colour of each part of each feature's region under each value (features, values, parts, rgb).
    """

    masks: Float[np.ndarray, "R G"]
    colours: Float[np.ndarray, "F V P C"]


def read_image(pixels: UInt8[np.ndarray, "S S 3"]) -> dict[str, str]:
    """What the picture shows: a value for every feature of a kind of item, or for the one feature of a detail.

    pixels: a square picture of any size from 32 pixels a side.
    """
    small = Image.fromarray(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
    flat = np.asarray(small, dtype=np.float32).reshape(_GRID * _GRID, 3)
    return likeliest(pixels, {kind: _read_as(kind, flat) for kind in FEATURES})


def _read_as(kind: str, flat: Float[np.ndarray, "G 3"]) -> dict[str, str]:
    """The values of an item of this kind that agree best."""
    expected = _expectation(kind)
    features, _, parts, channels = expected.colours.shape
    seen = (expected.masks @ flat).reshape(-1, features, parts, channels)
    light = np.ones(channels, dtype=np.float32)
    for fit_light in (True, True, False):
        disagreement = _disagreement(seen, expected.colours * light)
        position = int(disagreement.min(axis=2).sum(axis=1).argmin())
        choice = disagreement[position].argmin(axis=1)
        if fit_light:
            fitting = expected.colours[np.arange(features), choice]
            light = (seen[position] * fitting).sum(axis=(0, 1)) / np.square(fitting).sum(axis=(0, 1))
            light = np.clip(light, 0.7, 1.3)
    names = FEATURES[kind]
    return {feature: names[feature][index] for feature, index in zip(names, choice, strict=True)}


def _disagreement(
    seen: Float[np.ndarray, "L F P C"], colours: Float[np.ndarray, "F V P C"]
) -> Float[np.ndarray, "L F V"]:
    """Squared distance of the colours seen from each position to those of each value, by |a|² − 2ab + |b|²."""
    observed = seen.reshape(*seen.shape[:2], -1).transpose(1, 0, 2)
    expected = colours.reshape(*colours.shape[:2], -1)
    cross = observed @ expected.transpose(0, 2, 1)
    squares = np.square(observed).sum(axis=2)[:, :, None] + np.square(expected).sum(axis=2)[:, None, :]
    return (squares - 2 * cross).transpose(1, 0, 2)


@functools.cache
def _expectation(kind: str) -> _Expectation:
    drawings = _drawings(kind)
    regions = [_parts(_region(by_value)) for by_value in drawings]
    colours = np.stack(
        [
            np.einsum("pxy,nvxyc->vpc", parts, by_value)
            / (by_value.shape[0] * parts.sum(axis=(1, 2))[:, None])
            for parts, by_value in zip(regions, drawings, strict=True)
        ]
    )
    positions = itertools.product(_RIGHT, _DOWN, _SCALE)
    masks = np.concatenate([_seen_from(np.concatenate(regions), *position) for position in positions])
    return _Expectation(masks=masks, colours=colours.astype(np.float32))


def _drawings(kind: str) -> list[Float[np.ndarray, "N V X Y C"]]:
    """For each feature, drawings that differ along the second axis by its value only, from a fixed position."""
    generator = np.random.default_rng(0)
    drawings = []
    for feature, values in FEATURES[kind].items():
        rows = []
        for _ in range(_DRAWINGS):
            others, drawn = random_values(kind, generator), random_viewpoint(generator)
            viewpoint = Viewpoint(sway=drawn.sway, wood=drawn.wood, frame=drawn.frame, variant=drawn.variant)
            rows.append(
                [draw(kind, {**others, feature: value}, int(SCENE), viewpoint, generator) for value in values]
            )
        drawings.append(np.asarray(rows, dtype=np.float32))
    return drawings


def _region(by_value: Float[np.ndarray, "N V X Y C"]) -> Float[np.ndarray, "X Y"]:
    """Where a change of value is noticeable in nine of ten drawings, whatever the other values are, without its rim."""
    change = (by_value.max(axis=1) - by_value.min(axis=1)).max(axis=-1) > _NOTICEABLE
    noticed = Image.fromarray((change.mean(axis=0) >= 0.9).astype(np.uint8))
    region = np.zeros(change.shape[1:], dtype=np.float32)
    region[_EDGE:-_EDGE, _EDGE:-_EDGE] = np.asarray(noticed.filter(ImageFilter.MinFilter(3)))[
        _EDGE:-_EDGE, _EDGE:-_EDGE
    ]
    return region


def _parts(region: Float[np.ndarray, "X Y"]) -> Float[np.ndarray, "P X Y"]:
    """Cuts a region into four parts of similar size: two halves, each halved in the other direction."""
    rows, columns = np.nonzero(region)
    parts = np.zeros((_PARTS, *region.shape), dtype=np.float32)
    lower = rows > np.median(rows)
    for half in (0, 1):
        inside = lower == bool(half)
        right = columns[inside] > np.median(columns[inside])
        parts[2 * half + right, rows[inside], columns[inside]] = 1
    return parts


def _seen_from(
    parts: Float[np.ndarray, "R X Y"], right: float, down: float, scale: float
) -> Float[np.ndarray, "R G"]:
    """The regions as seen from another camera position, on the reading grid, each as weights that sum to one."""
    size = parts.shape[-1]
    centre = size / 2
    back = (1 / scale, 0, centre - (centre + right) / scale, 0, 1 / scale, centre - (centre + down) / scale)
    seen = []
    for part in parts:
        moved = Image.fromarray(part).transform(
            (size, size), Image.Transform.AFFINE, back, Image.Resampling.BILINEAR
        )
        weights = np.asarray(moved.resize((_GRID, _GRID), Image.Resampling.BOX)).reshape(-1)
        seen.append(weights / weights.sum())
    return np.stack(seen)
