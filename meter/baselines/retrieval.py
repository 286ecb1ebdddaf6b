"""Retrieval, which writes and draws nothing: a rating by biases, the nearest training sentence about the feature, and a
photo of the item.

All three are what anybody would try first; a model is worth its training where it is better than they are.
"""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Int, Int64
from torch import Tensor

from meter.baselines.baseline import BaselineConfig
from meter.baselines.biases import fit_biases
from meter.baselines.photo_chooser import PhotoChooser
from meter.baselines.records import Records
from meter.errors import InputError
from meter.model.generation.config import DecodingConfig
from meter.model.generation.generate import Generated
from meter.model.system import System
from meter.storage.pretrained import read_pretrained

PHOTOS = "photos"
"""Folder beside the weights, where there are photos to choose from."""


@dataclass(kw_only=True, slots=True)
class RetrievalConfig(BaselineConfig):
    """How ratings and sentences are found."""

    num_records: int = 0
    """Training records; a training run fills it in."""
    dampings: list[float] = field(default_factory=lambda: [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1000.0])
    """Records of no bias that may be added to each user's, each item's and each feature word's; validation chooses. A
    thousand leave next to no bias."""
    rounds: int = 20
    """Times that the biases are fitted in turn."""
    rating_sees_feature: bool = False
    """Whether feature words have biases, too: what the word tells of the rating, for a fair look at METER with
    ``model.rating_from=feature`` or ``model.mask=prefix``."""

    def check(self) -> None:
        """Raises InputError where these settings find nothing."""
        BaselineConfig.check(self)
        if self.num_records < 1 or self.rounds < 1 or not self.dampings or min(self.dampings) < 0:
            raise InputError(
                "baselines.retrieval: expected training records, at least one round, and dampings of at least 0, "
                f"found {self.num_records} records, rounds={self.rounds}, dampings={list(self.dampings)}"
            )


