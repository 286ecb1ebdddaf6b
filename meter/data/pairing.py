"""Which photo stands beside which review."""

import difflib
import enum
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from meter.data.clip import Affinity
from meter.data.reviews import Review
from meter.data.tokenizer import tokenize
from meter.errors import InputError

NO_PHOTO = -1


class Pairing(enum.Enum):
    """How a review gets its photo; one that names its own photo gets that one in any case."""

    item = "item"
    """Any photo of the item: its reviews take its photos in turn."""
    label = "label"
    """A photo of the item whose caption names the feature word, else one whose label suits it."""
    clip = "clip"
    """The photo of the item that an image–text model finds most like the sentence; needs the extra ``clip``."""


@dataclass(kw_only=True, slots=True)
class Paired:
    """Photos of the reviews.

    rows: row of each record's photo, -1 where it has none.
    counts: how many records got their photo in which way.
    """

    rows: Int32[np.ndarray, "R"]
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

    The k-th record that asks for the same set of photos (those of an item, those of an item with one label, or those
    whose captions name one feature word) gets photo k mod P of the set, in an order shuffled by ``seed`` and the
    item's name: photos are used evenly, and another item more or less changes nothing.

    photos: rows of the photo stage, with ``item``, ``file``, ``label`` and ``caption``.
    labels: feature word to label, for ``Pairing.label``.
    label_fallback: where no caption names the feature, and it has no label or the item no photo of that label, any
        photo of the item is taken; otherwise none.
    skip_broken: a review may name a photo that is not there, and then gets one as if it had named none.
    affinity: of all photos and records, for ``Pairing.clip``.

    Raises:
        InputError: a label in ``labels`` looks misspelt, none of them is the label of a photo, there are none at all,
            or a review names a photo that is not there.
    """
    if pairing is Pairing.label:
        _check_labels(labels, photos)
    row_of_file = {photo["file"]: row for row, photo in enumerate(photos)}
    of_item: dict[str, list[int]] = defaultdict(list)
    for row, photo in enumerate(photos):
        of_item[str(photo["item"])].append(row)
    of_label: dict[tuple[str, str], list[int]] = defaultdict(list)
    for item, rows in of_item.items():
        digest = hashlib.sha256(f"{seed}:{item}".encode()).digest()
        np.random.default_rng(int.from_bytes(digest[:8], "little")).shuffle(rows)
        for row in rows:
            of_label[item, str(photos[row]["label"])].append(row)
    captions = [f" {' '.join(tokenize(photo.get('caption') or ''))} " for photo in photos]
    naming: dict[tuple[str, str], list[int]] = {}

    def rows_naming(item: str, feature: str) -> list[int]:
        if (item, feature) not in naming:
            naming[item, feature] = [row for row in of_item[item] if f" {feature} " in captions[row]]
        return naming[item, feature]

    turn: Counter[tuple[str, str, str | None]] = Counter()

    def next_of(rows: Sequence[int], way: str, item: str, name: str | None) -> int:
        turn[way, item, name] += 1
        return rows[(turn[way, item, name] - 1) % len(rows)]

    counts: Counter[str] = Counter()
    chosen = np.full(len(records), NO_PHOTO, dtype=np.int32)
    for position, record in enumerate(records):
        way = "no photo: the item has none"
        if record.image is not None and record.image in row_of_file:
            chosen[position], way = row_of_file[record.image], "named by the review"
        elif record.image is not None and not skip_broken:
            raise InputError(
                f"a review of item {record.item!r} names the photo {record.image!r}, which the photo manifest does "
                "not list; list it, or set dataset.skip_broken_photos=true to choose another photo of the item"
            )
        elif of_item.get(record.item):
            label = labels.get(record.feature or "") if pairing is Pairing.label else None
            if affinity is not None:
                chosen[position] = affinity.best(position, of_item[record.item])
                way = "by the image–text model"
            elif pairing is Pairing.label and record.feature and rows_naming(record.item, record.feature):
                way = "by caption"
                chosen[position] = next_of(
                    naming[record.item, record.feature], way, record.item, record.feature
                )
            elif label is not None and (record.item, label) in of_label:
                way = "by label"
                chosen[position] = next_of(of_label[record.item, label], way, record.item, label)
            elif pairing is Pairing.item or label_fallback:
                chosen[position] = next_of(of_item[record.item], "any", record.item, None)
                why = "" if pairing is Pairing.item else _why_no_label(label)
                way = f"any photo of the item{why}"
            else:
                way = f"no photo{_why_no_label(label)}"
        counts[way] += 1
    return Paired(rows=chosen, counts=dict(counts.most_common()))


def _why_no_label(label: str | None) -> str:
    return ": the feature has no label" if label is None else ": the item has no photo of the label"


def _check_labels(labels: Mapping[str, str], photos: Sequence[Mapping[str, str | None]]) -> None:
    known = {photo["label"] for photo in photos if photo["label"] is not None}
    if not labels:
        raise InputError(
            "dataset.pairing=label needs dataset.labels (feature word: label); or set dataset.pairing=item"
        )
    unknown = {label: feature for feature, label in labels.items() if label not in known}
    near = {label: difflib.get_close_matches(label, known, n=1, cutoff=0.85) for label in unknown}
    wrong = next((label for label in unknown if near[label] or known.isdisjoint(labels.values())), None)
    if wrong is not None:
        hint = f"; did you mean {near[wrong][0]!r}?" if near[wrong] else ""
        raise InputError(
            f"dataset.labels: {unknown[wrong]!r} is mapped to {wrong!r}, which is the label of no photo; "
            f"the photos have {', '.join(sorted(known)) or 'no labels'}{hint}"
        )
