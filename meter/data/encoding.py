"""Writes reviews as numbers: the arrays and tables of the prepared stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32

from meter.data.pairing import NO_PHOTO, Paired
from meter.data.reviews import Review, Reviews
from meter.data.vocabulary import Vocabulary, VocabularySource
from meter.special_words import EOS, PAD, UNK
from meter.storage.json_file import write_json


@dataclass(kw_only=True, slots=True)
class Lookup:
    """The names that are numbered: of users, items, words and feature words."""

    users: list[str]
    items: list[str]
    features: list[str]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, reviews: Reviews, *, vocabulary_size: int, vocabulary_from: VocabularySource) -> "Lookup":
        """Users and items of all records, sorted; words and feature words of the splits that are asked for."""
        known = reviews.records
        if vocabulary_from is VocabularySource.train:
            known = [reviews.records[row] for row in reviews.splits["train"]]
        return cls(
            users=sorted({record.user for record in reviews.records}),
            items=sorted({record.item for record in reviews.records}),
            features=sorted({record.feature for record in known if record.feature is not None}),
            vocabulary=Vocabulary.count(
                (record.text for record in known), (record.feature for record in known), vocabulary_size
            ),
        )


def write_prepared(
    folder: Path, reviews: Reviews, lookup: Lookup, paired: Paired | None, *, text_length: int
) -> dict[str, Any]:
    """Fills the folder of the prepared stage; returns its summary: what was read, dropped and found."""
    records = reviews.records
    words = encode_sentences(records, lookup.vocabulary, text_length)
    features = _encode_features(records, lookup.vocabulary)
    photos = np.full(len(records), NO_PHOTO, dtype=np.int32) if paired is None else paired.rows
    arrays = {
        "users": _numbered([record.user for record in records], lookup.users),
        "items": _numbered([record.item for record in records], lookup.items),
        "ratings": np.array([record.rating for record in records], dtype=np.float32),
        "features": features,
        "words": words,
        "lengths": np.count_nonzero((words != PAD) & (words != EOS), axis=1).astype(np.int32),
        "photos": photos,
        "lines": np.array(reviews.numbers, dtype=np.int32),
    }
    blobs = [record.text.encode("utf-8") for record in records]
    arrays["sentences"] = np.frombuffer(b"".join(blobs), dtype=np.uint8)
    arrays["offsets"] = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    splits = {name: np.array(rows, dtype=np.int32) for name, rows in reviews.splits.items()}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    for name, rows in splits.items():
        np.save(folder / f"split_{name}.npy", rows)
    write_json(folder / "splits.json", list(splits))
    for name in ("users", "items", "features"):
        write_json(folder / f"{name}.json", getattr(lookup, name))
    lookup.vocabulary.save(folder / "vocabulary.json")
    return {
        "reviews": reviews.tally.plain(),
        "splits": {name: len(rows) for name, rows in splits.items()},
        "users": len(lookup.users),
        "items": len(lookup.items),
        "words": len(lookup.vocabulary),
        "features": len(lookup.features),
        "mean_rating": float(arrays["ratings"].mean()),
        "mean_length": sum(len(record.text.split()) for record in records) / len(records),
        "cut_sentences": sum(len(record.text.split()) > text_length for record in records),
        "repeated_sentences": len(records) - len({record.text for record in records}),
        "records_without_feature": int((features == PAD).sum()),
        "records_with_unknown_feature": int((features == UNK).sum()),
        "records_without_photo": int((photos == NO_PHOTO).sum()),
        "unknown_words": {name: _unknown_share(words[rows]) for name, rows in splits.items()},
        "pairing": {} if paired is None else paired.counts,
    }


def encode_sentences(
    records: list[Review], vocabulary: Vocabulary, text_length: int
) -> Int32[np.ndarray, "R _"]:
    """(R, text_length + 1): each sentence cut to its first ``text_length`` words (D5), then EOS, then PAD."""
    rows = np.full((len(records), text_length + 1), PAD, dtype=np.int32)
    for row, record in zip(rows, records, strict=True):
        numbers = [*vocabulary.encode(record.text.split()[:text_length]), EOS]
        row[: len(numbers)] = numbers
    return rows


def _encode_features(records: list[Review], vocabulary: Vocabulary) -> Int32[np.ndarray, "R"]:
    numbers = [
        PAD if record.feature is None else vocabulary.encode([record.feature])[0] for record in records
    ]
    return np.array(numbers, dtype=np.int32)


def _numbered(names: list[str], table: list[str]) -> Int32[np.ndarray, "R"]:
    number_of = {name: number for number, name in enumerate(table)}
    return np.array([number_of[name] for name in names], dtype=np.int32)


def _unknown_share(words: Int32[np.ndarray, "R _"]) -> float:
    spoken = (words != PAD) & (words != EOS)
    return float((words[spoken] == UNK).mean()) if spoken.any() else 0.0
