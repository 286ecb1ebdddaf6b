"""What a codec makes of photos it has not seen: pictures to look at, and how near they come."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8

from meter.vq.codebook import count_codes, perplexity, usage
from meter.vq.encode import batches_of_codes
from meter.vq.vqgan import VQGAN, images_from_pixels, pixels_from_images

# Taller sheets would not fit on a screen; photos beyond the first row of pairs go below it.
COLUMNS = 8
MEASURED_AT_ONCE = 256


@dataclass(kw_only=True, slots=True)
class Quality:
    """psnr: dB, the mean over photos, None where every photo is met exactly.  ssim: the mean over photos."""

    psnr: float | None
    ssim: float


@torch.no_grad()
def reconstruct(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int = 64
) -> UInt8[np.ndarray, "P S S 3"]:
    """Photos through their codes and back."""
    device = vq.codebook.vectors.device
    made = np.empty_like(pixels)
    for start in range(0, len(pixels), batch_size):
        images = images_from_pixels(pixels[start : start + batch_size]).to(device)
        made[start : start + batch_size] = pixels_from_images(vq.decode(vq.encode(images)))
    return made


def measure(vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], rows: Int[np.ndarray, " H"]) -> Quality:
    """PSNR and SSIM of the reconstructions of some photos, of which few are in memory at a time."""
    from meter.metrics.image import psnr, ssim

    ratios, similarities = [], []
    for start in range(0, len(rows), MEASURED_AT_ONCE):
        true = pixels[rows[start : start + MEASURED_AT_ONCE]]
        made = reconstruct(vq, true)
        ratios.append(psnr(true, made))
        similarities.append(ssim(true, made))
    ratio = np.concatenate(ratios)
    differ = np.isfinite(ratio)
    return Quality(
        psnr=float(ratio[differ].mean()) if differ.any() else None,
        ssim=float(np.concatenate(similarities).mean()),
    )


def summarise(vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], held: Int[np.ndarray, " H"]) -> dict[str, Any]:
    """What a stage tells of its codec: quality on held-out photos, use of the codes over all, sizes."""
    quality = measure(vq, pixels, held)
    counts = torch.zeros(vq.config.num_codes, dtype=torch.long)
    for codes in batches_of_codes(vq, pixels):
        counts += count_codes(torch.from_numpy(codes).long(), len(counts))
    return {
        **asdict(quality),
        "usage": usage(counts),
        "perplexity": perplexity(counts),
        "num_codes": vq.config.num_codes,
        "grid": list(vq.grid),
        "photos": len(pixels),
        "held_out": len(held),
        "parameters": sum(weights.numel() for weights in vq.parameters()),
    }


def draw_samples(path: Path, true: UInt8[np.ndarray, "P S S 3"], made: UInt8[np.ndarray, "P S S 3"]) -> None:
    """Writes a PNG: rows of photos, each over the row of its reconstructions."""
    from PIL import Image

    bands = []
    for start in range(0, len(true), COLUMNS):
        for pictures in (true[start : start + COLUMNS], made[start : start + COLUMNS]):
            missing = COLUMNS - len(pictures) if len(true) > COLUMNS else 0
            padded = np.pad(pictures, ((0, missing), (0, 0), (0, 0), (0, 0)), constant_values=255)
            bands.append(np.concatenate(list(padded), axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(bands, axis=0)).save(path)
