"""Hashes of files: right after every change, remembered without reading again."""

import hashlib
import os
from pathlib import Path

import pytest

from meter.storage import file_hashes
from meter.storage.file_hashes import FileHashes


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled the moment they are written."""
    monkeypatch.setattr(file_hashes, "FRESH_NS", -1)


@pytest.mark.usefixtures("settled")
def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "raw"
    file.write_bytes(b"one")
    assert FileHashes(tmp_path / "cache" / "hashes.json").of(file) == sha(b"one")
    monkeypatch.setattr(file_hashes, "hash_file", lambda path: pytest.fail("read again"))
    assert FileHashes(tmp_path / "cache" / "hashes.json").of(file) == sha(b"one")


@pytest.mark.usefixtures("settled")
def test_a_change_of_equal_length_and_time_is_seen(tmp_path: Path) -> None:
    file, known = tmp_path / "raw", FileHashes(tmp_path / "hashes.json")
    file.write_bytes(b"one")
    before = file.stat()
    assert known.of(file) == sha(b"one")
    file.write_bytes(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known.of(file) == sha(b"two")


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    file, known = tmp_path / "raw", FileHashes(tmp_path / "hashes.json")
    file.write_bytes(b"one")
    assert known.of(file) == sha(b"one")
    assert not known.memory.exists()


@pytest.mark.usefixtures("settled")
def test_a_torn_memory_is_forgotten(tmp_path: Path) -> None:
    file, known = tmp_path / "raw", FileHashes(tmp_path / "hashes.json")
    file.write_bytes(b"one")
    known.memory.write_text('{"ra')
    assert known.of(file) == sha(b"one")
    assert known.of(file) == sha(b"one")
