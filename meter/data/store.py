"""A prepared dataset: arrays mapped into memory, so that only what is used is read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from meter.data.images import PHOTOS, PIXELS
from meter.data.pairing import PhotoSets
from meter.data.vocabulary import Vocabulary
from meter.storage.json_file import read_json
from meter.storage.stage import Stage, open_stage
from meter.world.truth import Truth


@dataclass(kw_only=True, slots=True)
class Records:
    """The R kept records, one per index.

    users, items: indices into ``Prepared.users`` and ``Prepared.items``.
    ratings: on the dataset's scale.
    features: word ids; UNK if the word is unknown, PAD if the record has none.
    words: (R, n + 1) word ids: the sentence cut to n words, then EOS, then PAD.
    lengths: number of words before EOS, at most n.
    photos: indices into ``Photos``, -1 if the record has none.
    photo_sets: indices into ``Prepared.photo_sets``: photos that suit the record equally well, -1 if it has none.
    lines: the record's number in the raw file, counted from 0.
    """

    users: Int32[np.ndarray, "R"]
    items: Int32[np.ndarray, "R"]
    ratings: Float32[np.ndarray, "R"]
    features: Int32[np.ndarray, "R"]
    words: Int32[np.ndarray, "R _"]
    lengths: Int32[np.ndarray, "R"]
    photos: Int32[np.ndarray, "R"]
    photo_sets: Int32[np.ndarray, "R"]
    lines: Int32[np.ndarray, "R"]


@dataclass(kw_only=True, slots=True)
class Photos:
    """The P photos, decoded.

    pixels: RGB, 0 to 255.
    entries: for each photo its ``item``, ``file``, ``label`` and ``caption``.
    hash: hash of their stage.
    """

    pixels: UInt8[np.ndarray, "P S S 3"]
    entries: list[dict[str, str | None]]
    hash: str

    @classmethod
    def open(cls, folder: Path) -> "Photos":
        return cls(
            pixels=np.load(folder / PIXELS, mmap_mode="r"),
            entries=read_json(folder / PHOTOS),
            hash=open_stage(folder).hash,
        )


@dataclass(kw_only=True, slots=True)
class Prepared:
    """Everything that training and evaluation use of a dataset.

    stage: folder, hash and summary (what was read and dropped, sizes and shares).
    photos: None for a dataset without pictures.
    features: the distinct feature words, in alphabetical order.
    photo_sets: the sets of photos that records are paired from.
    splits: name -> indices into ``records``; every record is in exactly one split.
    truth: the truth of a synthetic world, otherwise None.
    sentence_bytes, sentence_offsets: all whole sentences in UTF-8; sentence r is from offset r to offset r + 1.
    """

    stage: Stage
    photos: Photos | None
    vocabulary: Vocabulary
    users: list[str]
    items: list[str]
    features: list[str]
    records: Records
    photo_sets: PhotoSets
    splits: dict[str, Int32[np.ndarray, "_"]]
    truth: Truth | None
    sentence_bytes: UInt8[np.ndarray, "_"]
    sentence_offsets: Int64[np.ndarray, "_"]

    @property
    def folder(self) -> Path:
        return self.stage.folder

    def __len__(self) -> int:
        return len(self.records.users)

    def sentence(self, index: int) -> str:
        """The whole tokenized sentence of a record, uncut, words separated by one blank."""
        start, end = self.sentence_offsets[index], self.sentence_offsets[index + 1]
        return self.sentence_bytes[start:end].tobytes().decode("utf-8")

    def feature(self, index: int) -> str | None:
        """The feature word of a record; ``<unk>`` if it is unknown, None if the record has none."""
        words = self.vocabulary.decode([int(self.records.features[index])])
        return words[0] if words else None

    @classmethod
    def open(cls, folder: Path, photos_folder: Path | None) -> "Prepared":
        """Opens a prepared stage with the stage of its photos (None if it was prepared without)."""
        names = Records.__dataclass_fields__
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
        truth = folder / "truth.json"
        return cls(
            stage=open_stage(folder),
            photos=None if photos_folder is None else Photos.open(photos_folder),
            vocabulary=Vocabulary.load(folder / "vocabulary.json"),
            users=read_json(folder / "users.json"),
            items=read_json(folder / "items.json"),
            features=read_json(folder / "features.json"),
            records=Records(**arrays),
            photo_sets=PhotoSets(
                offsets=np.load(folder / "set_offsets.npy"), members=np.load(folder / "set_members.npy")
            ),
            splits={
                name: np.load(folder / f"split_{name}.npy") for name in read_json(folder / "splits.json")
            },
            truth=Truth.load(truth) if truth.exists() else None,
            sentence_bytes=np.load(folder / "sentences.npy", mmap_mode="r"),
            sentence_offsets=np.load(folder / "offsets.npy", mmap_mode="r"),
        )
