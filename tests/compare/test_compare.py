"""Comparing runs: what counts as one system, what is refused, and what the table, the page and the numbers say."""

import io
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rich.console import Console

from meter.compare import Comparison, compare, find_runs, group_by_system, open_run
from meter.compare.measures import EvaluatedRecords, measures
from meter.compare.page import comparison_html
from meter.compare.text import markdown, print_comparison
from meter.config import RunConfig, run_hash
from meter.errors import InputError
from meter.evaluate.extra_metrics import ExtraMetric
from meter.evaluate.generations import (
    Generation,
    read_generations,
    read_scores,
    write_generations,
    write_scores,
)
from meter.evaluate.summary import summarize
from meter.metrics import (
    METRICS_VERSION,
    check_truth,
    coherence,
    item_feature_metrics,
    name_item_features,
    summarize_truth,
)
from meter.storage.fingerprint import plain
from tests.conftest import ROOT
from tests.report.test_page import NASTY, Page

FEATURES = ["bed", "pool", "view", "front desk"]
NAMES = {"users": [], "items": [], "dataset": "toy", "lowest_rating": 1.0, "highest_rating": 5.0}
WORDS = ["the", "room", "was", "clean", "quiet", "lovely", "and", "we", "liked", "it", "bed", "view", "pool"]
POSSIBLE = {f"inn {place}": {"bed": ["soft"], "pool": ["lap"]} for place in range(7)}
NUM_VALUES = {"bed": 2, "pool": 2}


def write_run(
    folder: Path,
    *,
    seed: int = 0,
    skill: float = 0.5,
    rows: int = 60,
    splits: tuple[str, ...] = ("test",),
    data: str = "d1",
    data_seed: int = 0,
    scores: bool = True,
    pictures: bool = True,
    **changes: Any,
) -> Path:
    """A run folder as the pipeline leaves it, without networks.

    skill: chance that a word, a value is right. data_seed: of the world; other ones have other records.
    """
    data += f" of world {data_seed}" if data_seed else ""
    config = RunConfig(seed=seed, data_seed=data_seed)
    for key, value in changes.items():
        part: Any = config
        *path, last = key.split("__")
        for step in path:
            part = getattr(part, step)
        setattr(part, last, value)
    folder.mkdir(parents=True)
    records = np.random.default_rng(7 + data_seed)
    draws = np.random.default_rng([seed, round(100 * skill)] + [data_seed] * (data_seed > 0))
    made, noted, metrics = [], [], {"metrics_version": METRICS_VERSION}
    for split in splits:
        members = [_generation(split, row, records, draws, skill, pictures) for row in range(rows)]
        said = [{one.feature: "soft" if draws.random() < skill else "hard"} for one in members]
        shown = [
            {"bed": "soft" if draws.random() < skill else "hard", "pool": "lap"} if pictures else None
            for _ in members
        ]
        asked = [one.feature for one in members]
        checked = check_truth(
            [one.item for one in members], asked, said, shown, POSSIBLE, NUM_VALUES, ["pool"]
        )
        metrics[split] = summarize(members, FEATURES, 1.0, 5.0) | {"truth": asdict(summarize_truth(checked))}
        made += members
        noted += [
            {"split": split, "row": one.row, "truth": asdict(explanation)}
            for one, explanation in zip(members, checked, strict=True)
        ]
    write_generations(folder / "generations.jsonl", made)
    if scores:
        write_scores(folder / "scores.jsonl", noted)
    inputs = {"prepared": data, **({"vq": "v", "codes": "c"} if pictures else {})}
    manifest = {"config_hash": run_hash(config), "data_hash": data, "inputs": inputs, "package": "0.1.0"}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "names.json").write_text(json.dumps({**NAMES, "features": FEATURES}))
    (folder / "config.yaml").write_text(yaml.safe_dump(plain(config)))
    return folder


