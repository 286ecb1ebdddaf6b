"""What the metrics of a run are told of its data."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from meter.data import DatasetConfig, Prepared, prepare
from meter.evaluate.generations import Generation
from meter.evaluate.measure import measure
from meter.metrics import guess_from_ratings
from meter.world import WorldConfig
from tests.conftest import plain_generation
from tests.data.test_custom import custom, write_reviews


def generated(prepared: Prepared, split: str) -> list[Generation]:
    """A generation of one word for every record of a split."""
    return [
        replace(
            plain_generation("word", "word"),
            split=split,
            row=int(row),
            item=prepared.items[prepared.records.items[row]],
            feature=prepared.feature(int(row)),
        )
        for row in prepared.splits[split]
    ]


def test_the_level_of_guessing_is_computed_from_the_training_split_alone(tmp_path: Path) -> None:
    world = WorldConfig(
        num_hotels=30, num_restaurants=30, num_users=40, reviews_per_item=12, photos_per_item=0
    )
    prepared = prepare(DatasetConfig(image_size=32, use_images=False, world=world), tmp_path, 0)
    # What the training split does not hold must not matter.
    prepared.records.ratings = np.array(prepared.records.ratings)
    prepared.records.ratings[prepared.splits["test"]] = 1000
    settings = {"lowest_rating": 1.0, "highest_rating": 5.0, "seed": 0}
    made = generated(prepared, "unseen")
    found = measure(made, prepared, None, None, None, **settings).metrics["unseen"]["truth"]

    truth = prepared.truth
    ratings, named = defaultdict(list), []
    for row in prepared.splits["train"]:
        item = prepared.items[prepared.records.items[row]]
        ratings[item].append(float(prepared.records.ratings[row]))
        named.append((item, prepared.feature(int(row))))
    expected = guess_from_ratings(
        [generation.item for generation in made],
        [generation.feature for generation in made],
        possible=truth.values,
        named=named,
        mean_ratings={item: float(np.mean(own)) for item, own in ratings.items()},
        values=truth.features["hotel"] | truth.features["restaurant"],
    )
    assert found["guess_from_ratings"] == expected
    assert found["sentence_truth"] == 0


def test_features_and_ratings_are_learned_from_the_training_split_alone(tmp_path: Path) -> None:
    """What other splits say of an item, or of a rating, must not change what a generated sentence is worth."""
    prepared = prepare(custom(write_reviews(tmp_path / "raw", "feature")), tmp_path / "cache", 0)
    rows = prepared.splits["test"].tolist()
    made = [
        plain_generation(
            "the pool was fine",
            prepared.sentence(row),
            row=row,
            item=prepared.items[prepared.records.items[row]],
            predicted_rating=float(number),
        )
        for number, row in enumerate(rows)
    ]
    settings = {"lowest_rating": 1.0, "highest_rating": 5.0, "seed": 0}
    before = measure(made, prepared, None, None, None, **settings)
    found = before.metrics["test"]
    of_item = defaultdict(set)
    for row in prepared.splits["train"]:
        of_item[prepared.items[prepared.records.items[row]]].add(prepared.feature(int(row)))
    has_pool = ["pool" in of_item[generation.item] for generation in made]
    assert 0 < sum(has_pool) < len(made)
    assert found["item_features"]["ifmr"] == np.mean(has_pool)
    assert [score["item_features"]["of_item"] for score in before.scores] == has_pool
    assert found["feature_frequency"]["num_features"] == 3
    assert found["coherence"]["correlation"] == 0, "one sentence for all says nothing of the ratings"

    records = prepared.records
    held_out = np.concatenate([prepared.splits["validation"], prepared.splits["test"]])
    records.features, records.ratings = np.array(records.features), np.array(records.ratings)
    records.features[held_out], records.ratings[held_out] = records.features[0], 1000
    after = measure(made, prepared, None, None, None, **settings)
    assert after.metrics == before.metrics
    assert after.scores == before.scores


def test_coherence_is_measured_where_sentences_tell_their_ratings(tmp_path: Path) -> None:
    prepared = prepare(custom(write_reviews(tmp_path / "raw", "feature")), tmp_path / "cache", 0)
    train = prepared.splits["train"]
    prepared.records.ratings = np.array(prepared.records.ratings)
    for row in range(len(prepared)):
        prepared.records.ratings[row] = 5.0 if "pool" in prepared.sentence(row) else 1.0
    made = [
        plain_generation(
            text,
            prepared.sentence(int(row)),
            row=int(row),
            rating=float(prepared.records.ratings[row]),
            predicted_rating=predicted,
        )
        for row, (text, predicted) in zip(train[:12], [("the pool", 4.0), ("the bed", 2.0)] * 6, strict=True)
    ]
    found = measure(made, prepared, None, None, None, lowest_rating=1.0, highest_rating=5.0, seed=0)
    section = found.metrics["test"]["coherence"]
    assert section["measurable"]
    assert section["correlation"] > 0.99
    read = [score["coherence"]["read_rating"] for score in found.scores]
    assert read[0] - read[1] > 1
