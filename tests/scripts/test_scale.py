"""The script that measures time and memory at full size: its files are read whole, its figures are what they say."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from meter.data.prepared import prepare
from tests.conftest import ROOT

SCRIPTS = ROOT / "scripts"


@pytest.fixture(scope="module")
def scale():
    sys.path.insert(0, str(SCRIPTS))
    yield runpy.run_path(str(SCRIPTS / "scale.py"))
    sys.path.remove(str(SCRIPTS))


@pytest.mark.parametrize("name", ["tripadvisor", "yelp"])
def test_made_up_files_are_read_without_a_loss(scale, tmp_path: Path, name: str) -> None:
    from scaling import files  # pyright: ignore[reportMissingImports]
    from scaling.steps import dataset_config  # pyright: ignore[reportMissingImports]

    size = replace(files.SIZES[name].times(0.003), users=20, items=12, photos=30)
    files.write_dataset(tmp_path / "raw", size, seed=0)
    prepared = prepare(dataset_config(tmp_path / "raw", size), tmp_path / "cache", 0)
    assert len(prepared) == size.reviews
    assert (len(prepared.users), len(prepared.items)) == (20, 12)
    assert prepared.photos is not None
    assert len(prepared.photos.pixels) == 30
    assert prepared.stage.summary["reviews"]["dropped"] == {}
    assert prepared.stage.summary["records_without_photo"] == 0
    assert len(prepared.features) > 150, "reviews speak of many things"
    raw = size.words if name == "tripadvisor" else size.words // 6
    assert prepared.stage.summary["mean_length"] == pytest.approx(raw, abs=2)


def test_memory_is_what_was_asked_for(scale) -> None:
    from scaling import measured  # pyright: ignore[reportMissingImports]

    small, large = (measured.measured(np.ones, count) for count in (1, 25_000_000))
    assert large.memory - small.memory == pytest.approx(200e6, rel=0.1)


def test_the_command_prints_and_keeps_a_table(
    scale, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--dataset", "tripadvisor", "--times", "0.0005", "0.001", "--out", str(tmp_path)]
    assert scale["main"](arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| tripadvisor | 0.0005 | 160 | 30 |")
    assert lines[3].startswith("| tripadvisor | 0.001 | 320 | 60 |")
    assert lines[3].endswith(" for × 2 |")
    assert (tmp_path / "scale.md").read_text().splitlines() == lines
    costs = [each["costs"] for each in json.loads((tmp_path / "scale.json").read_text())]
    assert all(cost[step]["memory"] > 2**20 for cost in costs for step in ("photos", "reviews", "codes"))
    assert not (tmp_path / "files").exists()
