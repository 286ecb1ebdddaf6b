"""Swapped inputs: they cost a model that has learned its examples, and each swap is as likely as another."""

import numpy as np
import pytest
import torch

from meter.evaluate.input_importance import example_losses, measure_input_importance
from meter.evaluate.other_records import draw_other_records
from meter.model import Meter, PackedMeter, PackedOutput
from meter.train.batches import Batch
from meter.train.objective import ObjectiveConfig, supervised_losses
from tests.conftest import small_config, small_model
from tests.evaluate.examples import batch_of, distinct_inputs, examples_of


def test_other_records_are_the_same_and_different_and_every_choice_is_equally_likely() -> None:
    same, different = ["x", "x", "y", "x", "y", "x", "z"], [1, 1, 2, 2, 2, 3, 1]
    drawn = np.array(
        [draw_other_records(same, different, np.random.default_rng(seed)) for seed in range(300)]
    )
    assert np.array_equal(drawn[0], draw_other_records(same, different, np.random.default_rng(0)))
    choices = [set(column.tolist()) for column in drawn.T]
    assert choices == [{3, 5}, {3, 5}, {-1}, {0, 1, 5}, {-1}, {0, 1, 3}, {-1}]
    assert np.bincount(drawn[:, 3], minlength=6)[[0, 1, 5]] == pytest.approx([100, 100, 100], abs=30)


def packed_output(model: Meter, batch: Batch) -> PackedOutput:
    return PackedMeter(model)(
        batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
    )


def test_swapped_inputs_cost_a_model_that_has_learned_its_examples() -> None:
    inputs = distinct_inputs()
    examples = examples_of(inputs)
    batch = batch_of(examples)
    torch.manual_seed(0)
    model = Meter(small_config(width=32, feedforward=64))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        output = packed_output(model, batch)
        losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, ObjectiveConfig())
        optimizer.zero_grad()
        losses.total(ObjectiveConfig()).backward()
        optimizer.step()
    model.eval()

    features = inputs.features.numpy().astype(np.int64)
    generator = np.random.default_rng(0)
    found = measure_input_importance(model, examples, np.arange(6), features, generator, batch_size=4)
    assert [one.swapped for one in found.text] == ["user", "item", "feature"]
    assert [one.swapped for one in found.picture] == [
        "user",
        "item",
        "feature",
        "sentence",
        "sentence_and_item",
    ]
    for one in found.text + found.picture:
        assert one.count == 6
        assert one.own < 0.5
        assert one.with_swap >= one.own
        assert one.rise == pytest.approx(one.with_swap - one.own)
    both = {one.swapped: one.rise for one in found.picture}
    assert both["sentence_and_item"] > both["sentence"]

    own = example_losses(model, batch, batch)
    with torch.no_grad():
        output = packed_output(model, batch)
    means = supervised_losses(output, batch.words, batch.ratings, batch.codes, ObjectiveConfig())
    # Losses near 0 are logarithms of numbers near 1, which single precision knows to 1e-7.
    assert (own.text.sum() / own.words.sum()).item() == pytest.approx(means.text.item(), rel=1e-5, abs=1e-6)
    assert (own.picture.sum() / own.codes.sum()).item() == pytest.approx(
        means.visual.item(), rel=1e-5, abs=1e-6
    )


def test_examples_without_another_record_or_photo_are_left_out() -> None:
    inputs = distinct_inputs()
    inputs.features = torch.tensor([10, 10, 11, 11, 12, 13])
    examples = examples_of(inputs)
    examples.photos[0] = -1
    features = inputs.features.numpy().astype(np.int64)
    generator = np.random.default_rng(0)
    found = measure_input_importance(small_model(), examples, np.arange(6), features, generator, batch_size=6)
    assert {one.swapped: one.count for one in found.text} == {"user": 6, "item": 4, "feature": 6}
    assert {one.swapped: one.count for one in found.picture} == {
        "user": 5,
        "item": 3,
        "feature": 5,
        "sentence": 3,
        "sentence_and_item": 3,
    }


def test_a_model_without_pictures_or_feature_has_fewer_swaps() -> None:
    inputs = distinct_inputs()
    examples = examples_of(inputs, with_feature=False, with_codes=False)
    model = small_model(has_feature=False, num_codes=0, grid=[])
    features = inputs.features.numpy().astype(np.int64)
    generator = np.random.default_rng(0)
    found = measure_input_importance(model, examples, np.arange(6), features, generator, batch_size=6)
    assert [one.swapped for one in found.text] == ["user", "item"]
    assert found.picture == []