def _generation(
    split: str,
    row: int,
    records: np.random.Generator,
    draws: np.random.Generator,
    skill: float,
    pictures: bool,
) -> Generation:
    reference = list(records.choice(WORDS, size=records.integers(4, 9)))
    rating = float(records.integers(1, 6))
    feature = str(records.choice(["bed", "pool"]))
    text = [word if draws.random() < skill else str(draws.choice(WORDS[:6])) for word in reference]
    return Generation(
        split=split,
        row=row,
        user=f"user {row % 5}",
        item=f"inn {row % 7}",
        feature=feature,
        rating=rating,
        predicted_rating=rating + float(draws.normal()) * (1.5 - skill),
        reference=" ".join(reference),
        cut_reference=" ".join(reference),
        text=" ".join(text),
        context=[],
        codes=[1, 2] if pictures else None,
        photo=row if pictures else -1,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Two systems over three seeds, one of them clearly better."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        write_run(folder / f"base-{seed}", seed=seed, skill=0.4, splits=("test", "unseen"), name="base")
        write_run(folder / f"good-{seed}", seed=seed, skill=0.8, splits=("test", "unseen"), name="good")
    return folder


@pytest.fixture(scope="module")
def comparison(runs: Path) -> Comparison:
    return compare([f"{runs}/base-*", f"{runs}/good-*"], num_resamples=1000)


def grouped(*folders: Path) -> list:
    return group_by_system([open_run(folder) for folder in folders])


def test_runs_that_differ_in_their_seed_only_are_one_system(tmp_path) -> None:
    for seed in (2, 0, 1):
        write_run(tmp_path / f"a{seed}", seed=seed, cache=f"elsewhere {seed}", dataset__root=f"there {seed}")
    write_run(tmp_path / "b0", objective__lambda_d=0.0)
    first, second = grouped(*(tmp_path / name for name in ("a2", "a0", "b0", "a1")))
    assert (first.seeds, second.seeds) == ([0, 1, 2], [0])
    assert (first.label, second.label) == ("objective.lambda_d=0.1", "objective.lambda_d=0")


def test_what_else_is_measured_makes_no_other_system(tmp_path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", seed=1, evaluation__extra_metrics=[ExtraMetric.fid])
    (system,) = grouped(tmp_path / "a", tmp_path / "b")
    assert system.seeds == [0, 1]


@pytest.mark.parametrize(
    ("systems", "labels"),
    [
        ([{"name": "peter"}, {"name": "meter", "objective__alpha": 0.5}], ["peter", "meter"]),
        (
            [{"name": "peter"}, {"objective__alpha": 0.5}, {"objective__alpha": 2.0}],
            ["peter", "meter objective.alpha=0.5", "meter objective.alpha=2"],
        ),
        (
            [
                {},
                {
                    "train__epochs": 1,
                    "model__width": 64,
                    "model__heads": 1,
                    "model__norm": "pre",
                    "data_seed": 0,
                },
            ],
            [
                "model.width=512 model.heads=2 model.norm=post +1 more",
                "model.width=64 model.heads=1 model.norm=pre +1 more",
            ],
        ),
    ],
)
def test_a_label_is_what_tells_a_system_from_the_others(tmp_path, systems, labels) -> None:
    folders = [write_run(tmp_path / str(place), **changes) for place, changes in enumerate(systems)]
    assert [system.label for system in grouped(*folders)] == labels


def test_labels_are_never_the_same(tmp_path) -> None:
    changes = [{"train__epochs": epochs, "train__patience": 9 - epochs} for epochs in (1, 2, 3)]
    more = [{**change, "model__width": 64 if change["train__epochs"] == 3 else 32} for change in changes]
    folders = [
        write_run(tmp_path / str(place), model__heads=1, disc__width=8, **change)
        for place, change in enumerate(more)
    ]
    labels = [system.label for system in grouped(*folders)]
    assert len(set(labels)) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "d2"}, "different data: the raw files have changed"),
        ({"data": "d2", "dataset__world": {"num_hotels": 3}}, r"dataset\.world\.num_hotels=.* and 3"),
        ({"data": "d2", "data_seed": 5}, "data_seed=0 and 5"),
        ({"rows": 59}, "other records of test: 60 and 59, row 59 is in the first only"),
        ({"splits": ("test", "unseen")}, "other splits: test and test, unseen"),
    ],
)
def test_other_data_are_refused_with_the_difference(tmp_path, change, words) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", name="other", **change)
    with pytest.raises(InputError, match=f"a and .*b.* {words}"):
        compare([str(tmp_path / "a"), str(tmp_path / "b")])


