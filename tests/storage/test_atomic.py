"""A file is whole or not there, whatever ends the writing."""

from pathlib import Path

import pytest

from meter.storage.atomic import atomic_writer, write_text
from meter.storage.json_file import read_json, write_json


def test_what_was_there_stays_until_the_block_has_ended(tmp_path: Path) -> None:
    path = write_text(tmp_path / "metrics.json", "before")
    with atomic_writer(path) as file:
        file.write("after")
        file.flush()
        assert path.read_text(encoding="utf-8") == "before"
    assert path.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_text(tmp_path / "metrics.json", "before")

    def write_half() -> None:
        with atomic_writer(path) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_json_goes_out_and_comes_back(tmp_path: Path) -> None:
    value = {"words": ["größe", "👍"], "count": 3, "share": 0.5, "nothing": None}
    assert read_json(write_json(tmp_path / "value.json", value)) == value
