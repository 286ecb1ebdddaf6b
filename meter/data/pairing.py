"""Which photo each review is paired with."""

import difflib
import enum
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

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
class PhotoSets:
    """S sets of photos; a record is paired with one photo of its set, and every other one suits it as well.

    offsets, members: set s holds the photos ``members[offsets[s]:offsets[s + 1]]``; none is empty.
    """

    offsets: Int64[np.ndarray, "_"]
    members: Int32[np.ndarray, "_"]

    def draw(self, sets: Int32[np.ndarray, "N"], generator: np.random.Generator) -> Int32[np.ndarray, "N"]:
        """A photo of each of these sets, all its photos equally likely; -1 where the set is -1."""
        drawn = np.full(len(sets), NO_PHOTO, dtype=np.int32)
        exists = sets != NO_PHOTO
        first, after = self.offsets[sets[exists]], self.offsets[sets[exists] + 1]
        drawn[exists] = self.members[generator.integers(first, after)]
        return drawn


@dataclass(kw_only=True, slots=True)
class Paired:
    """Photos of the reviews.

    photos: index of each record's photo, -1 if it has none.
    set_of_record: index of the set that it was taken from, -1 if it has none.
    counts: how many records got their photo by which method.
    """

    photos: Int32[np.ndarray, "R"]
    set_of_record: Int32[np.ndarray, "R"]
    sets: PhotoSets
    counts: dict[str, int]

    @classmethod
    def without_photos(cls, num_records: int) -> "Paired":
        """For a dataset without pictures."""
        none = np.full(num_records, NO_PHOTO, dtype=np.int32)
        sets = PhotoSets(offsets=np.zeros(1, dtype=np.int64), members=np.zeros(0, dtype=np.int32))
        return cls(photos=none, set_of_record=none, sets=sets, counts={})


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

    The k-th record that needs a photo from the same set (those that a review names, those of an item, those of an item
    with one label, or those whose captions contain one feature word) gets photo k mod P of the set; all sets but the
    named ones are in an order shuffled by ``seed`` and the item's name. So photos are used evenly, and adding or
    removing another item changes nothing.

    photos: entries of the photo stage, with ``item``, ``file``, ``label`` and ``caption``.
    labels: feature word -> label, for ``Pairing.label``.
    label_fallback: if no caption contains the feature, and it has no label or the item no photo with that label, take
        any photo of the item; otherwise none.
    skip_broken: if all photos that a review names do not exist, choose one as if it named none.
    affinity: of all photos and records, for ``Pairing.clip``.

    Raises:
        InputError: a label in ``labels`` looks misspelt, none of them is the label of a photo, there are none at all,
            or a review names a photo that does not exist.
    """
    if pairing is Pairing.label:
        _check_labels(labels, photos)
    index_of_file = {photo["file"]: index for index, photo in enumerate(photos)}
    rotation = _PhotoRotation(photos, seed)
    chosen, set_of_record = (np.full(len(records), NO_PHOTO, dtype=np.int32) for _ in range(2))
    counts: Counter[str] = Counter()
    for index, record in enumerate(records):
        named = _named(record, index_of_file, skip_broken)
        if named:
            number, method = rotation.set_of(named), "named by the review"
        elif record.item not in rotation.of_item:
            number, method = NO_PHOTO, "no photo: the item has none"
        elif affinity is not None:
            best = affinity.best(index, rotation.of_item[record.item])
            number, method = rotation.set_of((best,)), "by the image–text model"
        elif pairing is Pairing.label:
            number, method = _by_label(record, labels, label_fallback, rotation)
        else:
            number, method = rotation.find_set(record.item), "any photo of the item"
        set_of_record[index] = number
        if number != NO_PHOTO:
            chosen[index] = rotation.next_photo(number)
        counts[method] += 1
    return Paired(
        photos=chosen,
        set_of_record=set_of_record,
        sets=rotation.photo_sets(),
        counts=dict(counts.most_common()),
    )


def _named(record: Review, index_of_file: Mapping[str | None, int], skip_broken: bool) -> tuple[int, ...]:
    """The photos that a review names, those that do not exist left out if ``skip_broken``."""
    missing = next((file for file in record.images if file not in index_of_file), None)
    if missing is not None and not skip_broken:
        raise InputError(
            f"a review of item {record.item!r} names the photo {missing!r}, which the photo manifest does "
            "not list; list it, or set dataset.skip_broken_photos=true to choose another photo of the item"
        )
    return tuple(index_of_file[file] for file in record.images if file in index_of_file)


def _by_label(
    record: Review, labels: Mapping[str, str], fallback: bool, rotation: "_PhotoRotation"
) -> tuple[int, str]:
    """Index of the set of photos and how it was found: by caption, else by label, else any or none."""
    if record.feature is not None:
        number = rotation.find_set(record.item, caption_word=record.feature)
        if number != NO_PHOTO:
            return number, "by caption"
    label = labels.get(record.feature or "")
    if label is None:
        reason = "the feature has no label"
    else:
        number = rotation.find_set(record.item, label=label)
        if number != NO_PHOTO:
            return number, "by label"
        reason = "the item has no photo of the label"
    if fallback:
        return rotation.find_set(record.item), f"any photo of the item: {reason}"
    return NO_PHOTO, f"no photo: {reason}"


class _PhotoRotation:
    """The photos of each item in a seeded order; every set of photos is used in rotation.

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
        self._found: dict[tuple[str, str | None, str | None], int] = {}
        self._numbers: dict[tuple[int, ...], int] = {}
        self._cycles: list[Iterator[int]] = []

    def find_set(self, item: str, *, label: str | None = None, caption_word: str | None = None) -> int:
        """The set of the item's photos with this label, or with this word in the caption; -1 if there is none."""
        key = item, label, caption_word
        if key not in self._found:
            members = tuple(
                index
                for index in self.of_item[item]
                if (label is None or self._labels[index] == label)
                and (caption_word is None or f" {caption_word} " in self._captions[index])
            )
            self._found[key] = self.set_of(members) if members else NO_PHOTO
        return self._found[key]

    def set_of(self, members: tuple[int, ...]) -> int:
        """The number of the set of these photos, in this order."""
        if members not in self._numbers:
            self._numbers[members] = len(self._cycles)
            self._cycles.append(itertools.cycle(members))
        return self._numbers[members]

    def next_photo(self, number: int) -> int:
        """The next photo of a set."""
        return next(self._cycles[number])

    def photo_sets(self) -> PhotoSets:
        """All sets, by number."""
        return PhotoSets(
            offsets=np.cumsum([0, *map(len, self._numbers)], dtype=np.int64),
            members=np.fromiter(itertools.chain.from_iterable(self._numbers), dtype=np.int32),
        )


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
