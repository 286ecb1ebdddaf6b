"""Training, validation and test records: from index files, or drawn with a seed."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from meter.data.reviews import Reviews
from meter.errors import InputError

SPLITS = ("train", "validation", "test")
INDEX_FOLDER = "splits"


def index_files(folder: Path) -> list[Path]:
    """The index files of a folder: train, validation, test, then any others by name."""
    paths = sorted(folder.glob("*.index"))
    return sorted(paths, key=lambda path: SPLITS.index(path.stem) if path.stem in SPLITS else len(SPLITS))


def read_index_files(folder: Path, num_records: int) -> dict[str, list[int]]:
    """Reads every ``*.index`` of ``folder``: record numbers, counted from 0, separated by white space.

    Raises:
        InputError: train, validation or test is missing; an entry is not the number of a record, or is listed twice.
    """
    for name in SPLITS:
        if not (folder / f"{name}.index").is_file():
            raise InputError(
                f"{name}.index is missing: expected it at {folder / name}.index, with the numbers of its records "
                "counted from 0 (docs/data.md shows the form)"
            )
    split_of: dict[int, str] = {}
    splits: dict[str, list[int]] = {}
    for path in index_files(folder):
        splits[path.stem] = []
        for line, text in enumerate(path.read_bytes().split(b"\n"), start=1):
            for token in text.split():
                location = f"{path}:{line}"
                if not token.isdigit() or len(token) > 18 or int(token) >= num_records:
                    raise InputError(
                        f"{location}: expected record numbers from 0 to {num_records - 1}, "
                        f"found {token.decode('utf-8', errors='replace')!r}"
                    )
                number = int(token)
                if number in split_of:
                    raise InputError(
                        f"{location}: record {number} is listed already in {split_of[number]}.index; "
                        "a record belongs to one split, once"
                    )
                split_of[number] = path.stem
                splits[path.stem].append(number)
    return splits


def make_splits(pairs: Iterable[tuple[int, str, str]], seed: int) -> dict[str, list[int]]:
    """Splits records 8:1:1 at random, such that every user and every item is in train.

    All records of one user about one item stay together: they may be sentences of one review. In a seeded order,
    each such group goes to train if its user or its item occurs for the first time; otherwise to the smaller one of
    validation and test, while that one has room (a tenth of all records); otherwise to train.

    pairs: record number, user and item of every record.
    Returns the record numbers of each split, in ascending order.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    num_records = 0
    for number, user, item in pairs:
        groups.setdefault((user, item), []).append(number)
        num_records += 1
    keys = list(groups)
    room = num_records // 10
    splits: dict[str, list[int]] = {name: [] for name in SPLITS}
    users: set[str] = set()
    items: set[str] = set()
    for index in np.random.default_rng(seed).permutation(len(keys)):
        user, item = keys[index]
        numbers = groups[user, item]
        name = min(("validation", "test"), key=lambda name: len(splits[name]))
        known = user in users and item in items
        if not known or len(splits[name]) + len(numbers) > room:
            name = "train"
        splits[name] += numbers
        users.add(user)
        items.add(item)
    return {name: sorted(numbers) for name, numbers in splits.items()}


def keep_known(reviews: Reviews) -> Reviews:
    """Drops, and counts, the records of other splits whose user or item is not in train."""
    train = [reviews.records[index] for index in reviews.splits["train"]]
    users = {record.user for record in train}
    items = {record.item for record in train}
    reasons: dict[int, str] = {}
    for name, indices in reviews.splits.items():
        for index in indices:
            record = reviews.records[index]
            if record.user not in users:
                reasons[index] = f"user not in train ({name})"
            elif record.item not in items:
                reasons[index] = f"item not in train ({name})"
    return without(reviews, reasons)


def without(reviews: Reviews, reasons: Mapping[int, str]) -> Reviews:
    """Drops, and counts, some records (index -> reason); ``reviews`` itself stays as it is."""
    counts = copy.deepcopy(reviews.counts)
    for index in sorted(reasons):
        counts.drop(reasons[index], reviews.source.location(reviews.numbers[index]))
    kept = [index for index in range(len(reviews.records)) if index not in reasons]
    new_index = {old: new for new, old in enumerate(kept)}
    return Reviews(
        records=[reviews.records[index] for index in kept],
        numbers=[reviews.numbers[index] for index in kept],
        splits={
            name: [new_index[index] for index in indices if index in new_index]
            for name, indices in reviews.splits.items()
        },
        counts=counts,
        source=reviews.source,
    )
