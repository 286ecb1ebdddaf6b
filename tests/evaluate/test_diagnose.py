"""The diagnosis: repetition and pair scores by hand, swaps that cost a fitted model, and the report’s section."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch

from meter.disc import Discriminator, DiscriminatorConfig
from meter.errors import InputError
from meter.evaluate.attention import measure_attention
from meter.evaluate.generations import Generation
from meter.evaluate.input_importance import example_losses, measure_input_importance
from meter.evaluate.other_records import draw_other_records
from meter.evaluate.pair_scores import PairScores, diagnose_scorer, score_pairs
from meter.evaluate.repetition import diagnose_sentences, repetition, sentence_diversity
from meter.model import Meter, PackedMeter, PackedOutput
from meter.report import Report
from meter.report.diagnosis import PAIRS
from meter.report.page import report_html
from meter.train.batches import Batch, Examples
from meter.train.objective import ObjectiveConfig, supervised_losses
from meter.world.text.wording import VALUE_WORDS
from tests.conftest import Inputs, plain_generation, small_config, small_inputs, small_model
from tests.report.test_page import Page


def generation(user: str, item: str, feature: str | None, text: str, reference: str) -> Generation:
    return plain_generation(text, reference, user=user, item=item, feature=feature)


FIVE = [
    generation("ann", "inn", "pool", "a b", "a b"),
    generation("ann", "pub", "pool", "a b", "c d"),
    generation("bob", "inn", "pool", "c d", "a b c"),
    generation("bob", "pub", "bar", "a b", "e"),
    generation("cat", "inn", None, "e", "a b"),
]


def test_repetition_by_hand() -> None:
    found = repetition(["a", "b", "b", "c", "c", "c", "c"])
    assert (found.times, found.sentences) == ([1, 2, 4], [1, 1, 1])
    assert found.cumulative_share == pytest.approx([1 / 7, 3 / 7, 1])
    assert found.half == 1
    assert repetition(["a", "b", "c", "d"]).half == 2
    assert repetition(["a", "b", "c"]).half == 2
    assert repetition(["a"]).half == 1


def test_sentences_by_hand() -> None:
    found = diagnose_sentences(FIVE)
    assert found.count == 5
    assert found.repetition.times == [1, 3]
    assert found.repetition.sentences == [2, 1]
    assert found.repetition.half == 1
    assert found.repetition_of_references.half == 2
    (most,) = found.repeated
    assert (most.text, most.count, most.share, most.users, most.items) == ("a b", 3, 0.6, 2, 2)
    assert most.in_references == 2

    assert found.by_feature is not None
    assert (found.by_feature.num_groups, found.by_feature.num_single) == (1, 1)
    assert found.by_feature.usr == pytest.approx(2 / 3)
    assert found.by_feature.usr_of_references == 1
    (pool,) = found.by_feature.largest
    assert pool.name == "pool"
    assert (pool.generated.count, pool.generated.top_share) == (3, pytest.approx(2 / 3))
    assert pool.generated.distinct_2 == pytest.approx(2 / 3)
    # "a b", "c d", "a b", "b c": three different pairs of words of four
    assert pool.reference.distinct_2 == pytest.approx(3 / 4)

    users = found.by_user
    assert (users.num_groups, users.num_single) == (2, 1)
    assert users.usr == pytest.approx((1 / 2 + 1) / 2)
    assert users.top_share == pytest.approx((1 + 1 / 2) / 2)
    assert [group.name for group in users.largest] == ["ann", "bob"]


def test_coincidences_by_hand() -> None:
    found = {tuple(one.shared): one for one in diagnose_sentences(FIVE).coincidences}
    shares = {shared: (one.pairs, one.generated, one.reference) for shared, one in found.items()}
    assert shares == {
        (): (10, 3 / 10, 1 / 10),
        ("item",): (4, 1 / 4, 1 / 4),
        ("user",): (2, 1 / 2, 0),
        ("feature",): (3, 1 / 3, 0),
        ("feature", "user"): (1, 1, 0),
        ("feature", "item"): (1, 0, 0),
    }


def test_without_features_their_part_is_left_out() -> None:
    found = diagnose_sentences([replace(one, feature=None) for one in FIVE])
    assert found.by_feature is None
    assert [one.shared for one in found.coincidences] == [[], ["item"], ["user"]]
    with pytest.raises(InputError, match="at least one generated sentence"):
        diagnose_sentences([])


def test_a_sentence_of_one_word_has_no_pairs_of_words() -> None:
    assert sentence_diversity(["yes", "yes"]).distinct_2 is None
    assert sentence_diversity(["yes", "yes"]).usr == 1 / 2


def test_a_scorer_by_hand() -> None:
    scores = {"true": np.array([2.0, 0.0]), "swapped": np.array([-1.0, 0.0])}
    found = diagnose_scorer(scores, is_probability=True)
    # Three of the four comparisons are won, one is a tie.
    assert found.pairs["swapped"].auc == 0.875
    assert found.pairs["true"].auc is None
    assert found.pairs["true"].mean == pytest.approx((1 / (1 + np.exp(-2)) + 0.5) / 2)
    assert found.reliability is not None
    assert [one.observed for one in found.reliability.bins if one.count] == [0, 0.5, 1]

    compared = diagnose_scorer(scores, is_probability=False)
    assert compared.pairs["swapped"].auc == 0.875
    assert compared.pairs["swapped"].mean is None
    assert compared.reliability is None


def test_every_kind_of_pair_gets_the_score_that_the_network_itself_gives(inputs: Inputs) -> None:
    torch.manual_seed(0)
    sizes = {"num_words": 50, "num_codes": 16, "text_length": 6, "grid": [2, 3], "width": 16, "heads": 2}
    network = Discriminator(DiscriminatorConfig(**sizes)).eval()
    made = small_inputs((2, 6, 4, 1), seed=1)
    others = np.array([1, 2, 3, 0])
    found = score_pairs(network, inputs.words, inputs.codes, made.words, made.codes, others)
    with torch.no_grad():
        expected = {
            "true": network(inputs.words, inputs.codes),
            "swapped": network(inputs.words, inputs.codes[others]),
            "generated_picture": network(inputs.words, made.codes),
            "generated_text": network(made.words, inputs.codes),
            "generated_pair": network(made.words, made.codes),
        }
    assert list(found) == list(expected)
    for kind, logits in expected.items():
        np.testing.assert_allclose(found[kind], logits.numpy(), atol=1e-5)


def test_other_records_are_the_same_and_different_and_every_choice_is_equally_likely() -> None:
    same, different = ["x", "x", "y", "x", "y", "x", "z"], [1, 1, 2, 2, 2, 3, 1]
    drawn = np.array(
        [draw_other_records(same, different, np.random.default_rng(seed)) for seed in range(300)]
    )
    assert np.array_equal(drawn[0], draw_other_records(same, different, np.random.default_rng(0)))
    choices = [set(column.tolist()) for column in drawn.T]
    assert choices == [{3, 5}, {3, 5}, {-1}, {0, 1, 5}, {-1}, {0, 1, 3}, {-1}]
    assert np.bincount(drawn[:, 3], minlength=6)[[0, 1, 5]] == pytest.approx([100, 100, 100], abs=30)


def examples_of(inputs: Inputs, *, with_feature: bool = True, with_codes: bool = True) -> Examples:
    count = len(inputs.users)
    return Examples(
        users=inputs.users.numpy(),
        items=inputs.items.numpy(),
        features=inputs.features.numpy() if with_feature else None,
        words=inputs.words.numpy(),
        ratings=np.full(count, 3.0, dtype=np.float32),
        photos=np.arange(count),
        codes=inputs.codes.numpy() if with_codes else None,
        device=torch.device("cpu"),
    )


def distinct_inputs() -> Inputs:
    """Six examples that agree in the feature two by two, and in nothing else."""
    inputs = small_inputs((6, 3, 1, 5, 4, 2))
    inputs.users, inputs.items = torch.arange(6), torch.arange(6)
    inputs.features = torch.tensor([10, 10, 11, 11, 12, 12])
    return inputs


def batch_of(examples: Examples) -> Batch:
    return examples.batch(torch.arange(len(examples.users)))


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

    # Losses near 0 are logarithms of numbers near 1, whose last digits single precision does not know.
    model.double()
    own = example_losses(model, batch, batch)
    with torch.no_grad():
        output = packed_output(model, batch)
    means = supervised_losses(output, batch.words, batch.ratings, batch.codes, ObjectiveConfig())
    assert (own.text.sum() / own.words.sum()).item() == pytest.approx(means.text.item(), rel=1e-5)
    assert (own.picture.sum() / own.codes.sum()).item() == pytest.approx(means.visual.item(), rel=1e-5)


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


@pytest.fixture(scope="module")
def diagnosis() -> dict[str, Any]:
    """A whole diagnosis of toy parts, as it stands in metrics.json."""
    inputs = distinct_inputs()
    examples, model = examples_of(inputs), small_model()
    features = inputs.features.numpy().astype(np.int64)
    nasty = replace(FIVE[0], user="<b>", text="<script>x</script>")
    texts = [*FIVE, nasty, nasty]
    scores = {kind: np.linspace(-2, 3, 6) for kind in PAIRS}
    scorers = {
        "discriminator": diagnose_scorer(scores, is_probability=True),
        "matcher": diagnose_scorer(scores, is_probability=False),
    }
    generator = np.random.default_rng(0)
    importance = measure_input_importance(model, examples, np.arange(6), features, generator, batch_size=6)
    watched = measure_attention(model, [batch_of(examples)], texts[:6], VALUE_WORDS)
    found = {
        "split": "test",
        "sentences": asdict(diagnose_sentences(texts)),
        "input_importance": asdict(importance),
        "pair_scores": asdict(PairScores(count=6, swapped_also_true=0.25, scorers=scorers)),
        "attention": asdict(watched),
    }
    return json.loads(json.dumps(found, allow_nan=False))


def test_the_report_shows_the_whole_diagnosis(diagnosis: dict[str, Any]) -> None:
    text = report_html(Report(title="x", metrics={"diagnosis": diagnosis}))
    page = Page(text)
    assert page.tags["section"] == 1
    assert page.tags["svg"] == 2
    # Records alike, most repeated, by feature, by user; swaps; scorers; picture and text slots.
    assert page.tags["table"] == 4 + 1 + 1 + 2
    for said in (
        "On the split test.",
        "<script>x</script>",
        "Two records with the same feature",
        "matcher",
        "Expected calibration error",
        "0.88 at best",
        "layer 2, head 2",
        "uniform attention",
        "Jain and Wallace",
    ):
        assert said in page.text
    assert "<script>x" not in text
    assert page.tags["b"] == 0


def test_the_report_shows_what_there_is(diagnosis: dict[str, Any]) -> None:
    bare = {name: diagnosis[name] for name in ("split", "sentences", "input_importance", "attention")}
    bare["sentences"] = {**bare["sentences"], "by_feature": None, "repeated": []}
    bare["input_importance"] = {**bare["input_importance"], "picture": []}
    bare["attention"] = {**bare["attention"], "picture": None, "value_known": False}
    page = Page(report_html(Report(title="x", metrics={"diagnosis": bare})))
    assert page.tags["svg"] == 1
    assert page.tags["table"] == 2 + 1 + 1
    assert "AUC" not in page.text
    assert "nats a code" not in page.text

    alone = {**diagnosis["pair_scores"], "swapped_also_true": None}
    alone["scorers"] = {"matcher": alone["scorers"]["matcher"]}
    page = Page(
        report_html(Report(title="x", metrics={"diagnosis": {"split": "test", "pair_scores": alone}}))
    )
    assert "trained no discriminator" in page.text
    assert page.tags["svg"] == 0
