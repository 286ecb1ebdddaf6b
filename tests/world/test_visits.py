"""Values that belong to a visit, and photos of details: what the picture has to listen for."""

import itertools
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from meter.world import Truth, WorldConfig, read_image, read_text, write_world
from meter.world.attributes import FEATURES, VALUES, VISIT_FEATURES
from meter.world.images.drawing import draw, draw_close_up
from meter.world.images.viewpoint import Viewpoint
from meter.world.users import random_users
from tests.world.test_world import read_lines, read_splits, small_world

NUM_WIDE, NUM_DETAILS, OFFERED = 5, 2, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    config = small_world(offered_values=OFFERED, photos_per_item=NUM_WIDE, detail_photos=NUM_DETAILS)
    write_world(config, image_size=32, seed=3, folder=folder)
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Many reviews of items that offer two values, without photos."""
    folder = tmp_path_factory.mktemp("large_visits")
    write_world(WorldConfig(offered_values=2, photos_per_item=0), image_size=64, seed=1, folder=folder)
    return folder


@pytest.fixture(scope="module")
def photos(folder) -> dict[str, dict]:
    """Entries of the manifest by file."""
    return {photo["file"]: photo for photo in read_lines(folder / "images.jsonl")}


def is_detail(photo: dict) -> bool:
    return photo["label"] in VALUES


def test_an_item_offers_several_values_of_a_visit_and_one_of_all_else(folder):
    truth = Truth.load(folder)
    assert tuple(truth.visit_features) == VISIT_FEATURES
    for item, values in truth.values.items():
        assert values.keys() == FEATURES[truth.kinds[item]].keys()
        for feature, offered in values.items():
            assert len(set(offered)) == len(offered) == (OFFERED if feature in VISIT_FEATURES else 1)
            assert set(offered) <= set(VALUES[feature])


def test_the_fixed_values_are_those_of_the_world_without_visits(folder, tmp_path):
    write_world(small_world(photos_per_item=0), image_size=32, seed=3, folder=tmp_path)
    before, after = Truth.load(tmp_path), Truth.load(folder)
    for item, values in before.values.items():
        for feature, (value,) in values.items():
            assert after.values[item][feature][0] == value


def test_every_review_says_a_value_that_the_item_offers(folder):
    truth = Truth.load(folder)
    for review, said in zip(read_lines(folder / "reviews.jsonl"), truth.said, strict=True):
        assert read_text(review["text"]) == {review["feature"]: said}
        assert said in truth.possible(review["item"], review["feature"])


def test_guests_take_either_of_two_offers_and_rather_what_they_like(large):
    reviews, truth = read_lines(large / "reviews.jsonl"), Truth.load(large)
    taken: dict[tuple[str, str], Counter[str]] = {}
    for review, said in zip(reviews, truth.said, strict=True):
        if review["feature"] in VISIT_FEATURES:
            taken.setdefault((review["item"], review["feature"]), Counter())[said] += 1
    often = [counts for counts in taken.values() if counts.total() >= 4]
    assert len(often) > 100
    assert np.mean([len(counts) == 2 for counts in often]) > 0.75
    user = random_users(1, 0.5, np.random.default_rng(0), np.random.default_rng(1))[0]
    for feature in VISIT_FEATURES:
        for pair in itertools.combinations(VALUES[feature], 2):
            liked = max(pair, key=user.taste[feature].__getitem__)
            chances = dict(zip(pair, user.choice(feature, pair), strict=True))
            assert 0.5 <= chances[liked] < 0.99


def test_choice_and_expected_taste_by_hand():
    user = random_users(1, 0.5, np.random.default_rng(0), np.random.default_rng(1))[0]
    user.taste["dish"].update(pasta=math.log(3), salad=0.0)
    np.testing.assert_allclose(user.choice("dish", ["pasta", "salad"]), [0.75, 0.25])
    assert user.expected_taste("dish", ["pasta", "salad"]) == pytest.approx(0.75 * math.log(3))
    assert user.expected_taste("dish", ["pasta"]) == math.log(3)


def test_the_noise_floor_stays_what_the_best_predictor_gets(large):
    reviews, truth = read_lines(large / "reviews.jsonl"), Truth.load(large)
    ratings, means = np.asarray([review["rating"] for review in reviews]), np.asarray(truth.mean_ratings)
    for name, lines in read_splits(large).items():
        errors = ratings[lines] - means[lines]
        squares = np.square(errors)
        spread = squares.std() / math.sqrt(len(lines))
        assert truth.noise_floor[name] ** 2 == pytest.approx(squares.mean(), abs=4 * spread)
        assert errors.mean() == pytest.approx(0, abs=4 * errors.std() / math.sqrt(len(lines)))
    # the rating does not tell what was taken: given user and item, those of both values have the mean
    second = np.asarray(
        [
            said != truth.possible(review["item"], review["feature"])[0]
            for review, said in zip(reviews, truth.said, strict=True)
        ]
    )
    errors = (ratings - means)[second]
    assert len(errors) > 500
    assert errors.mean() == pytest.approx(0, abs=4 * errors.std() / math.sqrt(len(errors)))


def test_every_photo_shows_what_the_truth_says_and_nothing_else(folder, photos):
    truth = Truth.load(folder)
    assert truth.shows.keys() == photos.keys()
    for file, photo in photos.items():
        shows = read_image(np.asarray(Image.open(folder / file)))
        assert shows == truth.shows[file]
        assert shows.keys() == ({photo["label"]} if is_detail(photo) else FEATURES[photo["label"]].keys())
        assert all(value in truth.possible(photo["item"], feature) for feature, value in shows.items())


def test_every_offered_value_is_drawn_evenly_in_wide_photos_and_as_details(folder, photos):
    truth = Truth.load(folder)
    shown: dict[tuple[str, str, bool], Counter[str]] = {}
    for file, photo in photos.items():
        for feature, value in truth.shows[file].items():
            shown.setdefault((photo["item"], feature, is_detail(photo)), Counter())[value] += 1
    for item, values in truth.values.items():
        for feature, offered in values.items():
            wide, close = shown[item, feature, False], shown[item, feature, True]
            assert wide.keys() == close.keys() == set(offered)
            assert wide.total() == NUM_WIDE
            assert max(wide.values()) - min(wide.values()) <= 1
            assert set(close.values()) == {NUM_DETAILS}


def test_all_photos_of_a_review_suit_it_and_none_is_left_out(folder, photos):
    truth = Truth.load(folder)
    for review, said in zip(read_lines(folder / "reviews.jsonl"), truth.said, strict=True):
        close = {is_detail(photos[file]) for file in review["image"]}
        assert len(close) == 1
        suitable = {
            file
            for file, photo in photos.items()
            if photo["item"] == review["item"]
            and is_detail(photo) in close
            and truth.shows[file].get(review["feature"]) == said
        }
        assert set(review["image"]) == suitable
        assert len(review["image"]) == len(suitable)


def test_half_of_the_guests_photograph_details_and_always_do(folder, photos):
    habits: dict[str, set[bool]] = {}
    for review in read_lines(folder / "reviews.jsonl"):
        habits.setdefault(review["user"], set()).add(is_detail(photos[review["image"][0]]))
    assert all(len(habit) == 1 for habit in habits.values())
    assert sum(habit == {True} for habit in habits.values()) == len(habits) / 2


def test_the_photos_of_a_set_come_first_in_turn(folder):
    first: dict[frozenset[str], Counter[str]] = {}
    for review in read_lines(folder / "reviews.jsonl"):
        first.setdefault(frozenset(review["image"]), Counter())[review["image"][0]] += 1
    assert max(counts.total() for counts in first.values()) > NUM_WIDE
    for files, counts in first.items():
        numbers = [counts[file] for file in files]
        assert max(numbers) - min(numbers) <= 1


def test_a_detail_of_a_hidden_feature_exists_and_is_in_no_training_pair(folder, photos):
    reviews, splits = read_lines(folder / "reviews.jsonl"), read_splits(folder)
    trained = {file for line in splits["train"] for file in reviews[line]["image"]}
    unseen = {file for line in splits["unseen"] for file in reviews[line]["image"] if is_detail(photos[file])}
    assert unseen
    assert not unseen & trained


@pytest.mark.parametrize("changes", [{"offered_values": 2}, {"detail_photos": 1}])
def test_each_option_alone(tmp_path, changes):
    write_world(small_world(**changes), image_size=32, seed=0, folder=tmp_path)
    photos = {photo["file"]: photo for photo in read_lines(tmp_path / "images.jsonl")}
    truth = Truth.load(tmp_path)
    assert any(is_detail(photo) for photo in photos.values()) == ("detail_photos" in changes)
    for review, said in zip(read_lines(tmp_path / "reviews.jsonl"), truth.said, strict=True):
        assert review["image"]
        assert all(truth.shows[file][review["feature"]] == said for file in review["image"])


def test_a_world_without_photos_names_none(large):
    assert all("image" not in review for review in read_lines(large / "reviews.jsonl"))
    assert json.loads((large / "truth.json").read_text())["photos"] == {}


@pytest.mark.parametrize("feature", VALUES)
def test_a_close_up_differs_with_its_value_and_little_with_its_surroundings(feature):
    """Most of a detail is its feature: the values differ more than backdrops, furniture and displacements do."""
    generator = np.random.default_rng(0)

    def drawn(value: str, **nuisance) -> np.ndarray:
        return draw_close_up(feature, value, 32, Viewpoint(**nuisance), generator).astype(float)

    base = drawn(VALUES[feature][0])
    others = [np.abs(drawn(value) - base).mean() for value in VALUES[feature][1:]]
    moved = np.abs(drawn(VALUES[feature][0], sway=(0.6, -0.6, 0.3, -0.3), variant=1) - base).mean()
    assert min(others) > 2 * moved


@pytest.mark.parametrize("kind", FEATURES)
def test_the_same_value_has_the_same_colours_whole_and_close_up(kind):
    """The close-up of a value can be composed from wide photos: among a feature's close-ups, the one of the value
    resembles best, by its colours, what changes in the wide photo with that value."""
    generator = np.random.default_rng(0)
    values = {feature: options[0] for feature, options in FEATURES[kind].items()}
    for feature in ("walls", "bed", "curtains", "dish", "chairs", "tablecloth"):
        if feature not in values:
            continue
        options = VALUES[feature]
        wide = np.stack(
            [draw(kind, {**values, feature: option}, 64, Viewpoint(), generator) for option in options]
        )
        region = (wide.max(axis=0).astype(int) - wide.min(axis=0)).max(axis=-1) > 45
        seen = np.stack([np.median(picture[region], axis=0) for picture in wide])
        close = np.stack(
            [
                np.median(draw_close_up(feature, option, 64, Viewpoint(), generator)[8:56, 8:56], axis=(0, 1))
                for option in options
            ]
        )
        centred = [colours - colours.mean(axis=0) for colours in (seen, close)]
        assert np.einsum("vc,vc->v", *centred).min() > 0, feature
