"""The table of the sweep over λd: a row for each, figures from the runs themselves."""

import json
import runpy
from pathlib import Path

import pytest

from tests.compare.test_compare import write_run
from tests.conftest import ROOT

script = runpy.run_path(str(ROOT / "scripts" / "discriminator.py"))


def with_scores(folder: Path, auc: float) -> None:
    """Adds to a run how D scores swapped pairs."""
    metrics = json.loads((folder / "metrics.json").read_text())
    scorers = {"discriminator": {"pairs": {"swapped": {"mean": 0.5, "auc": auc}}}}
    metrics["diagnosis"] = {"pair_scores": {"scorers": scorers}}
    (folder / "metrics.json").write_text(json.dumps(metrics))


def test_a_row_for_each_weight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, auc in ((0, 0.5), (1, 0.7)):
        write_run(tmp_path / f"none-{seed}", seed=seed, objective__lambda_d=0.0, name="none")
        with_scores(write_run(tmp_path / f"some-{seed}", seed=seed, objective__lambda_d=0.3), auc)
    assert script["main"]([f"{tmp_path}/*"]) == 0
    headings, _, none, some = capsys.readouterr().out.splitlines()
    place = [part.strip() for part in headings.split("|")].index("D: swapped")
    assert none.startswith("| 0 | 2 |")
    assert none.split("|")[place].strip() == "–"
    assert some.startswith("| 0.3 | 2 |")
    assert some.split("|")[place].strip() == "0.600 ± 0.141"


def test_runs_that_differ_in_more_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "one", objective__lambda_d=0.3)
    write_run(tmp_path / "other", objective__lambda_d=0.3, model__width=64)
    assert script["main"]([f"{tmp_path}/*"]) == 2
    assert "differ in objective.lambda_d and seed alone" in capsys.readouterr().err
