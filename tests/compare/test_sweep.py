"""A sweep: its points, the front of two metrics, and what page, Markdown and terminal say of them."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from meter.compare.results import Cell, MetricRow
from meter.compare.sweep import Sweep, front_of, read_sweep
from meter.compare.sweep_page import print_sweep, sweep_html, sweep_markdown
from meter.compare.sweep_plots import Scale, effect_plots, front_plot
from meter.errors import InputError
from tests.compare.test_compare import write_run
from tests.report.test_page import NASTY, Page

FRONT = ["rating.rmse", "text.bleu_4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two λ with two values each over two seeds, written in another order than that of their values."""
    folder = tmp_path_factory.mktemp("sweep")
    for lambda_d in (0.1, 0.0):
        for lambda_c in (1.0, 0.1):
            for seed in (1, 0):
                write_run(
                    folder / f"sweep-{lambda_d}-{lambda_c}-{seed}",
                    seed=seed,
                    skill=0.4 + lambda_d * 3,
                    splits=("validation",),
                    objective__lambda_d=lambda_d,
                    objective__lambda_c=lambda_c,
                )
    return folder


@pytest.fixture(scope="module")
def sweep(folder) -> Sweep:
    return read_sweep([f"{folder}/sweep-*"], front=FRONT)


def test_points_are_the_settings_that_differ_by_their_values(sweep):
    assert sweep.settings == ["objective.lambda_d", "objective.lambda_c"]
    assert [point.values for point in sweep.points] == [[0.0, 0.1], [0.0, 1.0], [0.1, 0.1], [0.1, 1.0]]
    assert all(point.seeds == [0, 1] for point in sweep.points)
    assert sweep.overrides(sweep.points[2]) == "objective.lambda_d=0.1 objective.lambda_c=0.1"


def test_cells_are_the_mean_and_deviation_of_what_the_runs_have_measured(sweep, folder):
    row = sweep.tables[0].row("text.bleu_4")
    measured = [
        json.loads((folder / f"sweep-0.0-0.1-{seed}" / "metrics.json").read_text())["validation"]["text"][
            "bleu_4"
        ]
        for seed in (0, 1)
    ]
    assert row.cells[0].values == measured
    assert row.cells[0].mean == pytest.approx(sum(measured) / 2)
    assert row.cells[0].deviation == pytest.approx(abs(measured[0] - measured[1]) / 2**0.5)


def row(key: str, values: list[float | None], *, lower: bool) -> MetricRow:
    cells = [Cell(values=[] if one is None else [one], mean=one, deviation=None) for one in values]
    return MetricRow(key=key, label=key, decimals=2, lower=lower, cells=cells)


def test_the_front_holds_what_no_other_point_beats():
    """By hand: 0 has the best error, 3 the best score, 1 lies between them; 2 is beaten by 1, 4 was not measured."""
    errors = row("error", [1.0, 1.2, 1.3, 2.0, None], lower=True)
    scores = row("score", [3.0, 4.0, 4.0, 5.0, 9.0], lower=False)
    assert front_of([errors, scores], ["error", "score"]) == [0, 1, 3]
    assert front_of([errors, scores], ["score", "error"]) == [3, 1, 0]


def test_equal_points_are_both_on_the_front():
    errors, scores = row("error", [1.0, 1.0], lower=True), row("score", [2.0, 2.0], lower=False)
    assert front_of([errors, scores], ["error", "score"]) == [0, 1]


def test_without_one_of_the_metrics_there_is_no_front(sweep):
    assert front_of(sweep.tables[0].rows, ["rating.rmse", "match.recall_at_5"]) == []


def test_lines_are_those_of_the_other_settings(sweep):
    plots = effect_plots(sweep, sweep.tables[0], 0, ["text.bleu_4", "match.recall_at_5"])
    assert [plot.title for plot in plots] == ["BLEU-4 ↑"], "only what was measured is drawn"
    assert [name for name, _ in plots[0].legend] == ["lambda_c=0.1", "lambda_c=1"]
    assert "objective.lambda_d=0 objective.lambda_c=0.1: " in plots[0].alt


def test_few_values_stand_side_by_side_and_many_on_their_scale():
    few = Scale([0, 0.01, 0.1, 0.01])
    assert [few.place(value) for value in (0, 0.01, 0.1)] == [0, 1, 2]
    many = Scale([0.001 * 2**power for power in range(12)])
    assert many.logarithmic
    assert many.place(0.004) == 0.004
    assert not Scale([0.0, *range(12)]).logarithmic, "0 has no logarithm"
    assert Scale(["a", "b"]).place("b") == 1


def test_the_page_holds_every_point_and_escapes_names(sweep):
    page = Page(sweep_html(sweep, f"python -m meter.compare sweep='{NASTY}'"))
    assert NASTY in page.text
    front = front_plot(sweep, sweep.tables[0])
    assert front is not None
    assert f"{len(sweep.tables[0].front)} of 4 points" in front.alt
    assert "seeds 0, 1" in page.text


def test_markdown_and_terminal_have_a_line_for_every_point(sweep):
    lines = sweep_markdown(sweep, "python -m meter.compare sweep='runs/*'").splitlines()
    assert sum(line.startswith("| 0") for line in lines) == 4
    output = io.StringIO()
    print_sweep(sweep, Console(file=output, width=100))
    said = output.getvalue()
    assert said.count(" ± ") >= 8
    assert "chosen on validation" not in said, "they were"


def test_a_sweep_of_the_test_split_is_told_where_settings_are_chosen(tmp_path):
    for value in (0.0, 0.1):
        write_run(tmp_path / f"run-{value}", objective__lambda_d=value)
    found = read_sweep([f"{tmp_path}/run-*"], front=FRONT)
    said = sweep_markdown(found, "")
    assert "Settings are to be chosen on validation" in said
    assert "one run each" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"front": ["rating.rmse"]}, "front: expected two metrics, found 1: rating.rmse"),
        ({"front": ["rating.rmse", "text"]}, "front: expected a metric such as text.bleu_4, found text"),
        ({"front": FRONT, "splits": ["test"]}, "splits: test was not evaluated; there are validation"),
    ],
)
def test_what_cannot_be_shown_is_refused(folder, options, message):
    with pytest.raises(InputError) as refused:
        read_sweep([f"{folder}/sweep-*"], **options)
    assert str(refused.value) == message


def test_seeds_alone_are_no_sweep(folder):
    with pytest.raises(InputError, match="nothing differs between the 2 runs but their seeds"):
        read_sweep([f"{folder}/sweep-0.0-0.1-*"], front=FRONT)


def test_the_command_writes_three_files(folder):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "meter.compare",
            f"sweep={folder}/sweep-*",
            "front=[rating.rmse,diversity.usr]",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    (written,) = folder.glob("sweep-????????")
    assert {file.name for file in written.iterdir()} == {"sweep.json", "sweep.md", "sweep.html"}
    numbers = json.loads((written / "sweep.json").read_text())
    assert numbers["front_metrics"] == ["rating.rmse", "diversity.usr"]
    assert len(numbers["points"]) == 4
