"""Photos to codes, batch by batch."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int32, UInt8

from meter.vq.vqgan import VQGAN, images_from_pixels

PIXELS_AT_ONCE = 2**20
PHOTOS_AT_ONCE = 64


def photos_at_once(image_size: int) -> int:
    """How many photos of ``image_size`` pixels are encoded or decoded together: fewer, the larger they are.

    Not a function of the machine's memory: rounding depends on the size of a batch, and codes must not.
    """
    return min(PHOTOS_AT_ONCE, max(1, PIXELS_AT_ONCE // image_size**2))


@torch.no_grad()
def batches_of_codes(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int | None = None, start: int = 0
) -> Iterator[Int32[np.ndarray, "B M"]]:
    """The codes of the photos from ``start`` on, in 32 bits, encoded on the device of ``vq``.

    batch_size: by default ``photos_at_once``.
    """
    batch_size = batch_size or photos_at_once(vq.config.image_size)
    device = vq.codebook.vectors.device
    for first in range(start, len(pixels), batch_size):
        batch = images_from_pixels(pixels[first : first + batch_size]).to(device)
        yield vq.encode(batch).cpu().numpy().astype(np.int32)


def encode_photos(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int | None = None
) -> Int32[np.ndarray, "P M"]:
    """The codes of all photos."""
    return np.concatenate(list(batches_of_codes(vq, pixels, batch_size)))