def test_the_same_rows_must_be_the_same_records(tmp_path) -> None:
    write_run(tmp_path / "a")
    other = write_run(tmp_path / "b", name="other")
    path = other / "generations.jsonl"
    path.write_text(path.read_text().replace('"user": "user 3"', '"user": "somebody"', 1))
    with pytest.raises(InputError, match="row 3 of test is another record"):
        compare([str(tmp_path / "a"), str(other)])


def test_what_a_system_makes_of_the_records_is_its_own(tmp_path) -> None:
    """A text-only run prepares the same records without photos, under another hash: it may be compared."""
    write_run(tmp_path / "a", name="meter")
    blind: dict[str, Any] = {
        "dataset__use_images": False,
        "objective__alpha": 0.0,
        "objective__lambda_d": 0.0,
    }
    write_run(tmp_path / "b", name="peter", data="d2", pictures=False, **blind)
    found = compare([str(tmp_path / "a"), str(tmp_path / "b")], num_resamples=100)
    rows = {row.key: row for row in found.tables[0].rows}
    assert rows["rating.rmse"].cells[1].test is not None
    assert rows["truth.picture_truth"].cells[1].values == []
    assert "data" not in "".join(found.notes)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("metrics.json", "unfinished: metrics.json is missing"),
        ("generations.jsonl", "unfinished: generations.jsonl is missing"),
        ("config.yaml", "not a run folder"),
    ],
)
def test_an_unfinished_run_is_named(tmp_path, file, words) -> None:
    folder = write_run(tmp_path / "a")
    (folder / file).unlink()
    with pytest.raises(InputError, match=rf"a is .*{words}|{words}"):
        compare([str(folder)])


def test_another_version_of_the_metrics_is_refused(tmp_path) -> None:
    folder = write_run(tmp_path / "a")
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({**metrics, "metrics_version": "0"}))
    with pytest.raises(InputError, match=r"metrics version 0, this is version .*meter\.evaluate run="):
        open_run(folder)


def test_scores_of_other_rows_are_refused(tmp_path) -> None:
    folder = write_run(tmp_path / "a")
    lines = (folder / "scores.jsonl").read_text().splitlines(keepends=True)
    (folder / "scores.jsonl").write_text("".join(lines[1:]))
    with pytest.raises(InputError, match=r"scores\.jsonl is not of the records"):
        open_run(folder)


def test_one_system_twice_or_alone_is_refused(tmp_path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "copy")
    with pytest.raises(InputError, match="same system with the same seed"):
        compare([f"{tmp_path}/*"])
    write_run(tmp_path / "b", seed=1)
    with pytest.raises(InputError, match=r"one system only \(meter, seeds 0, 1\)"):
        compare([str(tmp_path / "a"), str(tmp_path / "b")])


def test_patterns_find_run_folders_once_and_pass_over_the_rest(tmp_path, monkeypatch) -> None:
    write_run(tmp_path / "runs" / "a-1")
    write_run(tmp_path / "runs" / "a-0")
    (tmp_path / "runs" / "a-comparison").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_runs(["runs/a-1", "runs/a-*"]) == [Path("runs/a-1"), Path("runs/a-0")]
    assert find_runs([f"{tmp_path}/runs/*-0"]) == [tmp_path / "runs" / "a-0"]
    with pytest.raises(InputError, match="no run folder matches"):
        find_runs(["runs/b-*"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"baseline": "best"}, r"baseline=best is none of the systems \(base; good\)"),
        ({"splits": ["train"]}, "train was not evaluated; there are test, unseen"),
        ({"metrics": ["bleu"]}, r"there is no bleu to test; there are rating\.rmse"),
        ({"num_resamples": 5}, "give 100 at least"),
    ],
)
def test_what_is_not_there_is_refused(runs, asked, words) -> None:
    with pytest.raises(InputError, match=words):
        compare([f"{runs}/*"], **asked)


