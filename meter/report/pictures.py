"""Pixels on their way into a page or a terminal: data URIs and half blocks."""

import base64
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image

LOSSLESS_SIDE = 128
"""Up to this side a picture is embedded as PNG; above it as JPEG, a tenth of the bytes for a photo."""


def encode(pixels: UInt8[np.ndarray, "_ _ 3"]) -> tuple[str, bytes]:
    """The media type and the bytes of a picture: PNG up to 128 pixels a side, JPEG (quality 88) above."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    buffer = io.BytesIO()
    if max(image.size) <= LOSSLESS_SIDE:
        image.save(buffer, format="PNG", optimize=True)
        return "image/png", buffer.getvalue()
    image.save(buffer, format="JPEG", quality=88)
    return "image/jpeg", buffer.getvalue()


def data_uri(pixels: UInt8[np.ndarray, "_ _ 3"]) -> str:
    """A picture as a ``data:`` address, which a page shows without any file beside it."""
    media_type, content = encode(pixels)
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def half_blocks(pixels: UInt8[np.ndarray, "_ _ 3"], columns: int) -> list[list[tuple[str, str]]]:
    """A square picture for a terminal: rows of (upper, lower) colours as ``#rrggbb``, one pair for each ``▀``.

    A character cell is about twice as high as wide, so ``columns`` characters show ``columns`` × ``columns`` pixels
    in ``columns / 2`` lines.
    """
    small = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (columns, columns // 2 * 2), Image.Resampling.BOX
    )
    colours = [["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in row] for row in np.asarray(small)]
    return [
        list(zip(upper, lower, strict=True)) for upper, lower in zip(colours[::2], colours[1::2], strict=True)
    ]
