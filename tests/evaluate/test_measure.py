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