def test_the_values_are_those_that_the_runs_have_measured(comparison: Comparison) -> None:
    """What is resampled is the metric itself: over matched seeds both give the same mean."""
    assert [table.split for table in comparison.tables] == ["test", "unseen"]
    for row in comparison.tables[0].rows:
        assert len(row.cells[0].values) == len(row.cells[1].values) == 3
        test = row.cells[1].test
        assert test is not None
        assert test.first == pytest.approx(row.cells[1].mean)
        assert test.second == pytest.approx(row.cells[0].mean)
    assert {row.key.split(".")[0] for row in comparison.tables[0].rows} == {
        "rating",
        "text",
        "diversity",
        "truth",
    }


def test_the_better_system_is_told_from_the_worse(comparison: Comparison) -> None:
    rows = {row.key: row.cells[1] for row in comparison.tables[0].rows}
    for key in (
        "rating.rmse",
        "text.bleu_4",
        "text.rouge_1.f",
        "truth.sentence_truth",
        "truth.picture_truth",
    ):
        assert rows[key].verdict == "better"
        assert rows[key].p_corrected >= rows[key].test.p_randomization
    assert rows["rating.rmse"].test.difference < 0 < rows["text.bleu_4"].test.difference
    assert rows["text.bleu_4"].over_seeds.cliffs_delta == 1
    assert rows["text.bleu_4"].over_seeds.p_permutation == pytest.approx(0.1)


def test_a_system_against_its_equal_is_not_told_apart(tmp_path) -> None:
    write_run(tmp_path / "a", skill=0.5)
    write_run(tmp_path / "b", skill=0.5, train__epochs=3)
    table = compare([f"{tmp_path}/*"], num_resamples=200).tables[0]
    assert all(row.cells[1].p_corrected == 1 and row.cells[1].verdict == "" for row in table.rows)
    assert all(row.cells[1].test.difference == 0 for row in table.rows)


def test_the_baseline_is_chosen_by_label_or_folder(runs: Path) -> None:
    for named in ("good", str(runs / "good-1")):
        found = compare(
            [f"{runs}/*"], baseline=named, metrics=["rating"], splits=["unseen"], num_resamples=100
        )
        assert [system.label for system in found.systems] == ["good", "base"]
        assert [row.key for row in found.tables[0].rows] == ["rating.rmse", "rating.mae"]
        assert found.tables[0].num_tests == 2
        assert found.tables[0].rows[0].cells[1].verdict == "worse"


