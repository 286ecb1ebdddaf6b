"""Opening a prepared data set again, until a training can begin, beside unpickling the same records."""

import os
import pickle
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meter.data import DatasetConfig, Format, Prepared, prepare
from meter.train.build import make_examples

from .part import Comparison, Row, Settings
from .records import SHAPE, WORDS_PER_SENTENCE

PART = "loading"
RECORDS, QUICK_RECORDS = 320_000, 300
USERS, ITEMS, VOCABULARY, FEATURES = 9_765, 6_280, 20_000, 5_000
NOTE = (
    "ours: hashes of the raw files checked, arrays opened and put on the device, ready for the first batch; "
    "the reference: the list of dicts unpickled, once and no more, before any word is numbered"
)


@dataclass(frozen=True, slots=True)
class Files:
    """A data set in PETER's format below ``root``, and the cache that it is prepared into."""

    root: Path
    cache: Path

    @property
    def pickle(self) -> Path:
        return self.root / "reviews.pickle"

    def all(self) -> list[Path]:
        return [path for folder in (self.root, self.cache) for path in folder.rglob("*") if path.is_file()]

    def unpickle(self) -> list[dict[str, Any]]:
        """The records as PETER's loader reads them first."""
        with self.pickle.open("rb") as file:
            return pickle.load(file)

    def prepare(self) -> Prepared:
        """Prepares, or opens what was prepared before, as every run begins."""
        config = DatasetConfig(format=Format.peter, root=str(self.root), use_images=False)
        return prepare(config, self.cache, seed=0)


def write_files(folder: Path, count: int) -> Files:
    """Writes ``count`` random records and splits them 8 : 1 : 1."""
    files = Files(folder / "raw", folder / "cache")
    splits = files.root / "1"
    splits.mkdir(parents=True)
    generator = np.random.default_rng(0)
    with files.pickle.open("wb") as file:
        pickle.dump(draw_reviews(count, generator), file)
    first, second = int(0.8 * count), int(0.9 * count)
    parts = np.split(generator.permutation(count), [first, second])
    for name, rows in zip(("train", "validation", "test"), parts, strict=True):
        (splits / f"{name}.index").write_text(" ".join(map(str, rows)), encoding="utf-8")
    return files


def draw_reviews(count: int, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Records whose words have a frequency that falls as 1 / rank, one name an object as a parser leaves them."""
    lengths = generator.gamma(SHAPE, WORDS_PER_SENTENCE / SHAPE, count).round().clip(1).astype(int)
    shares = 1 / np.arange(1, VOCABULARY + 1)
    words = iter(generator.choice(VOCABULARY, lengths.sum(), p=shares / shares.sum()).tolist())
    users = generator.integers(0, min(USERS, count // 10), count).tolist()
    items = generator.integers(0, min(ITEMS, count // 10), count).tolist()
    features = generator.integers(0, FEATURES, count).tolist()
    ratings = generator.integers(1, 6, count).tolist()
    return [
        {
            "user": f"user{users[row]}",
            "item": f"item{items[row]}",
            "rating": ratings[row],
            "template": (
                f"word{features[row]}",
                "good",
                " ".join(f"word{next(words)}" for _ in range(length)),
                1,
            ),
        }
        for row, length in enumerate(lengths.tolist())
    ]


def drop_from_page_cache(paths: Iterable[Path]) -> None:
    """Asks the kernel to drop these files from memory; a file system that lives in memory cannot."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(settings: Settings) -> list[Row]:
    """Cold, after the kernel was asked to drop the files from its cache, and warm."""
    count = QUICK_RECORDS if settings.quick else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), count)
        files.prepare()

        def ours() -> object:
            return make_examples(files.prepare(), None, has_feature=True, device=settings.device)

        def cold() -> None:
            drop_from_page_cache(files.all())

        timings = settings.timed(
            {
                "reference cold": settings.side(files.unpickle, before=cold),
                "reference warm": settings.side(files.unpickle),
                "ours cold": settings.side(ours, before=cold),
                "ours warm": settings.side(ours),
            }
        )
    return [
        Row(
            part=PART,
            case=f"{count:,} records, {state}",
            reference=timings[f"reference {state}"],
            ours=timings[f"ours {state}"],
            amount=count,
            unit="records",
            note=NOTE,
        )
        for state in ("cold", "warm")
    ]


def compare(device: torch.device) -> list[Comparison]:
    """How many records say something else after they were prepared and opened again."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), QUICK_RECORDS)
        files.prepare()
        prepared, reviews = files.prepare(), files.unpickle()
        records = prepared.records
        different = sum(
            (
                prepared.users[records.users[row]],
                prepared.items[records.items[row]],
                records.ratings[row],
                prepared.sentence(row),
            )
            != (review["user"], review["item"], review["rating"], review["template"][2])
            for row, review in enumerate(reviews[line] for line in records.lines)
        )
    return [
        Comparison(PART, "records kept", float(len(reviews) - len(prepared)), 0.0),
        Comparison(PART, "records", float(different), 0.0),
    ]
