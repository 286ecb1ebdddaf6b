"""A sweep in which some jobs fail: the others are done, the failures are said, the exit status tells."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meter.errors import InputError
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
