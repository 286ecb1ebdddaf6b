"""Tells which scene a picture shows: a hotel's room, a restaurant's table, or one feature close up.

What to expect comes from the drawing code itself. Much reduced, a picture of a scene is nearly the sum of what its
values add, which least squares find from drawings; what is left differs from drawing to drawing, more at some pixels
(the rims of things, a backdrop) than at others. A picture shows the scene and the values under which it is likeliest.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from meter.world.attributes import FEATURES, VALUES
from meter.world.images.drawing import draw, draw_close_up, random_values
from meter.world.images.viewpoint import random_close_viewpoint

_GRID = 16
"""Scenes are told apart at this many pixels a side."""

_DRAWN_SIZE = 32
_WIDE_DRAWINGS = 160
_CLOSE_DRAWINGS = 48
"""Drawings that each wide scene, and each detail, is learned from."""

_SPREAD = 14.0
"""Standard deviation, in levels of 255, of what blur, grain and a codec change at any pixel."""

_DARKEST, _BRIGHTEST = 0.7, 1.3
"""Bounds of the light's gain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Expectation:
    """Pictures that are expected under N hypotheses, and how much true ones differ from them, as a variance."""

    pictures: Float[np.ndarray, "N P C"]
    variances: Float[np.ndarray, "N P C"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """What reduced pictures of one scene are made of.

    terms: a constant, then what each value of each feature adds, the first value of each left out.
    variance: of what is left.
    """

    features: Mapping[str, Sequence[str]]
    terms: Float[np.ndarray, "T PC"]
    variance: Float[np.ndarray, " PC"]

    def expect(self, hypotheses: Sequence[Mapping[str, str]]) -> _Expectation:
        """The pictures that are expected if the scene has these values."""
        pictures = _design(self.features, hypotheses) @ self.terms
        variances = np.broadcast_to(self.variance, pictures.shape)
        shape = len(hypotheses), -1, 3
        return _Expectation(pictures=pictures.reshape(shape), variances=variances.reshape(shape))


def likeliest(pixels: UInt8[np.ndarray, "S S 3"], wide: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the picture shows: one of these readings of it as a wide photo, or a detail.

    wide: kind -> the values that the picture would show if it were a wide photo of an item of this kind.
    """
    seen = _reduced(pixels)
    hypotheses = [*wide.values(), *_DETAILS]
    log_likelihoods = [_log_likelihood(seen, _scene(kind).expect([values])) for kind, values in wide.items()]
    log_likelihoods.append(_log_likelihood(seen, _expected_details()))
    return dict(hypotheses[int(np.concatenate(log_likelihoods).argmax())])


_DETAILS = [{feature: value} for feature, values in VALUES.items() for value in values]


def _log_likelihood(seen: Float[np.ndarray, "P C"], expected: _Expectation) -> Float[np.ndarray, " N"]:
    """Up to a constant, the pixels' differences taken as independent; the light is the one that fits best."""
    weights = 1 / expected.variances
    light = (weights * expected.pictures * seen).sum(axis=1) / (weights * np.square(expected.pictures)).sum(
        axis=1
    )
    light = np.clip(light, _DARKEST, _BRIGHTEST)[:, None]
    squares = np.square(seen - light * expected.pictures) * weights
    return -0.5 * (squares + np.log(expected.variances)).sum(axis=(1, 2))


def _reduced(pixels: UInt8[np.ndarray, "S S 3"]) -> Float[np.ndarray, "P C"]:
    small = Image.fromarray(pixels).resize((_GRID, _GRID), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).reshape(-1, 3)


def _design(
    features: Mapping[str, Sequence[str]], hypotheses: Sequence[Mapping[str, str]]
) -> Float[np.ndarray, "N T"]:
    """The terms that each hypothesis is the sum of, as ones and zeros."""
    rows = [
        [1.0, *(values[feature] == value for feature, options in features.items() for value in options[1:])]
        for values in hypotheses
    ]
    return np.asarray(rows, dtype=np.float32)


@functools.cache
def _expected_details() -> _Expectation:
    expected = [
        _scene(feature).expect([{feature: value} for value in values]) for feature, values in VALUES.items()
    ]
    return _Expectation(
        pictures=np.concatenate([each.pictures for each in expected]),
        variances=np.concatenate([each.variances for each in expected]),
    )


@functools.cache
def _scene(name: str) -> _Scene:
    """Learns a scene, called by its kind or by its feature, from drawings in plain light."""
    generator = np.random.default_rng(0)
    if name in FEATURES:
        features = FEATURES[name]
        drawn = [random_values(name, generator) for _ in range(_WIDE_DRAWINGS)]
    else:
        features = {name: VALUES[name]}
        drawn = [{name: value} for value in VALUES[name] * (_CLOSE_DRAWINGS // len(VALUES[name]))]
    pictures = np.stack([_reduced(_drawing(name, values, generator)).reshape(-1) for values in drawn])
    design = _design(features, drawn)
    terms = np.linalg.lstsq(design, pictures, rcond=None)[0]
    left = np.square(pictures - design @ terms).sum(axis=0) / (len(design) - design.shape[1])
    return _Scene(features=features, terms=terms, variance=left + _SPREAD**2)


def _drawing(
    name: str, values: Mapping[str, str], generator: np.random.Generator
) -> UInt8[np.ndarray, "S S 3"]:
    viewpoint = replace(random_close_viewpoint(generator), light=(1.0, 1.0, 1.0), slope=0.0, grain=0.0)
    if name in FEATURES:
        return draw(name, values, _DRAWN_SIZE, viewpoint, generator)
    return draw_close_up(name, values[name], _DRAWN_SIZE, viewpoint, generator)
