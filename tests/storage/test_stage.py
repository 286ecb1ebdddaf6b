"""A stage is built once, and what only its building needed goes when it is whole."""

import threading
from pathlib import Path

import pytest

from meter.storage.stage import MANIFEST, Stage, build_stage


def build_in(cache: Path, build) -> Stage:
    return build_stage(cache, "thing", version=1, config={}, inputs={}, build=build, temporary="work*")


def with_scaffold(folder: Path) -> dict:
    (folder / "work").mkdir(exist_ok=True)
    (folder / "work" / "half").write_text("done so far")
    (folder / "result").write_text("whole")
    return {"count": 1}


def refuse(folder: Path) -> dict:
    raise AssertionError("built a second time")


def test_the_scaffold_stands_until_the_stage_is_whole(tmp_path: Path) -> None:
    def killed(folder: Path) -> dict:
        with_scaffold(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_in(tmp_path, killed)
    (partial,) = tmp_path.glob("*.partial")
    assert (partial / "work" / "half").exists()

    stage = build_in(tmp_path, with_scaffold)
    assert {path.name for path in stage.folder.iterdir()} == {"result", MANIFEST}


def test_a_scaffold_that_a_kill_left_goes_at_the_next_look(tmp_path: Path) -> None:
    stage = build_in(tmp_path, with_scaffold)
    (stage.folder / "work").mkdir()

    assert build_in(tmp_path, refuse) == stage
    assert not (stage.folder / "work").exists()


def test_many_that_ask_at_once_find_one_stage(tmp_path: Path) -> None:
    found: list[Stage] = []
    threads = [
        threading.Thread(target=lambda: found.append(build_in(tmp_path, with_scaffold))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert all(stage == found[0] for stage in found)
    assert not list(found[0].folder.glob("work*"))
