"""The stage that decodes every photo once."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from meter.data.readers.photos import Photo
from meter.data.record_counts import RecordCounts
from meter.errors import InputError
from meter.progress import tracked
from meter.storage.fingerprint import fingerprint
from meter.storage.growing_array import TEMPORARY, GrowingArray
from meter.storage.json_file import write_json
from meter.storage.stage import Stage, build_stage

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from rich.console import Console

PIXELS = "pixels.npy"
PHOTOS = "photos.json"
_FORMAT = 1


def build_photos(
    photos: list[Photo],
    folder: Path,
    cache: Path,
    *,
    image_size: int,
    skip_broken: bool = False,
    inputs: dict[str, str] | None = None,
    console: "Console | None" = None,
) -> Stage:
    """Returns the stage with every photo as a square of ``image_size`` pixels: ``pixels.npy`` and ``photos.json``.

    A photo is turned upright, cut to the largest square in its middle and resized once (Lanczos). The stage is
    reused while the manifest and the names and sizes of the photo files are the same; decoding that was killed
    continues where it stopped.

    skip_broken: leave out, and count, photos that are missing or damaged.
    inputs: further hashes that the photos depend on.  console: shows the progress.

    Raises:
        InputError: a photo is missing or cannot be decoded, and ``skip_broken`` is False.
    """

    def build(partial: Path) -> dict[str, Any]:
        return _decode_all(photos, folder, partial, image_size, skip_broken, console)

    files = [(photo, _size(folder / photo.file)) for photo in photos]
    return build_stage(
        cache,
        "photos",
        version=_FORMAT,
        config={"image_size": image_size, "skip_broken": skip_broken},
        inputs={"photos": fingerprint(files), **(inputs or {})},
        build=build,
        temporary=TEMPORARY,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _decode_all(
    photos: list[Photo],
    folder: Path,
    target: Path,
    image_size: int,
    skip_broken: bool,
    console: "Console | None",
) -> dict[str, Any]:
    with GrowingArray(target / PIXELS, (image_size, image_size, 3), np.uint8) as rows:
        remaining = photos[rows.taken :]
        decoded = tracked(
            _decoded(remaining, folder, image_size), "decoding photos", len(photos), console, done=rows.taken
        )
        for photo in decoded:
            if not isinstance(photo, InputError):
                rows.append(photo[None])
            elif skip_broken:
                rows.append(np.empty((0, image_size, image_size, 3), np.uint8), dropped=[rows.taken])
            else:
                raise photo
        dropped = set(rows.dropped)
    counts = RecordCounts(read=len(photos))
    for index in rows.dropped:
        counts.drop("missing or damaged", str(folder / photos[index].file))
    kept = [photo for index, photo in enumerate(photos) if index not in dropped]
    if not kept:
        raise InputError(f"{folder}: none of its {len(photos)} photos can be decoded")
    write_json(target / PHOTOS, kept)
    labels = Counter(photo.label for photo in kept)
    return {
        "photos": counts.as_dict(),
        "items": len({photo.item for photo in kept}),
        "labels": {str(label): count for label, count in labels.most_common() if label is not None},
    }


def _decoded(
    photos: list[Photo], folder: Path, image_size: int
) -> Iterator[UInt8[np.ndarray, "S S 3"] | InputError]:
    """Decodes in threads and in order; Pillow releases the interpreter's lock."""

    def decode(photo: Photo) -> UInt8[np.ndarray, "S S 3"] | InputError:
        try:
            return decode_photo(folder / photo.file, image_size)
        except InputError as fault:
            return fault

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(photos), 64 * threads):
            yield from pool.map(decode, photos[start : start + 64 * threads])


def decode_photo(path: Path, image_size: int) -> UInt8[np.ndarray, "S S 3"]:
    """Decodes one photo: upright, middle square, ``image_size`` pixels a side, RGB.

    Raises:
        InputError: the file is missing, damaged or not a picture.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            # A JPEG can be decoded at a fraction of its size; twice the target leaves Lanczos enough to work on.
            image.draft("RGB", (2 * image_size, 2 * image_size))
            upright = ImageOps.exif_transpose(image).convert("RGB")
        return middle_square(upright, image_size)
    except Exception as fault:  # a damaged picture can raise nearly any exception
        problem = "is missing" if isinstance(fault, FileNotFoundError) else f"cannot be decoded ({fault})"
        raise InputError(
            f"photo {path} {problem}; put a whole file there, take it out of the photo manifest, "
            "or set dataset.skip_broken_photos=true"
        ) from None


def middle_square(image: "PillowImage", image_size: int) -> UInt8[np.ndarray, "S S 3"]:
    """The square in the middle of an upright RGB image, ``image_size`` pixels a side."""
    from PIL import Image

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    # Resizing with a box would blend in pixels from outside it, so the square is cut out first.
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((image_size, image_size), Image.Resampling.LANCZOS))
