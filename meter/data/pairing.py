"""Which photo each review is paired with."""

import difflib
import enum
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from meter.data.clip import Affinity
from meter.data.reviews import Review
from meter.data.tokenizer import tokenize
from meter.errors import InputError

NO_PHOTO = -1


class Pairing(enum.Enum):
    """How a review gets its photo; a review that names its own photo always gets that one."""

    item = "item"
    """Any photo of the item: its reviews use its photos in rotation."""
    label = "label"
    """A photo of the item whose caption contains the feature word, otherwise one with the word's label."""
    clip = "clip"
    """The photo of the item that an image–text model finds most similar to the sentence; needs the extra ``clip``."""


@dataclass(kw_only=True, slots=True)
class Paired:
    """Photos of the reviews.

    photos: index of each record's photo, -1 if it has none.
    counts: how many records got their photo by which method.
    """

    photos: Int32[np.ndarray, "R"]
    counts: dict[str, int]


def pair(
    records: Sequence[Review],
    photos: Sequence[Mapping[str, str | None]],
    *,
    pairing: Pairing,
    labels: Mapping[str, str],
    label_fallback: bool,
    skip_broken: bool,
    seed: int,
    affinity: Affinity | None = None,
) -> Paired:
    """Gives every record a photo of its item.

    The k-th record that needs a photo from the same set (those of an item, those of an item with one label, or those
    whose captions contain one feature word) gets photo k mod P of the set, in an order shuffled by ``seed`` and the
    item's name. So photos are used evenly, and adding or removing another item changes nothing.

    photos: entries of the photo stage, with ``item``, ``file``, ``label`` and ``caption``.
    labels: feature word -> label, for ``Pairing.label``.
    label_fallback: if no caption contains the feature, and it has no label or the item no photo with that label, take
        any photo of the item; otherwise none.
    skip_broken: if a review names a photo that does not exist, choose one as if it named none.
    affinity: of all photos and records, for ``Pairing.clip``.

    Raises:
        InputError: a label in ``labels`` looks misspelt, none of them is the label of a photo, there are none at all,
            or a review names a photo that does not exist.
    """
    if pairing is Pairing.label:
        _check_labels(labels, photos)
    index_of_file = {photo["file"]: index for index, photo in enumerate(photos)}
    rotation = _PhotoRotation(photos, seed)
    chosen = np.full(len(records), NO_PHOTO, dtype=np.int32)
    counts: Counter[str] = Counter()
    for index, record in enumerate(records):
        if record.image is not None and record.image in index_of_file:
            photo, method = index_of_file[record.image], "named by the review"
        elif record.image is not None and not skip_broken:
            raise InputError(
                f"a review of item {record.item!r} names the photo {record.image!r}, which the photo manifest does "
                "not list; list it, or set dataset.skip_broken_photos=true to choose another photo of the item"
            )
        elif record.item not in rotation.of_item:
            photo, method = NO_PHOTO, "no photo: the item has none"
        elif affinity is not None:
            photo, method = affinity.best(index, rotation.of_item[record.item]), "by the image–text model"
        elif pairing is Pairing.label:
            photo, method = _by_label(record, labels, label_fallback, rotation)
        else:
            photo, method = rotation.next_photo(record.item), "any photo of the item"
        chosen[index] = photo
        counts[method] += 1
    return Paired(photos=chosen, counts=dict(counts.most_common()))


def _by_label(
    record: Review, labels: Mapping[str, str], fallback: bool, rotation: "_PhotoRotation"
) -> tuple[int, str]:
    """Index of the photo and how it was found: by caption, else by label, else any or none."""
    if record.feature is not None:
        photo = rotation.next_photo(record.item, caption_word=record.feature)
        if photo != NO_PHOTO:
            return photo, "by caption"
    label = labels.get(record.feature or "")
    if label is None:
        reason = "the feature has no label"
    else:
        photo = rotation.next_photo(record.item, label=label)
        if photo != NO_PHOTO:
            return photo, "by label"
        reason = "the item has no photo of the label"
    if fallback:
        return rotation.next_photo(record.item), f"any photo of the item: {reason}"
    return NO_PHOTO, f"no photo: {reason}"


class _PhotoRotation:
    """The photos of each item in a seeded order; every subset of them is used in rotation.

    of_item: item -> indices of its photos.
    """

    def __init__(self, photos: Sequence[Mapping[str, str | None]], seed: int) -> None:
        self.of_item: dict[str, list[int]] = {}
        for index, photo in enumerate(photos):
            self.of_item.setdefault(str(photo["item"]), []).append(index)
        for item, indices in self.of_item.items():
            digest = hashlib.sha256(f"{seed}:{item}".encode()).digest()
            np.random.default_rng(int.from_bytes(digest[:8], "little")).shuffle(indices)
        self._labels = [photo["label"] for photo in photos]
        self._captions = [f" {' '.join(tokenize(photo.get('caption') or ''))} " for photo in photos]
        self._cycles: dict[tuple[str, str | None, str | None], Iterator[int]] = {}

    def next_photo(self, item: str, *, label: str | None = None, caption_word: str | None = None) -> int:
        """The next of the item's photos with this label, or with this word in the caption; -1 if there is none."""
        key = item, label, caption_word
        if key not in self._cycles:
            self._cycles[key] = itertools.cycle(
                index
                for index in self.of_item[item]
                if (label is None or self._labels[index] == label)
                and (caption_word is None or f" {caption_word} " in self._captions[index])
            )
        return next(self._cycles[key], NO_PHOTO)


def _check_labels(labels: Mapping[str, str], photos: Sequence[Mapping[str, str | None]]) -> None:
    known = {photo["label"] for photo in photos if photo["label"] is not None}
    if not labels:
        raise InputError(
            "dataset.pairing=label needs dataset.labels (feature word: label); or set dataset.pairing=item"
        )
    unknown = {label: feature for feature, label in labels.items() if label not in known}
    similar = {label: difflib.get_close_matches(label, known, n=1, cutoff=0.85) for label in unknown}
    wrong = next((label for label in unknown if similar[label] or known.isdisjoint(labels.values())), None)
    if wrong is not None:
        hint = f"; did you mean {similar[wrong][0]!r}?" if similar[wrong] else ""
        raise InputError(
            f"dataset.labels: {unknown[wrong]!r} is mapped to {wrong!r}, which is the label of no photo; "
            f"the photos have {', '.join(sorted(known)) or 'no labels'}{hint}"
        )