class Retrieval(System):
    """r̂ = μ + b_u + b_i, and + b_f where wanted; a training record's sentence; a photo of the item.

    The sentence is that of the nearest: records of the same item and feature come first, then those of the same
    feature, then those of the same item, then all. Of these the nearest is that with the rating nearest to r̂; of
    several, that whose user and item have the nearest biases, |b_u − b_u'| + |b_i − b_i'|; of several still, the first
    in the training split.

    photos: chooses the picture for the sentence; None for a dataset without pictures.
    """

    needs_feature: ClassVar[bool] = True
    image_source: ClassVar[str] = "chosen photo"

    mean: Tensor
    user_biases: Tensor
    item_biases: Tensor
    feature_biases: Tensor
    users: Tensor
    items: Tensor
    features: Tensor
    ratings: Tensor
    words: Tensor

    def __init__(self, config: RetrievalConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        self.photos: PhotoChooser | None = None
        self.register_buffer("mean", torch.zeros((), dtype=torch.float64))
        self.register_buffer("user_biases", torch.zeros(config.num_users, dtype=torch.float64))
        self.register_buffer("item_biases", torch.zeros(config.num_items, dtype=torch.float64))
        self.register_buffer("feature_biases", torch.zeros(config.num_words, dtype=torch.float64))
        for name in ("users", "items", "features"):
            self.register_buffer(name, torch.zeros(config.num_records, dtype=torch.int32))
        self.register_buffer("ratings", torch.zeros(config.num_records, dtype=torch.float64))
        size = (config.num_records, config.text_length + 1)
        self.register_buffer("words", torch.zeros(size, dtype=torch.int32))

    @classmethod
    def fit(
        cls,
        config: RetrievalConfig,
        train: Records,
        validation: Records,
        photos: PhotoChooser | None = None,
    ) -> "Retrieval":
        """Biases whose damping validation chooses, the training records themselves, and photos where there are any."""
        retrieval = cls(dataclasses.replace(config, num_records=len(train.ratings)))
        sizes = {"items": config.num_items, "users": config.num_users}
        if config.rating_sees_feature:
            sizes["features"] = config.num_words
        biases = fit_biases(sizes, config.dampings, config.rounds, train, validation)
        retrieval.load_state_dict(
            {
                "mean": torch.tensor(biases.mean, dtype=torch.float64),
                "user_biases": torch.from_numpy(biases.tables["users"]),
                "item_biases": torch.from_numpy(biases.tables["items"]),
                "feature_biases": torch.from_numpy(biases.tables.get("features", np.zeros(config.num_words))),
                "ratings": torch.from_numpy(train.ratings),
                **{
                    name: torch.from_numpy(getattr(train, name))
                    for name in ("users", "items", "features", "words")
                },
            }
        )
        retrieval.photos = photos
        return retrieval.eval()

    @property
    def has_feature(self) -> bool:
        """Sentences are looked for by their feature word."""
        return self.needs_feature

    @cached_property
    def by_item(self) -> "Index":
        """The training records of each item."""
        return Index.of(self.items, self.config.num_items)

    @cached_property
    def by_feature(self) -> "Index":
        """The training records of each feature word."""
        return Index.of(self.features, self.config.num_words)

    @torch.no_grad()
    def generate(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None = None,
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
        pictures: bool = True,
    ) -> Generated:
        """The rating, the sentence that is found and the photo that is chosen for it; nothing is decoded."""
        assert features is not None
        ratings = (
            self.mean + self.user_biases[users] + self.item_biases[items] + self.feature_biases[features]
        )
        rows = [
            self.nearest(user, item, feature, rating)
            for user, item, feature, rating in zip(
                users.tolist(), items.tolist(), features.tolist(), ratings.tolist(), strict=True
            )
        ]
        words = self.words[torch.tensor(rows, device=self.words.device)].long()
        codes = self.photos.choose(items, words, features) if pictures and self.photos is not None else None
        return Generated(rating=ratings.float(), context=None, words=words, codes=codes)

    def nearest(self, user: int, item: int, feature: int, rating: float) -> int:
        """The training record whose sentence is copied."""
        of_item = self.by_item.rows(item)
        found = of_item[self.features[of_item] == feature]
        if not len(found):
            found = self.by_feature.rows(feature)
        if not len(found):
            found = of_item if len(of_item) else torch.arange(len(self.items), device=self.items.device)
        distances = (self.ratings[found] - rating).abs()
        found = found[distances == distances.min()]
        unlike = (self.user_biases[self.users[found]] - self.user_biases[user]).abs()
        unlike += (self.item_biases[self.items[found]] - self.item_biases[item]).abs()
        return int(found[unlike.argmin()])

    def save_pretrained(self, folder: Path | str, weights: dict[str, Tensor] | None = None) -> None:
        """Writes the photos, where there are any, then ``config.json`` and ``model.safetensors``."""
        weights = self.state_dict() if weights is None else weights
        if self.photos is not None:
            self.photos.save_pretrained(Path(folder) / PHOTOS)
        own = {name: weight for name, weight in weights.items() if not name.startswith("photos.")}
        super().save_pretrained(folder, own)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Retrieval":
        """Opens what ``save_pretrained`` wrote.

        Raises InputError where the files are missing, damaged or of another model.
        """
        saved = read_pretrained(folder, RetrievalConfig)
        retrieval = saved.load_into(cls(saved.config))
        if (Path(folder) / PHOTOS).exists():
            retrieval.photos = PhotoChooser.from_pretrained(Path(folder) / PHOTOS)
        return retrieval


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """Which rows of a column hold each number: ``order`` from ``starts`` of that number to those of the next."""

    order: Int64[Tensor, " N"]
    starts: list[int]

    @classmethod
    def of(cls, column: Int[Tensor, " N"], size: int) -> "Index":
        """Of a column of numbers below ``size``."""
        starts = torch.bincount(column, minlength=size).cumsum(0).tolist()
        return cls(order=column.argsort(stable=True), starts=[0, *starts])

    def rows(self, number: int) -> Int64[Tensor, " R"]:
        """The rows that hold a number, rising."""
        return self.order[self.starts[number] : self.starts[number + 1]]
