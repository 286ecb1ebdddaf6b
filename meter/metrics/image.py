"""How close pictures are to the ones they should be: PSNR and SSIM.

B pictures of S × S pixels, three channels, eight bits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8

from meter.errors import InputError
from meter.metrics.version import signature

PEAK = 255.0
WINDOW = 11
WINDOW_SIGMA = 1.5
CHUNK = 64
"""Pictures in memory as float64 at a time."""


@dataclass(kw_only=True, slots=True)
class ImageMetrics:
    """Means over pictures."""

    psnr: float | None
    """Mean peak signal-to-noise ratio in dB over the pictures that differ; None where none does."""
    ssim: float
    """Mean structural similarity, at most 1."""
    identical: int
    """Pictures equal to their reference in every pixel: their PSNR is infinite and not in the mean."""
    count: int
    """Pictures scored."""
    signature: str


def image_metrics(
    references: UInt8[np.ndarray, "B S1 S2 3"], pictures: UInt8[np.ndarray, "B S1 S2 3"]
) -> ImageMetrics:
    """Compares each picture with the reference of the same index.

    Raises:
        InputError: no picture, unequal shapes, or a side under 11 pixels.
    """
    ratios, similarities = psnr(references, pictures), ssim(references, pictures)
    differ = np.isfinite(ratios)
    return ImageMetrics(
        psnr=float(ratios[differ].mean()) if differ.any() else None,
        ssim=float(similarities.mean()),
        identical=int((~differ).sum()),
        count=len(ratios),
        signature=signature("image", peak=255, window=f"gauss{WINDOW}/{WINDOW_SIGMA}", channels="mean"),
    )


def psnr(
    references: UInt8[np.ndarray, "B S1 S2 3"], pictures: UInt8[np.ndarray, "B S1 S2 3"]
) -> Float64[np.ndarray, "B"]:
    """10 log10(255² / MSE) of each picture in dB, the error taken over all pixels and channels; ∞ for equal ones.

    Raises:
        InputError: no picture, or unequal shapes.
    """
    _check_shapes(references, pictures)
    errors = np.empty(len(references))
    for start in range(0, len(references), CHUNK):
        chunk = slice(start, start + CHUNK)
        difference = references[chunk].astype(np.float64) - pictures[chunk]
        errors[chunk] = np.mean(difference**2, axis=(1, 2, 3))
    ratios = np.full(len(errors), np.inf)
    np.divide(PEAK**2, errors, out=ratios, where=errors > 0)
    return 10 * np.log10(ratios)


def ssim(
    references: UInt8[np.ndarray, "B S1 S2 3"], pictures: UInt8[np.ndarray, "B S1 S2 3"]
) -> Float64[np.ndarray, "B"]:
    """Structural similarity of each picture (Wang et al. 2004), mean over channels and window positions.

    Gaussian window 11 × 11, σ 1.5, only where it lies wholly inside; K1 .01, K2 .03, peak 255.

    Raises:
        InputError: no picture, unequal shapes, or a side shorter than the window.
    """
    _check_shapes(references, pictures)
    height, width = references.shape[1:3]
    if min(height, width) < WINDOW:
        raise InputError(f"SSIM needs sides of at least {WINDOW} pixels, found {height} × {width}")
    down, across = _window_matrix(height), _window_matrix(width).T
    similarities = np.empty(len(references))
    for start in range(0, len(references), CHUNK):
        chunk = slice(start, start + CHUNK)
        first = np.moveaxis(references[chunk].astype(np.float64), -1, 1)
        second = np.moveaxis(pictures[chunk].astype(np.float64), -1, 1)
        mean_first, mean_second = down @ first @ across, down @ second @ across
        variance_first = down @ first**2 @ across - mean_first**2
        variance_second = down @ second**2 @ across - mean_second**2
        covariance = down @ (first * second) @ across - mean_first * mean_second
        c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
        luminance = (2 * mean_first * mean_second + c1) / (mean_first**2 + mean_second**2 + c1)
        structure = (2 * covariance + c2) / (variance_first + variance_second + c2)
        similarities[chunk] = np.mean(luminance * structure, axis=(1, 2, 3))
    return similarities


def _check_shapes(references: np.ndarray, pictures: np.ndarray) -> None:
    if len(references) == 0 or references.shape != pictures.shape:
        raise InputError(
            f"expected pictures of one shape, found references {references.shape}, pictures {pictures.shape}"
        )


def _window_matrix(side: int) -> Float64[np.ndarray, "V S"]:
    """The window as a banded matrix: the two-dimensional filter becomes two matrix products."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * WINDOW_SIGMA**2))
    weights /= weights.sum()
    matrix = np.zeros((side - WINDOW + 1, side))
    for position in range(len(matrix)):
        matrix[position, position : position + WINDOW] = weights
    return matrix
