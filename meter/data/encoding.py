"""Writes reviews as integer arrays, with the tables of names that the integers point into."""

from collections.abc import Sequence
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
class NameTables:
    """The names of users, items, feature words and words; the index of a name is its id."""

    users: list[str]
    items: list[str]
    features: list[str]
    vocabulary: Vocabulary

    @classmethod
    def of(cls, reviews: Reviews, *, vocabulary_size: int, vocabulary_from: VocabularySource) -> "NameTables":
        """Users and items of all records, sorted; words and feature words of the splits ``vocabulary_from``."""
        known = reviews.records
        if vocabulary_from is VocabularySource.train:
            known = [reviews.records[index] for index in reviews.splits["train"]]
        return cls(
            users=sorted({record.user for record in reviews.records}),
            items=sorted({record.item for record in reviews.records}),
            features=sorted({record.feature for record in known if record.feature is not None}),
            vocabulary=Vocabulary.count(
                (record.text for record in known), (record.feature for record in known), vocabulary_size
            ),
        )


def write_prepared(
    folder: Path, reviews: Reviews, tables: NameTables, paired: Paired | None, *, text_length: int
) -> dict[str, Any]:
    """Fills the folder of the prepared stage; returns its summary, with all counts."""
    records = reviews.records
    words = encode_sentences([record.text for record in records], tables.vocabulary, text_length)
    features = _encode_features(records, tables.vocabulary)
    paired = paired or Paired.without_photos(len(records))
    arrays = {
        "users": _indices([record.user for record in records], tables.users),
        "items": _indices([record.item for record in records], tables.items),
        "ratings": np.array([record.rating for record in records], dtype=np.float32),
        "features": features,
        "words": words,
        "lengths": np.count_nonzero((words != PAD) & (words != EOS), axis=1).astype(np.int32),
        "photos": paired.photos,
        "photo_sets": paired.set_of_record,
        "lines": np.array(reviews.numbers, dtype=np.int32),
    }
    blobs = [record.text.encode("utf-8") for record in records]
    arrays["sentences"] = np.frombuffer(b"".join(blobs), dtype=np.uint8)
    arrays["set_offsets"], arrays["set_members"] = paired.sets.offsets, paired.sets.members
    arrays["offsets"] = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    splits = {name: np.array(indices, dtype=np.int32) for name, indices in reviews.splits.items()}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    for name, indices in splits.items():
        np.save(folder / f"split_{name}.npy", indices)
    write_json(folder / "splits.json", list(splits))
    for name in ("users", "items", "features"):
        write_json(folder / f"{name}.json", getattr(tables, name))
    tables.vocabulary.save(folder / "vocabulary.json")
    return {
        "reviews": reviews.counts.as_dict(),
        "splits": {name: len(indices) for name, indices in splits.items()},
        "users": len(tables.users),
        "items": len(tables.items),
        "words": len(tables.vocabulary),
        "features": len(tables.features),
        "mean_rating": float(arrays["ratings"].mean()),
        "mean_length": sum(len(record.text.split()) for record in records) / len(records),
        "cut_sentences": sum(len(record.text.split()) > text_length for record in records),
        "repeated_sentences": len(records) - len({record.text for record in records}),
        "records_without_feature": int((features == PAD).sum()),
        "records_with_unknown_feature": int((features == UNK).sum()),
        "records_without_photo": int((paired.photos == NO_PHOTO).sum()),
        "unknown_words": {name: _unknown_share(words[indices]) for name, indices in splits.items()},
        "pairing": paired.counts,
    }


def encode_sentences(
    texts: Sequence[str], vocabulary: Vocabulary, text_length: int
) -> Int32[np.ndarray, "R _"]:
    """(R, text_length + 1): each sentence cut to its first ``text_length`` words (D5), then EOS, then PAD."""
    rows = np.full((len(texts), text_length + 1), PAD, dtype=np.int32)
    for row, text in zip(rows, texts, strict=True):
        ids = [*vocabulary.encode(text.split()[:text_length]), EOS]
        row[: len(ids)] = ids
    return rows


def _encode_features(records: list[Review], vocabulary: Vocabulary) -> Int32[np.ndarray, "R"]:
    ids = [PAD if record.feature is None else vocabulary.encode([record.feature])[0] for record in records]
    return np.array(ids, dtype=np.int32)


def _indices(names: list[str], table: list[str]) -> Int32[np.ndarray, "R"]:
    index_of = {name: index for index, name in enumerate(table)}
    return np.array([index_of[name] for name in names], dtype=np.int32)


def _unknown_share(words: Int32[np.ndarray, "R _"]) -> float:
    real = (words != PAD) & (words != EOS)
    return float((words[real] == UNK).mean()) if real.any() else 0.0
