"""Comparing runs of several worlds: the mean over all runs, records and pairs of their own world, and words for it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from meter.compare import Comparison, compare, group_by_system, open_run
from meter.compare.page import comparison_html
from meter.compare.systems import runs_said
from meter.compare.text import markdown
from meter.errors import InputError
from tests.compare.test_compare import NAMES, write_run
from tests.report.test_page import Page

SEEDS = {0: (0, 1), 1: (0, 1), 2: (0,)}
ROWS = {0: 30, 1: 24, 2: 20}
FEATURES = {0: ["bed", "pool"], 1: ["bed", "pool", "view", "room"], 2: ["bed", "pool", "view"]}


def write_worlds(folder: Path, name: str, skill: float, seeds: dict[int, tuple[int, ...]]) -> None:
    """A system over several worlds, which differ in their records, how many there are, and their features."""
    for data_seed, of_world in seeds.items():
        for seed in of_world:
            run = write_run(
                folder / f"{name}-{data_seed}-{seed}",
                name=name,
                skill=skill,
                seed=seed,
                data_seed=data_seed,
                rows=ROWS[data_seed],
            )
            set_features(run, FEATURES[data_seed])


def set_features(run: Path, features: list[str]) -> None:
    """Other features of the dataset, FCR counted by these; DIV counts features that two sentences share."""
    (run / "names.json").write_text(json.dumps({**NAMES, "features": features}))
    sentences = [json.loads(line)["text"] for line in (run / "generations.jsonl").read_text().splitlines()]
    found = [{word for word in sentence.split() if word in features} for sentence in sentences]
    pairs = [len(one & other) for place, one in enumerate(found) for other in found[:place]]
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["test"]["diversity"] |= {
        "fcr": len(set.union(*found)) / len(features),
        "div": float(np.mean(pairs)),
    }
    (run / "metrics.json").write_text(json.dumps(metrics))


def add_match(run: Path, measurable: bool) -> None:
    """What a matcher found, which may be at chance."""
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["test"]["match"] = {"recall_at_1": 0.625, "measurable": measurable}
    (run / "metrics.json").write_text(json.dumps(metrics))
    if measurable:
        lines = [json.loads(line) for line in (run / "scores.jsonl").read_text().splitlines()]
        for place, line in enumerate(lines):
            line["match"] = {"recall_at_1": float(place % 8 < 5)}
        (run / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    write_worlds(folder, "base", 0.4, SEEDS)
    write_worlds(folder, "good", 0.8, SEEDS)
    return folder


@pytest.fixture(scope="module")
def comparison(runs: Path) -> Comparison:
    return compare([f"{runs}/base-*", f"{runs}/good-*"], num_resamples=300)


def test_runs_that_differ_in_both_seeds_only_are_one_system_by_world_and_seed(runs: Path) -> None:
    folders = sorted(runs.glob("good-*"), reverse=True)
    (system,) = group_by_system([open_run(folder) for folder in folders])
    assert system.data_seeds == [0, 0, 1, 1, 2]
    assert system.seeds == [0, 1, 0, 1, 0]
    assert system.label == "good"


def test_a_run_twice_is_refused_with_both_seeds(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, seed=3, data_seed=2)
    with pytest.raises(InputError, match=r"the same system with the same seed \(3\) and data_seed \(2\)"):
        compare([f"{tmp_path}/*"])


def test_the_tests_are_of_the_mean_over_all_runs(comparison: Comparison) -> None:
    """What is resampled is each run's own metric over its own world, FCR and DIV by the world's own features."""
    (table,) = comparison.tables
    assert table.num_examples == sum(ROWS.values())
    assert len(table.rows) > 20
    for row in table.rows:
        baseline, cell = row.cells
        assert len(cell.values) == 5
        assert cell.mean == pytest.approx(np.mean(cell.values))
        assert cell.deviation == pytest.approx(np.std(cell.values, ddof=1))
        if row.key == "truth.visit.agreement":
            continue  # a run without a record that asks for it
        assert cell.test is not None, row.key
        assert (cell.test.first, cell.test.second) == pytest.approx((cell.mean, baseline.mean)), row.key
    assert {row.key for row in table.rows} >= {"diversity.fcr", "diversity.div", "truth.picture_truth"}


def test_the_difference_is_the_mean_of_the_worlds_weighed_by_their_runs(
    runs: Path, comparison: Comparison
) -> None:
    alone = {
        data_seed: compare(
            [f"{runs}/base-{data_seed}-*", f"{runs}/good-{data_seed}-*"], num_resamples=100
        ).tables[0]
        for data_seed in SEEDS
    }
    for row in comparison.tables[0].rows:
        tests = [
            next(own.cells[1].test for own in table.rows if own.key == row.key) for table in alone.values()
        ]
        worlds = row.cells[1].by_world
        assert [world.data_seed for world in worlds] == [0, 1, 2]
        for world, test in zip(worlds, tests, strict=True):
            if test is not None:
                assert (world.mean, world.difference) == pytest.approx((test.first, test.difference))
        if row.cells[1].test is not None and None not in tests:
            expected = np.average([test.difference for test in tests if test], weights=[2, 2, 1])
            assert row.cells[1].test.difference == pytest.approx(expected)
        assert all(world.difference is None for world in row.cells[0].by_world)


def test_runs_are_paired_by_world_and_seed(comparison: Comparison) -> None:
    row = next(row for row in comparison.tables[0].rows if row.key == "text.bleu_1")
    over_runs = row.cells[1].over_runs
    assert over_runs is not None
    assert over_runs.p_sign_flip == 2 / 2**5
    assert (over_runs.num_higher, over_runs.num_pairs) == (5, 5)
    assert all(cell.over_seeds is None for one in comparison.tables[0].rows for cell in one.cells)
    good = comparison.systems[1]
    assert (good.data_seeds_compared, good.seeds_compared) == (
        [0, 0, 1, 1, 2],
        [(0, 0), (1, 1), (0, 0), (1, 1), (0, 0)],
    )
    assert not [note for note in comparison.notes if "differences and tests are over" in note]


def test_what_all_worlds_share_is_said_in_plain_words(comparison: Comparison) -> None:
    assert comparison.provenance["data"] == ["d1", "d1 of world 1", "d1 of world 2"]
    words = "5 runs: 3 worlds (data_seed 0, 1, 2) with 2, 2, 1 seeds"
    page = " ".join(Page(comparison_html(comparison, "command")).text.split())
    for part in (
        words,
        "74 records of 3 worlds",
        "Tests over matched runs",
        "5 of 5",
        "By world",
        "sign flips",
    ):
        assert part in page
    text = markdown(comparison, "command").replace("\\", "")
    for part in (words, "| over matched runs", "good: p paired t", "| by world", "good: data_seed 2"):
        assert part in text
    lines = [line for line in text.splitlines() if line.startswith(("| by world", "| BLEU-1"))]
    assert len({line.count("|") for line in lines[-2:]}) == 1


@pytest.mark.parametrize(
    ("data_seeds", "seeds", "words"),
    [
        ([0, 0, 1, 1], [0, 1, 0, 1], "4 runs: 2 worlds (data_seed 0, 1) × 2 seeds"),
        ([7], [0], "1 run: 1 world (data_seed 7) × 1 seed"),
        (list(range(8)), [0] * 8, "8 runs: 8 worlds × 1 seed"),
    ],
)
def test_runs_in_words(data_seeds: list[int], seeds: list[int], words: str) -> None:
    assert runs_said(data_seeds, seeds, of_worlds=True) == words


def test_one_world_is_not_spoken_of(runs: Path) -> None:
    found = compare([f"{runs}/*-1-*"], num_resamples=100)
    for text in (Page(comparison_html(found, "command")).text, markdown(found, "command")):
        assert not re.search(r"[Ww]orlds|matched runs|data.?_seed|By world", text)
        assert "seeds 0, 1" in text
        assert "Welch" in text
    assert all(not cell.by_world for row in found.tables[0].rows for cell in row.cells)


def test_only_worlds_and_seeds_of_both_are_compared_and_it_is_said(tmp_path: Path) -> None:
    write_worlds(tmp_path, "base", 0.4, {0: (0, 1), 1: (0,)})
    write_worlds(tmp_path, "good", 0.8, {1: (0, 1), 2: (0,)})
    found = compare([f"{tmp_path}/*"], metrics=["rating"], num_resamples=100)
    good = found.systems[1]
    assert (good.data_seeds_compared, good.seeds_compared) == ([1], [(0, 0)])
    assert found.notes == [
        "good: its runs are not base’s; differences and tests are over data_seed 1, seeds 0."
    ]
    baseline, cell = found.tables[0].rows[0].cells
    assert cell.test is not None
    assert (cell.test.first, cell.test.second) == pytest.approx((cell.values[0], baseline.values[2]))
    assert [world.difference for world in cell.by_world] == [pytest.approx(cell.test.difference), None]
    assert cell.over_runs is None
    assert found.tables[0].num_examples == sum(ROWS.values())


def test_without_a_common_seed_the_runs_of_a_world_are_paired_in_order(tmp_path: Path) -> None:
    write_worlds(tmp_path, "base", 0.4, {0: (0, 1), 1: (0,)})
    write_worlds(tmp_path, "good", 0.8, {0: (2, 3), 1: (4,)})
    found = compare([f"{tmp_path}/*"], metrics=["rating"], num_resamples=100)
    assert found.notes == [
        "good: its runs are not base’s; differences and tests are over data_seed 0, seeds 2 with 0, 3 with 1; "
        "data_seed 1, seeds 4 with 0."
    ]


def test_systems_without_a_common_world_are_refused(tmp_path: Path) -> None:
    write_worlds(tmp_path, "base", 0.4, {0: (0,), 1: (0,)})
    write_worlds(tmp_path, "good", 0.8, {2: (0,)})
    with pytest.raises(InputError, match=r"base-0-0 and .*good-2-0, base and good, .*data_seed=0, 1 and 2;"):
        compare([f"{tmp_path}/*"])


def test_other_data_in_one_world_and_other_splits_in_any_are_refused(tmp_path: Path) -> None:
    write_worlds(tmp_path / "a", "base", 0.4, {0: (0,), 1: (0,)})
    write_run(tmp_path / "b", name="good", data_seed=1, data="d2", rows=ROWS[1])
    with pytest.raises(InputError, match=r"base-1-0 and .*b were made from different data"):
        compare([f"{tmp_path}/a/*", str(tmp_path / "b")])
    write_run(tmp_path / "c", name="base", data_seed=2, splits=("test", "unseen"))
    with pytest.raises(InputError, match=r"base-1-0 and .*c were evaluated on other splits"):
        compare([f"{tmp_path}/a/*", str(tmp_path / "c")])


def test_one_world_with_other_features_is_enough_not_to_test(tmp_path: Path) -> None:
    for name in ("base", "good"):
        write_worlds(tmp_path, name, 0.5, {0: (0,), 1: (0,)})
    set_features(tmp_path / "good-1-0", ["bed", "view"])
    found = compare([f"{tmp_path}/*"], metrics=["diversity"], num_resamples=400)
    cells = {row.key: row.cells[1] for row in found.tables[0].rows}
    assert cells["diversity.fcr"].mean is not None
    assert (cells["diversity.fcr"].test, cells["diversity.fcr"].over_runs) == (None, None)
    assert cells["diversity.usr"].test is not None
    assert "count another set of features" in found.notes[0]


@pytest.mark.parametrize("data_seeds", [(0,), (0, 1)])
def test_what_a_matcher_at_chance_finds_is_neither_shown_nor_tested(
    tmp_path: Path, data_seeds: tuple[int, ...]
) -> None:
    """One run at chance is enough; the others of its system do not stand for it."""
    for name in ("base", "good"):
        write_worlds(tmp_path, name, 0.5, dict.fromkeys(data_seeds, (0, 1)))
        for run in tmp_path.glob(f"{name}-*"):
            add_match(run, measurable=(run.name != f"good-{data_seeds[-1]}-0"))
    found = compare([f"{tmp_path}/*"], metrics=["match", "rating"], num_resamples=100)
    row = next(row for row in found.tables[0].rows if row.key == "match.recall_at_1")
    assert row.cells[0].mean == pytest.approx(0.625)
    cell = row.cells[1]
    assert (cell.values, cell.mean, cell.not_measurable) == ([], None, True)
    assert (cell.test, cell.over_seeds, cell.over_runs, cell.by_world) == (None, None, None, [])
    assert found.tables[0].num_tests == 2
    assert found.notes[0] == (
        f"good: match is not measurable in test, since the matcher is at chance in 1 of {2 * len(data_seeds)} runs."
    )
    (line,) = [line for line in markdown(found, "command").splitlines() if line.startswith("| R@1")][:1]
    assert "not measurable here" in line
    assert "not measurable here" in Page(comparison_html(found, "command")).text


def test_a_matcher_above_chance_is_tested_as_ever(tmp_path: Path) -> None:
    for name in ("base", "good"):
        write_worlds(tmp_path, name, 0.5, {0: (0,), 1: (0,)})
        for run in tmp_path.glob(f"{name}-*"):
            add_match(run, measurable=True)
    found = compare([f"{tmp_path}/*"], metrics=["match"], num_resamples=100)
    (row,) = found.tables[0].rows
    assert row.cells[1].test is not None
    assert row.cells[1].test.num_examples == ROWS[0] + ROWS[1]