def test_a_name_of_several_systems_is_no_baseline(tmp_path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", train__epochs=3)
    with pytest.raises(InputError, match="baseline=meter is several of the systems"):
        compare([f"{tmp_path}/*"], baseline="meter")


def test_rows_are_paired_whatever_their_order(tmp_path) -> None:
    write_run(tmp_path / "a", skill=0.4)
    folder = write_run(tmp_path / "b", skill=0.8, name="b")
    before = compare([f"{tmp_path}/*"], num_resamples=100)
    for name in ("generations.jsonl", "scores.jsonl"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(reversed(lines)))
    assert compare([f"{tmp_path}/*"], num_resamples=100) == before


def test_only_matched_seeds_are_compared_and_it_is_said(tmp_path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / f"a{seed}", seed=seed, skill=0.4)
    for seed in (1, 2):
        write_run(tmp_path / f"b{seed}", seed=seed, skill=0.8, name="b")
    found = compare([f"{tmp_path}/*"], num_resamples=1000)
    assert found.systems[1].seeds_compared == [(1, 1)]
    assert found.notes == ["b: its seeds are not meter’s; differences and tests are over seeds 1."]
    row = found.tables[0].rows[0]
    assert row.cells[1].test.second == pytest.approx(row.cells[0].values[1])


def test_without_scores_truth_is_shown_and_not_tested(tmp_path) -> None:
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", name="b", scores=False)
    found = compare([f"{tmp_path}/*"], num_resamples=100)
    rows = {row.key: row.cells[1] for row in found.tables[0].rows}
    assert rows["truth.agreement"].mean is not None
    assert rows["truth.agreement"].test is None
    assert rows["text.bleu_1"].test is not None
    assert "has no scores.jsonl" in found.notes[0]


def add_newer_metrics(folder: Path, *, readable: bool = True) -> None:
    """Item features and coherence, as the pipeline measures them."""
    made = read_generations(folder / "generations.jsonl")
    texts, references, items, predicted = (
        [getattr(one, name) for one in made] for name in ("text", "reference", "item", "predicted_rating")
    )
    of_item = {item: ["bed", "view"] for item in items}
    named = name_item_features(texts, references, items, of_item, FEATURES)
    read = [float(len(text.split())) + row % 3 for row, text in enumerate(texts)]
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["test"] |= {
        "item_features": asdict(item_feature_metrics(texts, references, items, of_item, FEATURES)),
        "coherence": {**asdict(coherence(predicted, read)), "measurable": readable},
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    scores = [
        {**score, "item_features": asdict(of_one), "coherence": {"read_rating": rating}}
        for score, of_one, rating in zip(read_scores(folder / "scores.jsonl"), named, read, strict=True)
    ]
    write_scores(folder / "scores.jsonl", scores)


NEWER = ["item_features.ifmr", "item_features.gt_fmr", "coherence.correlation", "coherence.difference"]


def test_item_features_and_coherence_are_resampled_as_they_were_measured(tmp_path) -> None:
    for name, skill in (("a", 0.4), ("b", 0.8)):
        add_newer_metrics(write_run(tmp_path / name, name=name, skill=skill))
    rows = {row.key: row.cells for row in compare([f"{tmp_path}/*"], num_resamples=100).tables[0].rows}
    for key in [*NEWER, "diversity.distinct_3"]:
        first, second = rows[key]
        assert second.test is not None
        assert (second.test.second, second.test.first) == (
            pytest.approx(first.mean),
            pytest.approx(second.mean),
        )


def test_a_run_of_before_is_compared_by_what_it_has(tmp_path) -> None:
    """Newer metrics are missing in older runs: shown for the others, tested for none."""
    old = write_run(tmp_path / "a", name="a")
    metrics = json.loads((old / "metrics.json").read_text())
    for key in ("distinct_3", "entropy"):
        del metrics["test"]["diversity"][key]
    (old / "metrics.json").write_text(json.dumps(metrics))
    add_newer_metrics(write_run(tmp_path / "b", name="b"))
    found = compare([f"{tmp_path}/*"], num_resamples=100)
    rows = {row.key: row.cells for row in found.tables[0].rows}
    for key in [*NEWER, "diversity.distinct_3"]:
        first, second = rows[key]
        assert (first.values, second.test) == ([], None)
        assert len(second.values) == 1
    assert rows["text.bleu_4"][1].test is not None
    assert "iFMR" in markdown(found, "command")


def test_coherence_is_not_measurable_where_sentences_say_nothing_of_ratings(tmp_path) -> None:
    for name in ("a", "b"):
        add_newer_metrics(write_run(tmp_path / name, name=name), readable=False)
    found = compare([f"{tmp_path}/*"], metrics=["coherence"], num_resamples=100)
    assert [cell.not_measurable for row in found.tables[0].rows for cell in row.cells] == [True] * 4
    assert "coherence is not measurable in test, since true sentences say nothing" in found.notes[0]


def test_other_features_or_another_matcher_are_not_tested(tmp_path) -> None:
    write_run(tmp_path / "a")
    other = write_run(tmp_path / "b", name="b", matching__epochs=1)
    (other / "names.json").write_text(json.dumps({**NAMES, "features": ["bed"]}))
    for folder in (tmp_path / "a", other):
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["test"]["match"] = {"recall_at_1": 0.5}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    found = compare([f"{tmp_path}/*"], num_resamples=1000)
    rows = {row.key: row.cells[1] for row in found.tables[0].rows}
    assert rows["diversity.fcr"].test is None
    assert rows["diversity.usr"].test is not None
    assert rows["match.recall_at_1"].test is None
    assert ["another set of features" in note or "another matcher" in note for note in found.notes] == [
        True
    ] * 2


def test_every_metric_is_resampled_as_it_is_measured(runs: Path) -> None:
    run = open_run(runs / "good-0")
    examples = EvaluatedRecords(run, "unseen")
    made = {measure.key: measure.metric([examples]) for measure in measures()}
    for measure in measures():
        value = measure.value(run, "unseen")
        assert (
            (value is None)
            == (made[measure.key] is None)
            == (measure.section in ("match", "item_features", "coherence"))
        )


def test_too_few_resamples_are_said(runs: Path) -> None:
    found = compare([f"{runs}/*"], splits=["test"], num_resamples=100)
    assert found.notes == [
        "With 100 resamples and 22 tests no corrected p can fall below 0.05; num_resamples=3000 can tell."
    ]


def test_markdown_holds_the_table(comparison: Comparison) -> None:
    text = markdown(comparison, "python -m meter.compare")
    lines = text.splitlines()
    heads = next(line for line in lines if line.startswith("| metric"))
    rows = [line for line in lines if line.startswith("| RMSE ↓")]
    assert heads.count("|") == rows[0].count("|") == 8
    cell = comparison.tables[0].rows[0].cells[1]
    assert f"**{cell.mean:.3f} ± {cell.deviation:.3f}**" in rows[0]
    assert " \\* |" in rows[0]
    assert len(rows) == 4  # two splits, each over records and over seeds
    assert "seeds 0, 1, 2" in text
    assert "1,000 resamples" in text
    assert "corrected by Holm over all tests of a table (22 in test, 22 in unseen)" in text


def test_the_terminal_shows_both_systems(comparison: Comparison) -> None:
    console = Console(width=140, file=io.StringIO())
    print_comparison(comparison, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "base (seeds 0, 1, 2)" in text
    assert "good (seeds 0, 1, 2)" in text
    assert "BLEU-4 ↑" in text


def test_the_page_needs_nothing_from_outside_and_shows_every_metric(comparison: Comparison) -> None:
    text = comparison_html(comparison, "python -m meter.compare")
    page = Page(text)
    assert not page.tags["script"] + page.tags["link"] + page.tags["img"]
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    for part in ("2 systems on synthetic", "good against base", "Picture truth", "Cliff’s δ", "d_z"):
        assert part in page.text
    assert page.tags["section"] == 3
    assert text == comparison_html(comparison, "python -m meter.compare")


def test_names_from_outside_are_escaped_everywhere(tmp_path) -> None:
    nasty = NASTY + "|`*"
    write_run(tmp_path / "a", name="a")
    write_run(tmp_path / "b", name=nasty, dataset__name=nasty, splits=("test",))
    found = compare([f"{tmp_path}/*"], num_resamples=100)
    found.notes.append(nasty)
    page = Page(comparison_html(found, nasty))
    assert not page.tags["script"] + page.tags["img"]
    assert page.text.count("alert(1)") > 5
    text = markdown(found, "command")
    assert "<script" not in text
    assert "<img" not in text
    heads, row = (
        next(line for line in text.splitlines() if line.startswith(start)) for start in ("| metric", "| RMSE")
    )
    assert heads.replace("\\|", "").count("|") == row.count("|")


def test_the_command_writes_three_files_and_refuses_in_one_line(tmp_path) -> None:
    for seed in (0, 1):
        write_run(tmp_path / "runs" / f"a-{seed}", seed=seed, name="a", rows=12)
        write_run(tmp_path / "runs" / f"b-{seed}", seed=seed, name="b", skill=0.7, rows=12)
    found = _command(tmp_path, "runs=[runs/a-*,runs/b-*]", "num_resamples=100")
    assert found.returncode == 0, found.stderr
    (folder,) = (tmp_path / "runs").glob("compare-*")
    assert {path.name for path in folder.iterdir()} == {"compare.json", "compare.md", "compare.html"}
    numbers = json.loads((folder / "compare.json").read_text())
    assert [system["label"] for system in numbers["systems"]] == ["a", "b"]
    assert numbers["tables"][0]["rows"][0]["cells"][1]["test"]["num_resamples"] == 100
    assert "meter.compare" in numbers["command"]
    assert "BLEU-4" in found.stdout

    again = _command(tmp_path, "runs=[runs/*]", "out=elsewhere", "metrics=[rating]", "num_resamples=100")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "elsewhere" / "compare.html").exists()

    (tmp_path / "runs" / "b-1" / "metrics.json").unlink()
    refused = _command(tmp_path, "runs=[runs/a-*,runs/b-*]")
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines() == [
        "error: runs/b-1 is unfinished: metrics.json is missing; run its command again to go on"
    ]


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meter.compare", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "160",
            "PYTHONPATH": str(ROOT),
        },
    )
