"""The diagnosis of a run as a section of its report."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from meter.evaluate.attention import measure_attention
from meter.evaluate.input_importance import measure_input_importance
from meter.evaluate.pair_scores import PairScores, diagnose_scorer
from meter.evaluate.repetition import diagnose_sentences
from meter.report import Report
from meter.report.diagnosis.pair_scores import PAIRS
from meter.report.page import report_html
from meter.world.text.wording import VALUE_WORDS
from tests.conftest import small_model
from tests.evaluate.examples import FIVE, batch_of, distinct_inputs, examples_of
from tests.report.test_page import Page


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
        "Measured on the split test.",
        "<script>x</script>",
        "Two records with the same feature",
        "matcher",
        "Expected calibration error",
        "0.88 is the best",
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
