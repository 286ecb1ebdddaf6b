"""A sweep in which some jobs fail: the others are done, the failures are said, the exit status tells."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from meter.errors import InputError
from meter.evaluate.sweep_objective import objective_values
from meter.signals import Interrupted
from meter.sweep_failures import SweepFailures


def prepare(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "meter.prepare", "-m", "experiment=smoke", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_a_job_that_fails_leaves_the_others(tmp_path: Path) -> None:
    found = prepare(tmp_path, "dataset.text_length=9,0,10")
    assert found.returncode == 2, found.stdout + found.stderr
    assert len(list((tmp_path / "cache").glob("prepared-*"))) == 2
    assert "1 of the sweep's jobs failed:" in found.stderr
    assert "dataset.text_length=0: dataset.text_length=0: expected 1 or more" in found.stderr
    assert "Traceback" not in found.stderr

    again = prepare(tmp_path, "dataset.text_length=9,10")
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "cache").glob("prepared-*"))) == 2


def fail(fault: BaseException) -> None:
    raise fault


def test_the_exit_status_is_2_for_wrong_input_alone(capsys: pytest.CaptureFixture[str]) -> None:
    failures = SweepFailures()
    failures.guard(lambda: None, ["seed=0"])
    failures.report()
    failures.guard(lambda: fail(InputError("heads: expected 2, found 3")), ["model.heads=3", "seed=1"])
    with pytest.raises(SystemExit) as stopped:
        failures.report()
    assert stopped.value.code == 2
    failures.guard(lambda: fail(ZeroDivisionError("by zero")), ["seed=2"])
    with pytest.raises(SystemExit) as stopped:
        failures.report()
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert "2 of the sweep's jobs failed:\n  model.heads=3 seed=1\n      heads: expected 2, found 3\n" in said
    assert "  seed=2\n      ZeroDivisionError: by zero\n" in said
    assert "Traceback" in said, "a fault of ours is shown with its place"


def test_a_job_in_another_process_raises_there() -> None:
    failures = SweepFailures(process=os.getpid() + 1)
    with pytest.raises(InputError):
        failures.guard(lambda: fail(InputError("wrong")), ["seed=1"])
    assert failures.failures == []


def test_a_stop_on_request_ends_the_sweep() -> None:
    with pytest.raises(Interrupted):
        SweepFailures().guard(lambda: fail(Interrupted("stopped")), ["seed=1"])


def test_a_sweeper_is_told_the_metrics_that_are_optimized() -> None:
    metrics = {
        "validation": {"text": {"bleu_4": 3.5}, "rating": {"rmse": 1.0, "count": 9}},
        "metrics_version": 7,
    }
    assert objective_values(metrics, []) is None
    assert objective_values(metrics, ["validation.text.bleu_4"]) == 3.5
    assert objective_values(metrics, ["validation.rating.rmse", "validation.text.bleu_4"]) == [1.0, 3.5]
    with pytest.raises(
        InputError, match=r"expected a number at test\.text\.bleu_4, found None; .* has validation"
    ):
        objective_values(metrics, ["test.text.bleu_4"])


@pytest.mark.slow
def test_optuna_searches_on_validation_and_the_same_command_finds_its_trial_again(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="hydra-optuna-sweeper is not installed")
    command = [sys.executable, "-m", "meter.train", "-m", "sweep=optuna", "experiment=smoke"]
    for _ in range(2):
        done = subprocess.run(
            [*command, "hydra.sweeper.n_trials=1"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        runs = sorted((tmp_path / "runs" / "synthetic").iterdir())
        assert len(runs) == 1
        for run in runs:
            metrics = json.loads((run / "metrics.json").read_text())
            assert metrics["validation"]["rating"]["rmse"] > 0
            assert "test" not in metrics
    best = yaml.safe_load((tmp_path / "runs" / "sweep" / "optimization_results.yaml").read_text())
    assert best["name"] == "optuna"
    assert not (tmp_path / "multirun.yaml").exists(), "what a sweeper leaves lies beside the runs"
