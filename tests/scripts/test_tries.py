"""The table of tried settings: losses of the weights that a run keeps, the best first."""

import runpy
from pathlib import Path

import pytest

from meter.run_folder import RunFolder
from tests.commands.test_config import composed
from tests.conftest import ROOT

tries = runpy.run_path(str(ROOT / "scripts" / "tries.py"))


def make_run(folder: Path, *overrides: str, epochs: list[dict[str, float | bool]]) -> RunFolder:
    """A training of which only config and journal are at hand."""
    run = RunFolder(folder)
    run.save_config(composed("experiment=smoke", *overrides))
    run.journal.write(kind="train", step=1, epoch=0, text=9.0)
    for epoch, values in enumerate(epochs):
        run.journal.write(kind="validation", step=epoch, epoch=epoch, **values)
    return run


def test_the_best_comes_first_with_the_weights_that_are_kept(tmp_path: Path) -> None:
    slow = make_run(
        tmp_path / "slow",
        "optimizer.learning_rate=1e-4",
        epochs=[{"best": True, "text": 4.0, "rating": 1.0}, {"best": True, "text": 3.5, "rating": 1.25}],
    )
    fast = make_run(
        tmp_path / "fast",
        "optimizer.learning_rate=1e-3",
        epochs=[{"best": True, "text": 3.25, "rating": 1.0}, {"best": False, "text": 3.0, "rating": 2.0}],
    )
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in tries["table"]([slow, fast]).splitlines()
    ]
    assert rows[0] == ["run", "learning_rate", "words", "rating", "sum", "best epoch", "epochs"]
    assert rows[2] == ["fast", "0.001", "3.250", "1.000", "4.250", "1", "2"]
    assert rows[3] == ["slow", "0.0001", "3.500", "1.250", "4.750", "2", "2"]


def test_a_system_without_ratings_goes_by_its_words(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", epochs=[{"best": True, "text": 4.0}])
    assert tries["table"]([run]).splitlines()[-1] == "| run | 4.000 | – | 4.000 | 1 | 1 |"


def test_a_training_without_a_validated_epoch_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path / "run", epochs=[])
    assert tries["main"]([str(tmp_path / "run")]) == 2
    assert "expected an epoch that was validated, found none" in capsys.readouterr().err
