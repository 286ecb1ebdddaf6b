"""Every number that is measured has a name of its own, said once; and numbers are written for readers."""

import ast
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from meter.metrics import (
    Coherence,
    Diversity,
    FeatureTruth,
    FrequencyCoverage,
    GroupUniqueness,
    ImageMetrics,
    ItemFeatureMetrics,
    RatingFloor,
    RatingMetrics,
    RetrievalMetrics,
    TextMetrics,
    TruthMetrics,
    VisitTruth,
)
from meter.metrics.image_models import ClipScore, FrechetDistance
from meter.metrics.labels import LABELS, Better, Label, label_of, look_up, number
from meter.metrics.text_models import BertScore, Mauve
from tests.conftest import ROOT

SECTIONS = {
    "rating": RatingMetrics,
    "rating_floor": RatingFloor,
    "text": TextMetrics,
    "diversity": Diversity,
    "group_uniqueness": GroupUniqueness,
    "item_features": ItemFeatureMetrics,
    "feature_frequency": FrequencyCoverage,
    "coherence": Coherence,
    "bertscore": BertScore,
    "mauve": Mauve,
    "clipscore": ClipScore,
    "fid": FrechetDistance,
    "image": ImageMetrics,
    "match": RetrievalMetrics,
    "truth": TruthMetrics,
    "truth.by_feature.pool": FeatureTruth,
    "truth.visit": VisitTruth,
}


def keys_of(result: type, prefix: str) -> Iterator[str]:
    """The dotted keys of the numbers of a result; a dict by name is a breakdown, whose class is asked for itself."""
    hints = typing.get_type_hints(result)
    for field in fields(result):
        kind = hints[field.name]
        if is_dataclass(kind):
            yield from keys_of(typing.cast(type, kind), f"{prefix}.{field.name}")
        elif field.name != "signature" and typing.get_origin(kind) is not dict:
            yield f"{prefix}.{field.name}"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_of_a_result_has_a_label(section: str) -> None:
    keys = list(keys_of(SECTIONS[section], section))
    assert len(keys) >= 2
    assert [key for key in keys if label_of(key) not in LABELS.values()] == []


def test_no_metric_is_named_anywhere_else() -> None:
    """A name that stands in the code as a string of its own would have to be changed in two files."""
    names = {name for label in LABELS.values() if label.better is not Better.NEITHER
             for name in (label.name, label.full_name)}  # fmt: skip
    files = [path for path in (ROOT / "meter").rglob("*.py") if path.name != "labels.py"]
    strings = {
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(strings) > 1000
    assert names & strings == set()


def test_variants_and_groups_have_the_labels_of_their_section() -> None:
    for key in ("text.bleu_4", "text_peter_compat.bleu_4"):
        assert label_of(key).name == "BLEU-4"
    assert label_of("truth.by_feature.pool.silent") is LABELS["truth.silent"]
    assert label_of("match_of_true_pairs.count") is LABELS["count"]
    assert label_of("diversity.usr").full_name == "USR, unique sentence ratio"
    assert label_of("vq.psnr").full_name == "PSNR, dB"


def test_a_key_without_an_entry_is_shown_as_words() -> None:
    assert label_of("odd.num_pairs.mean") == Label("Num pairs mean")
    assert label_of("odd_figure") == Label("Odd figure")


def test_a_value_is_written_with_the_decimals_of_its_metric() -> None:
    ratio, plain = label_of("rating.rmse"), label_of("odd.rmse")
    assert [ratio.write(value) for value in (0.71249, 12.0, None, float("nan"))] == [
        "0.712",
        "12.000",
        "–",
        "nan",
    ]
    assert plain.write(12.0) == "12.00"
    assert label_of("rating.count").write(32003) == "32,003"


def test_a_dotted_key_finds_its_value_or_nothing() -> None:
    values = {"text": {"rouge_1": {"f": 31.0}, "bleu_4": None}, "seed": 7}
    assert look_up(values, "text.rouge_1.f") == 31.0
    assert look_up(values, "seed") == 7
    for absent in ("text.bleu_4", "text.rouge_2.f", "seed.f", "text.rouge_1.f.f", ""):
        assert look_up(values, absent) is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (True, "yes"),
        (32003, "32,003"),
        (0.0, "0.000"),
        (0.97449, "0.974"),
        (4.625, "4.62"),
        (181.3, "181.3"),
        (12345.6, "12,346"),
        (0.00012, "1.2e-04"),
        (-1.5, "-1.50"),
        (float("nan"), "nan"),
        (np.float32(0.5), "0.500"),
        (np.int64(7), "7"),
        ("word", "word"),
    ],
)
def test_numbers_are_written_for_readers(value: object, written: str) -> None:
    assert number(value) == written
