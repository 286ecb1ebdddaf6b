import hashlib
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from meter.errors import InputError
from meter.world import Truth, WorldConfig, read_image, read_text, write_world
from meter.world.attributes import FEATURES
from meter.world.ratings import draw_rating, expected_rating, rating_probabilities


def small_world(**changes) -> WorldConfig:
    sizes = {
        "num_hotels": 12,
        "num_restaurants": 12,
        "num_users": 14,
        "reviews_per_item": 10,
        "photos_per_item": 2,
    }
    return WorldConfig(**{**sizes, **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(small_world(), image_size=48, seed=3, folder=folder)
    return folder


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """The world at its default size, without photos."""
    folder = tmp_path_factory.mktemp("large")
    write_world(WorldConfig(photos_per_item=0), image_size=64, seed=1, folder=folder)
    return folder


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_splits(folder: Path) -> dict[str, list[int]]:
    return {
        path.stem: [int(line) for line in path.read_text().split()] for path in (folder / "splits").iterdir()
    }


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_seed_gives_the_same_bytes_and_another_seed_other_ones(folder, tmp_path):
    for seed in (3, 4):
        write_world(small_world(), image_size=48, seed=seed, folder=tmp_path / str(seed))
    assert all_bytes(tmp_path / "3") == all_bytes(folder)
    other = all_bytes(tmp_path / "4")
    assert other.keys() == all_bytes(folder).keys()
    # the names of the photos' files and the numbers of the unseen reviews follow from the sizes alone
    same = [name for name, content in all_bytes(folder).items() if other[name] == content]
    assert sorted(same) == ["images.jsonl", "splits/unseen.index"]


def test_by_default_the_world_is_what_it_was_before_visits_and_details(folder):
    """The digests were taken before these options were added; PNGs by their pixels, whatever compressed them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "truth.json")
    lines = []
    for path in files:
        content = np.asarray(Image.open(path)).tobytes() if path.suffix == ".png" else path.read_bytes()
        lines.append(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(content).hexdigest()}\n")
    assert digest("".join(lines)) == "c3b678384cd9f38dcc8f78e840b620cf3e07d202ec1bf2f2dda69e31b5bf6188"
    truth = json.loads((folder / "truth.json").read_text())
    ratings = json.dumps(truth["ratings"], sort_keys=True)
    assert digest(ratings) == "04052c02135c1866da7e634a8d9bfd748cbe732e07f4798afca80531e852febf"
    own = {
        item: {feature: value for feature, (value,) in entry["values"].items()}
        for item, entry in truth["items"].items()
    }
    assert digest(json.dumps(own, sort_keys=True)) == (
        "bed309d36ac1ae3a448fa6300c4d7ff8b09f08721798ac185ba4423b7e8b3114"
    )


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_summary_counts_what_was_written(tmp_path):
    summary = write_world(small_world(), image_size=32, seed=0, folder=tmp_path)
    reviews = read_lines(tmp_path / "reviews.jsonl")
    assert summary["reviews"] == len(reviews) == 24 * (10 + 1)
    assert summary["photos"] == len(list((tmp_path / "images").iterdir())) == 48
    assert summary["splits"] == {name: len(lines) for name, lines in read_splits(tmp_path).items()}
    assert summary["duplicate_rate"] == 1 - len({review["text"] for review in reviews}) / len(reviews)
    assert summary["noise_floor"] == Truth.load(tmp_path).noise_floor


def test_every_review_says_what_is_true_of_its_item(folder):
    truth = Truth.load(folder)
    for review in read_lines(folder / "reviews.jsonl"):
        feature = review["feature"]
        assert [read_text(review["text"])] == [
            {feature: value} for value in truth.possible(review["item"], feature)
        ]
        assert review["rating"] in {1, 2, 3, 4, 5}


def test_every_photo_shows_what_is_true_of_its_item(folder):
    truth = Truth.load(folder)
    photos = read_lines(folder / "images.jsonl")
    assert Counter(photo["item"] for photo in photos) == dict.fromkeys(truth.values, 2)
    for photo in photos:
        pixels = np.asarray(Image.open(folder / photo["file"]))
        assert pixels.shape == (48, 48, 3)
        assert read_image(pixels) == truth.shows[photo["file"]]
        assert {feature: [value] for feature, value in read_image(pixels).items()} == truth.values[
            photo["item"]
        ]


def test_splits_part_the_reviews(large):
    splits = read_splits(large)
    assert sorted(line for lines in splits.values() for line in lines) == list(range(480 * 17))
    assert {name: len(lines) for name, lines in splits.items()} == {
        "train": 6144,
        "validation": 768,
        "test": 768,
        "unseen": 480,
    }


def test_nobody_reviews_an_item_twice_for_training_and_test(large):
    splits = read_splits(large)
    reviews = read_lines(large / "reviews.jsonl")
    pairs = [
        (reviews[line]["user"], reviews[line]["item"])
        for name in splits
        if name != "unseen"
        for line in splits[name]
    ]
    assert len(set(pairs)) == len(pairs)


def test_training_knows_everyone_and_every_pair_that_test_asks_for_but_no_unseen_one(large):
    reviews, splits = read_lines(large / "reviews.jsonl"), read_splits(large)
    train = [reviews[line] for line in splits["train"]]
    assert {review["user"] for review in train} == {review["user"] for review in reviews}
    assert {review["item"] for review in train} == set(Truth.load(large).values)

    def pairs(name: str) -> set[tuple[str, str]]:
        return {(reviews[line]["item"], reviews[line]["feature"]) for line in splits[name]}

    assert pairs("test") | pairs("validation") <= pairs("train")
    assert not pairs("unseen") & (pairs("train") | pairs("validation") | pairs("test"))


def test_training_speaks_of_every_value_often(large):
    reviews, truth = read_lines(large / "reviews.jsonl"), Truth.load(large)
    said = Counter()
    for line in read_splits(large)["train"]:
        said[reviews[line]["feature"], truth.said[line]] += 1
    values = [
        (feature, value) for kind in FEATURES.values() for feature, values in kind.items() for value in values
    ]
    assert min(said[pair] for pair in values) >= 30


def test_sentences_seldom_repeat_and_are_of_moderate_length(large):
    sentences = [review["text"] for review in read_lines(large / "reviews.jsonl")]
    assert 1 - len(set(sentences)) / len(sentences) < 0.04
    assert 10 <= np.mean([len(sentence.split()) for sentence in sentences]) <= 13
    assert 200 <= len({word for sentence in sentences for word in sentence.split()}) <= 400


def test_a_users_own_style_shows(large):
    """The first two words are far more predictable when the user is known."""
    by_user: dict[str, list[str]] = {}
    for review in read_lines(large / "reviews.jsonl"):
        by_user.setdefault(review["user"], []).append(" ".join(review["text"].split()[:2]))
    most_common = sum(Counter(starts).most_common(1)[0][1] for starts in by_user.values())
    everyone = [start for starts in by_user.values() for start in starts]
    assert most_common > 2 * Counter(everyone).most_common(1)[0][1]


def test_rating_probabilities_by_hand():
    # Φ(0.5) − Φ(−0.5) in the middle, Φ(1.5) − Φ(0.5) beside it, 1 − Φ(1.5) at the end
    expected = [0.0668072, 0.2417303, 0.3829249, 0.2417303, 0.0668072]
    np.testing.assert_allclose(rating_probabilities(3.0, 1.0), expected, atol=1e-6)
    known = expected_rating(3.0, 1.0)
    assert known.mean == pytest.approx(3.0)
    assert known.variance == pytest.approx(2 * (0.2417303 + 4 * 0.0668072), abs=1e-6)


def test_without_mood_the_rating_is_certain():
    assert rating_probabilities(3.6, 0.0).tolist() == [0, 0, 0, 1, 0]
    assert expected_rating(7.0, 0.0).mean == 5
    assert expected_rating(3.6, 0.0).variance == 0


@pytest.mark.parametrize(("opinion", "noise"), [(3.3, 0.7), (4.9, 0.4), (1.2, 1.1)])
def test_the_expected_rating_agrees_with_many_ratings(opinion, noise):
    generator = np.random.default_rng(0)
    ratings = np.asarray([draw_rating(opinion, noise, generator) for _ in range(20_000)])
    known = expected_rating(opinion, noise)
    assert ratings.mean() == pytest.approx(known.mean, abs=4 * math.sqrt(known.variance / len(ratings)))
    assert ratings.var() == pytest.approx(known.variance, rel=0.06)


def test_the_noise_floor_is_what_the_best_predictor_gets(large):
    reviews, truth = read_lines(large / "reviews.jsonl"), Truth.load(large)
    ratings, means = np.asarray([review["rating"] for review in reviews]), np.asarray(truth.mean_ratings)
    assert len(means) == len(ratings)
    for name, lines in read_splits(large).items():
        squares = np.square(ratings[lines] - means[lines])
        spread = squares.std() / math.sqrt(len(lines))
        assert truth.noise_floor[name] ** 2 == pytest.approx(squares.mean(), abs=4 * spread)
        assert ratings[lines].std() > 1.2 * truth.noise_floor[name]


def test_truth_answers(folder):
    truth = Truth.load(folder / "truth.json")
    assert truth.features == FEATURES
    assert truth.kinds["hotel-00"] == "hotel"
    assert truth.possible("hotel-00", "bed")[0] in FEATURES["hotel"]["bed"]
    assert truth.possible("hotel-00", "dish") == []
    assert truth.num_values["dish"] == 4
    assert list(truth.visit_features) == []
    with pytest.raises(InputError, match="no item 'inn'"):
        truth.possible("inn", "bed")
    with pytest.raises(InputError, match=r"truth\.json"):
        Truth.load(folder / "images")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hotels": 0, "num_restaurants": 0}, r"num_hotels \+ num_restaurants is 0"),
        ({"num_users": 9}, "num_users is 9"),
        ({"num_users": 1000}, "up to the number of reviews"),
        ({"hidden_features_per_item": 8}, "hidden_features_per_item is 8; expected from 0 to 7"),
        ({"hidden_features_per_item": 0}, "unseen_reviews_per_item"),
        ({"rating_noise": -0.1}, "rating_noise"),
        ({"held_out_share": 0.5}, "held_out_share"),
        ({"offered_values": 5}, "offered_values is 5; expected from 1 to 4"),
        ({"offered_values": 3}, r"photos_per_item is 2; expected offered_values \(3\) or more"),
        ({"photos_per_item": 0, "detail_photos": 1}, "photos_per_item is 0"),
        ({"detail_photos": -1}, "detail_photos is -1"),
        ({"close_ups": 1.1}, "close_ups"),
        ({"photo_variation": 1.1}, "photo_variation"),
    ],
)
def test_a_world_that_cannot_be_is_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        write_world(small_world(**changes), image_size=48, seed=0, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_world_without_hidden_features_has_no_unseen_split(tmp_path):
    config = small_world(hidden_features_per_item=0, unseen_reviews_per_item=0, photos_per_item=0)
    summary = write_world(config, image_size=48, seed=0, folder=tmp_path)
    assert read_splits(tmp_path).keys() == summary["noise_floor"].keys() == {"train", "validation", "test"}


def test_a_truth_without_one_of_its_parts_says_which(tmp_path):
    write_world(small_world(), image_size=32, seed=0, folder=tmp_path)
    file = tmp_path / "truth.json"
    content = json.loads(file.read_text())
    del content["visit_features"]
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"truth.json: expected .* with 'visit_features', found none"):
        Truth.load(tmp_path)
