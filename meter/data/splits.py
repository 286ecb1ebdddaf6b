"""Which records train, which validate, which test: from index files, or by a seeded rule."""

import copy
from pathlib import Path

import numpy as np

from meter.data.reviews import Intake, Review, Reviews
from meter.errors import InputError

SPLITS = ("train", "validation", "test")
INDEX_FOLDER = "splits"


def with_splits(intake: Intake, index_folder: Path, *, seed: int | None = None) -> Reviews:
    """Joins what was taken in with its splits.

    seed: for the 8:1:1 split that is made where ``index_folder`` is not there; None where it must be.

    Raises:
        InputError: no record was kept, or the index files are missing or contradict each other.
    """
    tally, source = intake.tally, intake.source
    if not intake.records:
        reasons = "; ".join(f"{reason}, first at {each.first}" for reason, each in tally.dropped.items())
        raise InputError(
            f"{source.file}: none of its {tally.read} records can be used ({reasons or 'it is empty'})"
        )
    if seed is not None and not index_folder.is_dir():
        splits = make_splits(intake.records, seed)
        return Reviews(
            records=intake.records, numbers=intake.numbers, splits=splits, tally=tally, source=source
        )
    by_number = read_index_files(index_folder, tally.read)
    positions = {number: position for position, number in enumerate(intake.numbers)}
    splits = {
        name: [positions[number] for number in numbers if number in positions]
        for name, numbers in by_number.items()
    }
    reviews = Reviews(
        records=intake.records, numbers=intake.numbers, splits=splits, tally=tally, source=source
    )
    kept = {position for rows in splits.values() for position in rows}
    unlisted = {position: "in no index file" for position in positions.values() if position not in kept}
    return _without(reviews, unlisted)


def index_files(folder: Path) -> list[Path]:
    """The index files of a folder: train, validation, test, then any others by name."""
    found = sorted(folder.glob("*.index"))
    return sorted(found, key=lambda path: SPLITS.index(path.stem) if path.stem in SPLITS else len(SPLITS))


def read_index_files(folder: Path, num_records: int) -> dict[str, list[int]]:
    """Reads every ``*.index`` of ``folder``: record numbers, counted from 0, separated by blanks.

    Raises:
        InputError: train, validation or test is missing; a number is no number of a record, or is there twice.
    """
    for name in SPLITS:
        if not (folder / f"{name}.index").is_file():
            raise InputError(
                f"{name}.index is missing: expected it at {folder / name}.index, with the numbers of its records "
                "counted from 0 (data/README.md shows the form)"
            )
    seen_in: dict[int, str] = {}
    splits: dict[str, list[int]] = {}
    for path in index_files(folder):
        splits[path.stem] = []
        for line, text in enumerate(path.read_bytes().split(b"\n"), start=1):
            for token in text.split():
                place = f"{path}:{line}"
                if not token.isdigit() or len(token) > 18 or int(token) >= num_records:
                    raise InputError(
                        f"{place}: expected record numbers from 0 to {num_records - 1}, "
                        f"found {token.decode('utf-8', errors='replace')!r}"
                    )
                number = int(token)
                if number in seen_in:
                    raise InputError(
                        f"{place}: record {number} is listed already in {seen_in[number]}.index; "
                        "a record belongs to one split, once"
                    )
                seen_in[number] = path.stem
                splits[path.stem].append(number)
    return splits


def make_splits(records: list[Review], seed: int) -> dict[str, list[int]]:
    """Splits 8:1:1 at random, so that every user and every item is in train.

    All records of one user about one item go together: they may be sentences of one review. In a seeded order,
    each such group goes to train if its user or its item is met for the first time; else to validation, then
    test, while these have room (a tenth each); else to train.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for row, record in enumerate(records):
        groups.setdefault((record.user, record.item), []).append(row)
    keys = list(groups)
    room = len(records) // 10
    splits: dict[str, list[int]] = {name: [] for name in SPLITS}
    users: set[str] = set()
    items: set[str] = set()
    for position in np.random.default_rng(seed).permutation(len(keys)):
        user, item = keys[position]
        rows = groups[user, item]
        known = user in users and item in items
        users.add(user)
        items.add(item)
        fitting = (name for name in ("validation", "test") if known and len(splits[name]) + len(rows) <= room)
        splits[next(fitting, "train")] += rows
    return {name: sorted(rows) for name, rows in splits.items()}


def keep_known(reviews: Reviews) -> Reviews:
    """Drops, and counts, the records of other splits whose user or item train does not know."""
    train = [reviews.records[row] for row in reviews.splits["train"]]
    users = {record.user for record in train}
    items = {record.item for record in train}
    reasons: dict[int, str] = {}
    for name, rows in reviews.splits.items():
        for row in rows:
            record = reviews.records[row]
            if record.user not in users:
                reasons[row] = f"user not in train ({name})"
            elif record.item not in items:
                reasons[row] = f"item not in train ({name})"
    return _without(reviews, reasons)


def _without(reviews: Reviews, reasons: dict[int, str]) -> Reviews:
    tally = copy.deepcopy(reviews.tally)
    for row in sorted(reasons):
        tally.drop(reasons[row], reviews.source.place(reviews.numbers[row]))
    kept = [row for row in range(len(reviews.records)) if row not in reasons]
    moved = {row: position for position, row in enumerate(kept)}
    return Reviews(
        records=[reviews.records[row] for row in kept],
        numbers=[reviews.numbers[row] for row in kept],
        splits={name: [moved[row] for row in rows if row in moved] for name, rows in reviews.splits.items()},
        tally=tally,
        source=reviews.source,
    )
