"""The grounded world: items with known values, users with known taste, their reviews and photos."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from meter.errors import InputError
from meter.world.attributes import FEATURES, HOTEL, RESTAURANT, VALUES, VISIT_FEATURES
from meter.world.items import Item, random_items
from meter.world.photos import Album, Photo, plan_photos, write_photos
from meter.world.reviews import Review, ReviewStreams, random_reviews, split_reviews
from meter.world.truth import Truth
from meter.world.users import random_users

UNSEEN = "unseen"


@dataclass(kw_only=True, slots=True)
class WorldConfig:
    """Size and noise of the world."""

    num_hotels: int = 240
    """Hotels; every item has eight features with four possible values each."""
    num_restaurants: int = 240
    """Restaurants."""
    num_users: int = 160
    """Users; each writes about the same number of reviews."""
    reviews_per_item: int = 16
    """Reviews of each item in train, validation and test together, by different users."""
    offered_values: int = 1
    """Values that an item offers of a dish, a drink, flowers and a view (``VISIT_FEATURES``). With 1 they are the
    item's own, like all others; with more, each guest takes one by taste, says it, and the photo shows it."""
    photos_per_item: int = 3
    """Wide photos of each item; every one shows a value of all its features."""
    detail_photos: int = 0
    """Details of each value that an item offers: photos that show this one feature close up, and no other."""
    photo_variation: float = 1.0
    """How much photos of one thing differ in position, scale, light and grain; 0 takes all from one place. Furniture
    that says nothing of the item (the wood, the picture's frame, pillows or shelf) differs in any case."""
    close_ups: float = 0.5
    """Share of users whose reviews come with details, where there are any; the others' come with wide photos."""
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


@dataclass(frozen=True, slots=True)
class _RandomStreams:
    """A generator for each part of the world, so that a change of one part leaves the others as they are."""

    users: np.random.Generator
    items: np.random.Generator
    reviews: np.random.Generator
    moods: np.random.Generator
    splits: np.random.Generator
    photos: np.random.Generator
    offers: np.random.Generator
    choices: np.random.Generator
    photographers: np.random.Generator
    visits: np.random.Generator
    details: np.random.Generator


