"""The rows of a run's tables: users, items, feature words, neighbours."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from meter.data.catalogue import Catalogue
from meter.notebook.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class UserRow:
    """A user. reviews: training records.  mean_rating: of these; None without any."""

    name: str
    reviews: int
    mean_rating: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemRow:
    """An item. reviews: training records.  mean_rating: of these.  photos: those that suit them."""

    name: str
    reviews: int
    mean_rating: float | None
    photos: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureRow:
    """A feature word. reviews: training records about it, of one item or of all.  items: with such a record."""

    name: str
    reviews: int
    items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NeighbourRow:
    """An item near another. similarity: cosine of the vectors that the model learned for both, from −1 to 1."""

    name: str
    similarity: float


def user_rows(names: list[str], catalogue: Catalogue) -> Table[UserRow]:
    """All users, in the order of the model's table."""
    return Table(
        UserRow,
        (
            UserRow(name=name, reviews=reviews, mean_rating=rating)
            for name, reviews, rating in zip(
                names, catalogue.user_reviews, catalogue.user_ratings, strict=True
            )
        ),
    )


def item_rows(names: list[str], catalogue: Catalogue) -> Table[ItemRow]:
    """All items, in the order of the model's table."""
    return Table(
        ItemRow,
        (
            ItemRow(name=name, reviews=reviews, mean_rating=rating, photos=len(set().union(*photos.values())))
            for name, reviews, rating, photos in zip(
                names, catalogue.item_reviews, catalogue.item_ratings, catalogue.item_photos, strict=True
            )
        ),
    )


def feature_rows(catalogue: Catalogue, item: int | None) -> Table[FeatureRow]:
    """The feature words of one item (a row of the model's table), or of all; the most frequent first."""
    chosen = catalogue.item_features if item is None else [catalogue.item_features[item]]
    reviews: dict[str, int] = {}
    items: dict[str, int] = {}
    for counts in chosen:
        for name, count in counts.items():
            reviews[name] = reviews.get(name, 0) + count
            items[name] = items.get(name, 0) + 1
    ranked = sorted(reviews, key=lambda name: (-reviews[name], name))
    return Table(
        FeatureRow, (FeatureRow(name=name, reviews=reviews[name], items=items[name]) for name in ranked)
    )


def neighbour_rows(
    vectors: Float[Tensor, "I D"], names: list[str], item: int, count: int
) -> Table[NeighbourRow]:
    """The items whose vectors are closest to that of one, the closest first."""
    similarities = F.cosine_similarity(vectors[item], vectors.float())
    similarities[item] = -torch.inf
    nearest = similarities.topk(min(count, len(names) - 1))
    return Table(
        NeighbourRow,
        (
            NeighbourRow(name=names[row], similarity=similarity)
            for row, similarity in zip(nearest.indices.tolist(), nearest.values.tolist(), strict=True)
        ),
    )
