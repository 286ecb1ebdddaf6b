import json
import subprocess
import sys
from dataclasses import replace

import pytest

from meter.errors import InputError
from meter.evaluate.generations import (
    Generation,
    read_generations,
    read_scores,
    write_generations,
    write_scores,
)
from meter.evaluate.summary import summarize
from meter.metrics import METRICS_VERSION

FIRST = Generation(
    split="test",
    row=7,
    user="ann",
    item="inn",
    feature="pool",
    rating=4.0,
    predicted_rating=5.25,
    reference='the "pool" was\u2028warm , très bien',
    cut_reference='the "pool" was',
    text="the pool is <b>warm</b>",
    context=["pool", "warm"],
    codes=[3, 1, 2],
    photo=12,
)
SECOND = replace(FIRST, row=8, feature=None, codes=None, photo=-1, text="")


def test_round_trip(tmp_path):
    path = tmp_path / "generations.jsonl"
    assert write_generations(path, iter([FIRST, SECOND])) == 2
    assert read_generations(path) == [FIRST, SECOND]
    assert [file.name for file in tmp_path.iterdir()] == ["generations.jsonl"]


def test_a_writer_that_dies_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "generations.jsonl"
    write_generations(path, [FIRST])

    def dying():
        yield SECOND
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_generations(path, dying())
    assert read_generations(path) == [FIRST]


def test_a_torn_last_line_is_named(tmp_path):
    path = tmp_path / "generations.jsonl"
    write_generations(path, [FIRST, SECOND])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"generations\.jsonl:2: the line is torn"):
        read_generations(path)


def test_a_line_that_is_not_json_is_named(tmp_path):
    path = tmp_path / "generations.jsonl"
    path.write_text("nonsense\n")
    with pytest.raises(InputError, match=":1: the line is not JSON"):
        read_generations(path)


def test_other_keys_are_refused(tmp_path):
    path = tmp_path / "generations.jsonl"
    write_generations(path, [FIRST])
    values = json.loads(path.read_text(encoding="utf-8"))
    values["colour"] = values.pop("codes")
    path.write_text(json.dumps(values) + "\n")
    with pytest.raises(InputError, match=r"missing \['codes'\], unknown \['colour'\]"):
        read_generations(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_generations(tmp_path / "generations.jsonl")


def test_a_prediction_that_is_no_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_generations(tmp_path / "generations.jsonl", [replace(FIRST, predicted_rating=float("nan"))])


def test_scores_come_back_and_a_line_that_is_none_is_named(tmp_path):
    path = tmp_path / "scores.jsonl"
    scores = [{"split": "test", "row": 7, "match": {"recall_at_1": 0.5}}, {"split": "test", "row": 8}]
    assert write_scores(path, scores) == 2
    assert read_scores(path) == scores
    path.write_text('{"split": "test", "row": 7}\n{"split": "test"}\n')
    with pytest.raises(
        InputError, match=r"scores\.jsonl:2: not the scores of a record; measure the run again"
    ):
        read_scores(path)
    path.write_text('{"split": "test", "ro')
    with pytest.raises(InputError, match=r"scores\.jsonl:1: the line is torn .* measure the run again"):
        read_scores(path)


def test_summary_is_plain_and_shows_both_definitions():
    summary = summarize([FIRST, SECOND], ["pool", "bar"], lowest_rating=1.0, highest_rating=5.0)
    assert json.loads(json.dumps(summary)) == summary
    assert summary["rating"]["rmse"] == pytest.approx(1.25)
    assert summary["rating_peter_compat"]["rmse"] == pytest.approx(1.0)
    assert summary["text"]["reference_length"] == 7
    assert summary["text_peter_compat"]["reference_length"] == 3
    assert summary["diversity"]["fmr"] == 1
    assert summary["diversity_of_references"]["fmr"] == 0
    assert all(section["signature"].endswith(f"version:{METRICS_VERSION}") for section in summary.values())


def test_evaluation_loads_no_network_and_no_reference_library():
    heavy = ["torch", "nltk", "rouge_score", "skimage", "hydra", "lightning_fabric"]
    code = f"import sys, meter.evaluate; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
