"""Photos to codes, batch by batch."""

import numpy as np
import torch
from jaxtyping import Int32, UInt8

from meter.vq.codec import VQGAN, images_from_pixels


@torch.no_grad()
def encode_photos(
    vq: VQGAN, pixels: UInt8[np.ndarray, "P S S 3"], batch_size: int = 64
) -> Int32[np.ndarray, "P M"]:
    """The codes of all photos, on the device where ``vq`` is, in 32 bits."""
    device = vq.codebook.vectors.device
    rows, columns = vq.grid
    codes = np.empty((len(pixels), rows * columns), dtype=np.int32)
    for start in range(0, len(pixels), batch_size):
        batch = images_from_pixels(pixels[start : start + batch_size]).to(device)
        codes[start : start + batch_size] = vq.encode(batch).cpu().numpy()
    return codes
