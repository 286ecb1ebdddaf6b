"""The grounded world: places with known values, guests with known taste, and what they say and photograph."""

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
from meter.world.items import Place, random_places
from meter.world.ratings import give_stars, inclination, outlook
from meter.world.text.sentences import say
from meter.world.truth import TRUTH
from meter.world.users import Guest, random_guests

UNSEEN = "unseen"


@dataclass(kw_only=True, slots=True)
class WorldConfig:
    """How large the world is and how clearly it speaks."""

    num_hotels: int = 240
    num_restaurants: int = 240
    """Places of each kind; every place has eight features with four values each."""
    num_users: int = 160
    """Guests; each writes about the same number of reviews."""
    reviews_per_item: int = 16
    """Reviews of each item for train, validation and test together, by different guests."""
    photos_per_item: int = 3
    """Photos of each item; every photo shows all its values."""
    hidden_features_per_item: int = 2
    """Features of each item that no review outside the split ``unseen`` names."""
    unseen_reviews_per_item: int = 1
    """Reviews of each item in the split ``unseen``; each names a hidden feature."""
    rating_noise: float = 0.7
    """Standard deviation of a guest's mood, in stars, added to the opinion before it is rounded to 1..5."""
    taste_strength: float = 0.2
    """Standard deviation over pairs of guest and place of what taste adds to the rating, in stars."""
    held_out_share: float = 0.1
    """Share of the reviews that validation and test get, each; unseen reviews come on top."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Visit:
    """One review and what could be known of its rating."""

    guest: Guest
    place: Place
    feature: str
    text: str
    rating: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class _Chance:
    """A stream of chance for each part of the world, so that a change in one leaves the others as they were."""

    guests: np.random.Generator
    places: np.random.Generator
    visits: np.random.Generator
    moods: np.random.Generator
    splits: np.random.Generator
    photos: np.random.Generator


def write_world(config: WorldConfig, image_size: int, seed: int, folder: Path) -> dict[str, Any]:
    """Writes a raw dataset folder (reviews, splits, photos) and ``truth.json``; the same seed gives the same bytes.

    image_size: side of the photos, pixels.
    Returns what was written: counts, the noise floor per split, and the share of repeated sentences.

    Raises:
        InputError: for a world that cannot be, naming the field.
    """
    check_world(config, image_size)
    chance = _Chance(*(np.random.default_rng([seed, part]) for part in range(6)))
    guests = random_guests(config.num_users, chance.guests)
    counts = {HOTEL: config.num_hotels, RESTAURANT: config.num_restaurants}
    places = random_places(counts, config.hidden_features_per_item, chance.places)
    visits = [visit for hidden in (False, True) for visit in _visits(config, guests, places, hidden, chance)]
    ordinary = len(places) * config.reviews_per_item
    splits = _split(visits[:ordinary], config.held_out_share, chance.splits)
    if len(visits) > ordinary:
        splits[UNSEEN] = list(range(ordinary, len(visits)))
    folder.mkdir(parents=True, exist_ok=True)
    _write_reviews(visits, splits, folder)
    num_photos = _write_photos(places, config.photos_per_item, image_size, chance.photos, folder)
    floor = {
        name: float(np.sqrt(np.mean([visits[line].variance for line in lines]))) if lines else 0.0
        for name, lines in splits.items()
    }
    _write_truth(places, visits, floor, folder)
    return {
        "users": len(guests),
        "items": len(places),
        "reviews": len(visits),
        "photos": num_photos,
        "splits": {name: len(lines) for name, lines in splits.items()},
        "noise_floor": floor,
        "duplicate_rate": 1 - len({visit.text for visit in visits}) / len(visits),
        "words": len({word for visit in visits for word in visit.text.split()}),
    }


def check_world(config: WorldConfig, image_size: int) -> None:
    """Refuses a world that cannot be.

    Raises:
        InputError: naming the field, its value and what it may be.
    """
    items = config.num_hotels + config.num_restaurants
    features = min(len(features) for features in FEATURES.values())
    rules = {
        "num_hotels + num_restaurants": (items, items >= 1, "1 or more"),
        "reviews_per_item": (config.reviews_per_item, config.reviews_per_item >= 1, "1 or more"),
        "num_users": (
            config.num_users,
            max(config.reviews_per_item, 1) <= config.num_users <= items * config.reviews_per_item,
            f"from reviews_per_item ({config.reviews_per_item}), since nobody reviews an item twice, "
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
    for name, (value, fits, expected) in rules.items():
        if not fits:
            raise InputError(f"this world cannot be: {name} is {value}; expected {expected}")


def _visits(
    config: WorldConfig,
    guests: list[Guest],
    places: list[Place],
    hidden: bool,
    chance: _Chance,
) -> Iterable[_Visit]:
    """Reviews of every place, of its hidden features only or of the others only, shared evenly over the guests."""
    count = config.unseen_reviews_per_item if hidden else config.reviews_per_item
    written = np.zeros(len(guests))
    for place in places:
        features = [feature for feature in place.values if (feature in place.hidden) == hidden]
        authors = np.argsort(written + chance.visits.random(len(guests)))[:count]
        written[authors] += 1
        for author in authors:
            yield _visit(config, guests[author], place, features, chance)


def _visit(config: WorldConfig, guest: Guest, place: Place, features: list[str], chance: _Chance) -> _Visit:
    interests = np.asarray([guest.interests[feature] for feature in features])
    feature = features[chance.visits.choice(len(features), p=interests / interests.sum())]
    value = place.values[feature]
    inclined = inclination(guest, place, config.taste_strength)
    expected = outlook(inclined, config.rating_noise)
    return _Visit(
        guest=guest,
        place=place,
        feature=feature,
        text=say(place.kind, feature, value, guest.sentiment(feature, value), guest.style, chance.visits),
        rating=give_stars(inclined, config.rating_noise, chance.moods),
        mean=expected.mean,
        variance=expected.variance,
    )


def _split(visits: list[_Visit], share: float, generator: np.random.Generator) -> dict[str, list[int]]:
    """Test and validation take reviews by chance, so long as train keeps others of the same guest and feature.

    So a pair of item and feature that they ask for is one that training speaks of, and every guest and item is there.
    """
    left = Counter(key for visit in visits for key in _kept_in_train(visit))
    wanted = 2 * round(share * len(visits))
    taken: list[int] = []
    for line in generator.permutation(len(visits)).tolist():
        keys = _kept_in_train(visits[line])
        if len(taken) < wanted and all(left[key] > 1 for key in keys):
            left.subtract(keys)
            taken.append(line)
    train = sorted(set(range(len(visits))).difference(taken))
    return {"train": train, "validation": sorted(taken[1::2]), "test": sorted(taken[0::2])}


def _kept_in_train(visit: _Visit) -> list[tuple[str, ...]]:
    return [(visit.guest.name,), (visit.place.name, visit.feature)]


def _write_reviews(visits: list[_Visit], splits: Mapping[str, list[int]], folder: Path) -> None:
    _write_lines(
        folder / "reviews.jsonl",
        (
            {
                "user": visit.guest.name,
                "item": visit.place.name,
                "rating": visit.rating,
                "text": visit.text,
                "feature": visit.feature,
            }
            for visit in visits
        ),
    )
    (folder / "splits").mkdir(exist_ok=True)
    for name, lines in splits.items():
        (folder / "splits" / f"{name}.index").write_text(" ".join(map(str, lines)) + "\n", encoding="utf-8")


def _write_photos(
    places: list[Place], photos_per_item: int, size: int, generator: np.random.Generator, folder: Path
) -> int:
    (folder / "images").mkdir(exist_ok=True)
    photos = []
    for place in places:
        for number in range(photos_per_item):
            file = f"images/{place.name}-{number}.png"
            pixels = draw_photo(place.kind, place.values, size, generator)
            Image.fromarray(pixels).save(folder / file, compress_level=1)
            photos.append({"item": place.name, "file": file, "label": place.kind})
    _write_lines(folder / "images.jsonl", photos)
    return len(photos)


def _write_truth(places: list[Place], visits: list[_Visit], floor: Mapping[str, float], folder: Path) -> None:
    truth = {
        "features": FEATURES,
        "items": {place.name: {"kind": place.kind, "values": place.values} for place in places},
        "ratings": {"mean": [round(visit.mean, 6) for visit in visits], "noise_floor": floor},
    }
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def _write_lines(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in objects), encoding="utf-8")
