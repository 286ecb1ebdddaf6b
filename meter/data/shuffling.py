"""A control: every item gets the photos of another, so that pictures tell nothing of the items whose reviews they join.

What a system gains from photos beyond any regularisation by a second task, it must lose here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from meter.data.reviews import Review
from meter.errors import InputError

Entry = Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shuffled:
    """Reviews and photos whose items have exchanged their photos.

    records: as they were but for the photos they name. photos: as they were but for the items they belong to.
    """

    records: list[Review]
    photos: list[Entry]


def shuffle_photos(records: Sequence[Review], photos: Sequence[Entry], seed: int) -> Shuffled:
    """Gives each item all photos of another one; no item keeps its own.

    The items that have reviews and photos pass theirs around in one circle, in an order drawn with ``seed``, whatever
    they are: in a world with hotels and restaurants, a hotel may get a table. A review that names photos of its own
    names, instead of them, those photos of the other item that have the same labels, or all where there are none; if
    its item has no photos, it names none.

    photos: entries of the photo stage, with ``item``, ``file`` and ``label``.

    Raises InputError where fewer than two items have both reviews and photos.
    """
    reviewed = {record.item for record in records}
    with_photos = sorted({str(photo["item"]) for photo in photos} & reviewed)
    if len(with_photos) < 2:
        raise InputError(
            f"dataset.shuffle_photos=true: expected two items with reviews and photos, found {len(with_photos)}; "
            "set it to false"
        )
    order = np.random.default_rng(seed).permutation(with_photos).tolist()
    new_item = dict(zip(order, [*order[1:], order[0]], strict=True))
    moved: list[Entry] = [
        {**photo, "item": new_item.get(str(photo["item"]), photo["item"])} for photo in photos
    ]
    files: dict[str, list[Entry]] = {}
    for photo in moved:
        files.setdefault(str(photo["item"]), []).append(photo)
    label_of = {str(photo["file"]): photo["label"] for photo in photos}
    return Shuffled(
        records=[
            replace(record, images=_other_files(record, files.get(record.item, []), label_of))
            for record in records
        ],
        photos=moved,
    )


def _other_files(
    record: Review, photos: Sequence[Entry], label_of: Mapping[str, str | None]
) -> tuple[str, ...]:
    """What a review names instead of its photos; names of photos that do not exist stay, for pairing to refuse."""
    labels = {label_of[file] for file in record.images if file in label_of}
    if not labels:
        return record.images
    alike = [photo for photo in photos if photo["label"] in labels] or photos
    missing = [file for file in record.images if file not in label_of]
    return *missing, *(str(photo["file"]) for photo in alike)
