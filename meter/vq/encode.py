"""Photos to codes, batch by batch."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int32, UInt8

from meter.vq.vqgan import VQGAN, images_from_pixels


@torch.no_grad()
def batches_of_codes(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int = 64, start: int = 0
) -> Iterator[Int32[np.ndarray, "B M"]]:
    """The codes of the photos from ``start`` on, in 32 bits, encoded on the device where ``vq`` is."""
    device = vq.codebook.vectors.device
    for first in range(start, len(pixels), batch_size):
        batch = images_from_pixels(pixels[first : first + batch_size]).to(device)
        yield vq.encode(batch).cpu().numpy().astype(np.int32)


def encode_photos(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int = 64
) -> Int32[np.ndarray, "P M"]:
    """The codes of all photos."""
    return np.concatenate(list(batches_of_codes(vq, pixels, batch_size)))