def write_world(config: WorldConfig, image_size: int, seed: int, folder: Path) -> dict[str, Any]:
    """Writes a raw dataset folder (reviews, splits, photos) and ``truth.json``; the same seed gives the same bytes.

    image_size: side of the photos, pixels.
    Returns a summary: counts, the noise floor per split, and the share of repeated sentences.

    Raises:
        InputError: the config is impossible; names the field.
    """
    check_world(config, image_size)
    streams = _RandomStreams(
        *(np.random.default_rng([seed, part]) for part in range(len(fields(_RandomStreams))))
    )
    users = random_users(config.num_users, config.close_ups, streams.users, streams.photographers)
    counts = {HOTEL: config.num_hotels, RESTAURANT: config.num_restaurants}
    items = random_items(
        counts, config.hidden_features_per_item, config.offered_values, streams.items, streams.offers
    )
    draws = ReviewStreams(reviews=streams.reviews, choices=streams.choices, moods=streams.moods)
    reviews = [
        review
        for hidden, count in ((False, config.reviews_per_item), (True, config.unseen_reviews_per_item))
        for review in random_reviews(
            users,
            items,
            count,
            draws,
            hidden=hidden,
            taste_strength=config.taste_strength,
            rating_noise=config.rating_noise,
        )
    ]
    num_ordinary = len(items) * config.reviews_per_item
    splits = split_reviews(reviews[:num_ordinary], config.held_out_share, streams.splits)
    if len(reviews) > num_ordinary:
        splits[UNSEEN] = list(range(num_ordinary, len(reviews)))
    noise_floor = {
        name: round(float(np.sqrt(np.mean([reviews[index].variance for index in indices]))), 6)
        if indices
        else 0.0
        for name, indices in splits.items()
    }
    photos = plan_photos(items, config.photos_per_item, config.detail_photos, streams.visits)
    folder.mkdir(parents=True, exist_ok=True)
    _write_reviews(reviews, _photos_of_reviews(config, reviews, photos), folder)
    _write_splits(splits, folder)
    _write_photos(config, photos, image_size, streams, folder)
    _truth(config, items, reviews, photos, noise_floor).save(folder)
    return {
        "users": len(users),
        "items": len(items),
        "reviews": len(reviews),
        "photos": len(photos),
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
    choices = min(len(VALUES[feature]) for feature in VISIT_FEATURES)
    rules = {
        "num_hotels + num_restaurants": (items, items >= 1, "1 or more"),
        "reviews_per_item": (config.reviews_per_item, config.reviews_per_item >= 1, "1 or more"),
        "num_users": (
            config.num_users,
            max(config.reviews_per_item, 1) <= config.num_users <= items * config.reviews_per_item,
            f"from reviews_per_item ({config.reviews_per_item}), since no user reviews an item twice, "
            f"up to the number of reviews ({items * config.reviews_per_item})",
        ),
        "offered_values": (
            config.offered_values,
            1 <= config.offered_values <= choices,
            f"from 1 to {choices}",
        ),
        "photos_per_item": (
            config.photos_per_item,
            config.photos_per_item >= config.offered_values
            or (config.photos_per_item == 0 and config.detail_photos == 0),
            f"offered_values ({config.offered_values}) or more, so that every value is shown, or 0 and no details",
        ),
        "detail_photos": (config.detail_photos, config.detail_photos >= 0, "0 or more"),
        "photo_variation": (config.photo_variation, 0 <= config.photo_variation <= 1, "from 0 to 1"),
        "close_ups": (config.close_ups, 0 <= config.close_ups <= 1, "from 0 to 1"),
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


def _photos_of_reviews(
    config: WorldConfig, reviews: list[Review], photos: list[Photo]
) -> list[list[str]] | None:
    """The photos that suit each review; None where all photos of an item suit all its reviews."""
    if not photos or (config.offered_values == 1 and config.detail_photos == 0):
        return None
    album = Album(photos)
    return [
        album.suitable(
            review.item.name,
            review.feature,
            review.value,
            close_up=review.user.close_up and config.detail_photos > 0,
        )
        for review in reviews
    ]


def _write_reviews(reviews: list[Review], photos: list[list[str]] | None, folder: Path) -> None:
    _write_lines(
        folder / "reviews.jsonl",
        (
            {
                "user": review.user.name,
                "item": review.item.name,
                "rating": review.rating,
                "text": review.text,
                "feature": review.feature,
                **({} if photos is None else {"image": photos[index]}),
            }
            for index, review in enumerate(reviews)
        ),
    )


def _write_splits(splits: Mapping[str, list[int]], folder: Path) -> None:
    (folder / "splits").mkdir(exist_ok=True)
    for name, indices in splits.items():
        (folder / "splits" / f"{name}.index").write_text(" ".join(map(str, indices)) + "\n", encoding="utf-8")


def _write_photos(
    config: WorldConfig, photos: list[Photo], size: int, streams: _RandomStreams, folder: Path
) -> None:
    write_photos(photos, size, streams.photos, streams.details, folder, variation=config.photo_variation)
    entries = ({"item": photo.item, "file": photo.file, "label": photo.label} for photo in photos)
    _write_lines(folder / "images.jsonl", entries)


def _truth(
    config: WorldConfig,
    items: list[Item],
    reviews: list[Review],
    photos: list[Photo],
    noise_floor: Mapping[str, float],
) -> Truth:
    return Truth(
        features=FEATURES,
        visit_features=VISIT_FEATURES if config.offered_values > 1 else (),
        kinds={item.name: item.kind for item in items},
        values={item.name: item.offers for item in items},
        shows={photo.file: photo.shows for photo in photos},
        said=[review.value for review in reviews],
        mean_ratings=[round(review.mean, 6) for review in reviews],
        noise_floor=noise_floor,
    )


def _write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in objects), encoding="utf-8")
