"""How well a codec reconstructs photos that it was not trained on: pictures to look at, PSNR and SSIM."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8

from meter.vq.encode import photos_at_once
from meter.vq.vqgan import VQGAN, images_from_pixels, pixels_from_images

# Taller sheets would not fit on a screen; photos beyond the first row of pairs go below it.
COLUMNS = 8
MEASURED_AT_ONCE = 256


@dataclass(kw_only=True, slots=True)
class Quality:
    """psnr: dB, the mean over photos, None where every reconstruction is exact.  ssim: the mean over photos."""

    psnr: float | None
    ssim: float


@torch.no_grad()
def reconstruct(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int | None = None
) -> UInt8[np.ndarray, "P S S 3"]:
    """Photos through their codes and back.

    batch_size: by default ``photos_at_once``.
    """
    batch_size = batch_size or photos_at_once(vq.config.image_size)
    device = vq.codebook.vectors.device
    reconstructions = np.empty_like(pixels)
    for start in range(0, len(pixels), batch_size):
        images = images_from_pixels(pixels[start : start + batch_size]).to(device)
        reconstructions[start : start + batch_size] = pixels_from_images(vq.decode(vq.encode(images)))
    return reconstructions


def measure(vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], photos: Int[np.ndarray, " H"]) -> Quality:
    """PSNR and SSIM of the reconstructions of these photos, few of which are in memory at a time.

    photos: their indices.
    """
    from meter.metrics.image import psnr, ssim

    ratios, similarities = [], []
    for start in range(0, len(photos), MEASURED_AT_ONCE):
        originals = pixels[photos[start : start + MEASURED_AT_ONCE]]
        reconstructions = reconstruct(vq, originals)
        ratios.append(psnr(originals, reconstructions))
        similarities.append(ssim(originals, reconstructions))
    ratio = np.concatenate(ratios)
    finite = np.isfinite(ratio)
    return Quality(
        psnr=float(ratio[finite].mean()) if finite.any() else None,
        ssim=float(np.concatenate(similarities).mean()),
    )


def summarise(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], held_out: Int[np.ndarray, " H"]
) -> dict[str, Any]:
    """The summary of a codec's stage: quality on held-out photos, and sizes."""
    return {
        **asdict(measure(vq, pixels, held_out)),
        "num_codes": vq.config.num_codes,
        "grid": list(vq.grid),
        "photos": len(pixels),
        "held_out": len(held_out),
        "parameters": sum(weights.numel() for weights in vq.parameters()),
    }


def draw_samples(
    path: Path,
    originals: UInt8[np.ndarray, "P S S 3"],
    reconstructions: UInt8[np.ndarray, "P S S 3"],
) -> None:
    """Writes a PNG: rows of photos, each above the row of its reconstructions."""
    from PIL import Image

    bands = []
    for start in range(0, len(originals), COLUMNS):
        for images in (originals[start : start + COLUMNS], reconstructions[start : start + COLUMNS]):
            missing = COLUMNS - len(images) if len(originals) > COLUMNS else 0
            padded = np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)), constant_values=255)
            bands.append(np.concatenate(list(padded), axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(bands, axis=0)).save(path)
