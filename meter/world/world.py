"""The grounded world: items with known values, users with known taste, their reviews and photos."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from meter.errors import InputError
from meter.world.attributes import FEATURES, HOTEL, RESTAURANT
from meter.world.images.drawing import draw_photo
from meter.world.items import Item, random_items
from meter.world.ratings import draw_rating, expected_rating, mean_opinion
from meter.world.text.sentences import write_sentence
from meter.world.truth import TRUTH
from meter.world.users import User, random_users

UNSEEN = "unseen"


@dataclass(kw_only=True, slots=True)
class WorldConfig:
    """Size and noise of the world."""

    num_hotels: int = 240
    num_restaurants: int = 240
    """Items of each kind; every item has eight features with four possible values each."""
    num_users: int = 160
    """Users; each writes about the same number of reviews."""
    reviews_per_item: int = 16
    """Reviews of each item in train, validation and test together, by different users."""
    photos_per_item: int = 3
    """Photos of each item; every photo shows all its values."""
    hidden_features_per_item: int = 2
    """Features of each item that only reviews of the split ``unseen`` name."""
    unseen_reviews_per_item: int = 1
    """Reviews of each item in the split ``unseen``; each names a hidden feature."""
    rating_noise: float = 0.7
    """Standard deviation of a user's mood, in stars, added to the opinion before it is rounded to 1..5."""
    taste_strength: float = 0.2
    """Standard deviation over pairs of user and item of what taste adds to the rating, in stars."""
    held_out_share: float = 0.1
    """Share of the reviews in validation, and in test; the reviews of ``unseen`` are not counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Review:
    """One review, with mean and variance of its rating before it was drawn."""

    user: User
    item: Item
    feature: str
    text: str
    rating: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class _RandomStreams:
    """A generator for each part of the world, so that a change of one part leaves the others as they are."""

    users: np.random.Generator
    items: np.random.Generator
    reviews: np.random.Generator
    moods: np.random.Generator
    splits: np.random.Generator
    photos: np.random.Generator


def write_world(config: WorldConfig, image_size: int, seed: int, folder: Path) -> dict[str, Any]:
    """Writes a raw dataset folder (reviews, splits, photos) and ``truth.json``; the same seed gives the same bytes.

    image_size: side of the photos, pixels.
    Returns a summary: counts, the noise floor per split, and the share of repeated sentences.

    Raises:
        InputError: the config is impossible; names the field.
    """
    check_world(config, image_size)
    streams = _RandomStreams(*(np.random.default_rng([seed, part]) for part in range(6)))
    users = random_users(config.num_users, streams.users)
    counts = {HOTEL: config.num_hotels, RESTAURANT: config.num_restaurants}
    items = random_items(counts, config.hidden_features_per_item, streams.items)
    reviews = [
        review for hidden in (False, True) for review in _reviews(config, users, items, hidden, streams)
    ]
    num_ordinary = len(items) * config.reviews_per_item
    splits = _split(reviews[:num_ordinary], config.held_out_share, streams.splits)
    if len(reviews) > num_ordinary:
        splits[UNSEEN] = list(range(num_ordinary, len(reviews)))
    folder.mkdir(parents=True, exist_ok=True)
    _write_reviews(reviews, splits, folder)
    num_photos = _write_photos(items, config.photos_per_item, image_size, streams.photos, folder)
    noise_floor = {
        name: float(np.sqrt(np.mean([reviews[index].variance for index in indices]))) if indices else 0.0
        for name, indices in splits.items()
    }
    _write_truth(items, reviews, noise_floor, folder)
    return {
        "users": len(users),
        "items": len(items),
        "reviews": len(reviews),
        "photos": num_photos,
        "splits": {name: len(indices) for name, indices in splits.items()},
        "noise_floor": noise_floor,
        "duplicate_rate": 1 - len({review.text for review in reviews}) / len(reviews),
        "words": len({word for review in reviews for word in review.text.split()}),
    }


def check_world(config: WorldConfig, image_size: int) -> None:
    """Refuses an impossible world.

    Raises:
        InputError: names the field, its value and what was expected.
    """
    items = config.num_hotels + config.num_restaurants
    features = min(len(features) for features in FEATURES.values())
    rules = {
        "num_hotels + num_restaurants": (items, items >= 1, "1 or more"),
        "reviews_per_item": (config.reviews_per_item, config.reviews_per_item >= 1, "1 or more"),
        "num_users": (
            config.num_users,
            max(config.reviews_per_item, 1) <= config.num_users <= items * config.reviews_per_item,
            f"from reviews_per_item ({config.reviews_per_item}), since no user reviews an item twice, "
            f"up to the number of reviews ({items * config.reviews_per_item})",
        ),
        "photos_per_item": (config.photos_per_item, config.photos_per_item >= 0, "0 or more"),
        "hidden_features_per_item": (
            config.hidden_features_per_item,
            0 <= config.hidden_features_per_item < features,
            f"from 0 to {features - 1}",
        ),
        "unseen_reviews_per_item": (
            config.unseen_reviews_per_item,
            0
            <= config.unseen_reviews_per_item
            <= (config.num_users if config.hidden_features_per_item else 0),
            "from 0 to num_users, and 0 where hidden_features_per_item is 0",
        ),
        "rating_noise": (config.rating_noise, config.rating_noise >= 0, "0 or more"),
        "held_out_share": (
            config.held_out_share,
            0 <= config.held_out_share < 0.5,
            "at least 0 and below 0.5",
        ),
        "image_size": (image_size, 32 <= image_size <= 1024, "from 32 to 1024"),
    }
    for name, (value, valid, expected) in rules.items():
        if not valid:
            raise InputError(f"dataset.world: {name} is {value}; expected {expected}")


def _reviews(
    config: WorldConfig, users: list[User], items: list[Item], hidden: bool, streams: _RandomStreams
) -> Iterable[_Review]:
    """Reviews of every item, of its hidden features only or of the others only, shared evenly among the users."""
    count = config.unseen_reviews_per_item if hidden else config.reviews_per_item
    num_written = np.zeros(len(users))
    for item in items:
        features = [feature for feature in item.values if (feature in item.hidden) == hidden]
        authors = np.argsort(num_written + streams.reviews.random(len(users)))[:count]
        num_written[authors] += 1
        for author in authors:
            yield _review(config, users[author], item, features, streams)


def _review(
    config: WorldConfig, user: User, item: Item, features: list[str], streams: _RandomStreams
) -> _Review:
    interests = np.asarray([user.interests[feature] for feature in features])
    feature = features[streams.reviews.choice(len(features), p=interests / interests.sum())]
    value = item.values[feature]
    opinion = mean_opinion(user, item, config.taste_strength)
    expected = expected_rating(opinion, config.rating_noise)
    sentiment = user.sentiment(feature, value)
    return _Review(
        user=user,
        item=item,
        feature=feature,
        text=write_sentence(item.kind, feature, value, sentiment, user.style, streams.reviews),
        rating=draw_rating(opinion, config.rating_noise, streams.moods),
        mean=expected.mean,
        variance=expected.variance,
    )


def _split(reviews: list[_Review], share: float, generator: np.random.Generator) -> dict[str, list[int]]:
    """Holds out reviews at random, as long as train keeps others of the same user, and of the same item and feature.

    So every user and item is in train, and every pair of item and feature in validation and test is, too.
    """
    remaining = Counter(key for review in reviews for key in _kept_in_train(review))
    target = 2 * round(share * len(reviews))
    held_out: list[int] = []
    for index in generator.permutation(len(reviews)).tolist():
        keys = _kept_in_train(reviews[index])
        if len(held_out) < target and all(remaining[key] > 1 for key in keys):
            remaining.subtract(keys)
            held_out.append(index)
    train = sorted(set(range(len(reviews))).difference(held_out))
    return {"train": train, "validation": sorted(held_out[1::2]), "test": sorted(held_out[0::2])}


def _kept_in_train(review: _Review) -> list[tuple[str, ...]]:
    return [(review.user.name,), (review.item.name, review.feature)]


def _write_reviews(reviews: list[_Review], splits: Mapping[str, list[int]], folder: Path) -> None:
    _write_lines(
        folder / "reviews.jsonl",
        (
            {
                "user": review.user.name,
                "item": review.item.name,
                "rating": review.rating,
                "text": review.text,
                "feature": review.feature,
            }
            for review in reviews
        ),
    )
    (folder / "splits").mkdir(exist_ok=True)
    for name, indices in splits.items():
        (folder / "splits" / f"{name}.index").write_text(" ".join(map(str, indices)) + "\n", encoding="utf-8")


def _write_photos(
    items: list[Item], photos_per_item: int, size: int, generator: np.random.Generator, folder: Path
) -> int:
    (folder / "images").mkdir(exist_ok=True)
    photos = []
    for item in items:
        for number in range(photos_per_item):
            file = f"images/{item.name}-{number}.png"
            pixels = draw_photo(item.kind, item.values, size, generator)
            Image.fromarray(pixels).save(folder / file, compress_level=1)
            photos.append({"item": item.name, "file": file, "label": item.kind})
    _write_lines(folder / "images.jsonl", photos)
    return len(photos)


def _write_truth(
    items: list[Item], reviews: list[_Review], noise_floor: Mapping[str, float], folder: Path
) -> None:
    truth = {
        "features": FEATURES,
        "items": {item.name: {"kind": item.kind, "values": item.values} for item in items},
        "ratings": {"mean": [round(review.mean, 6) for review in reviews], "noise_floor": noise_floor},
    }
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def _write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in objects), encoding="utf-8")
