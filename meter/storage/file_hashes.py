"""Hashes of raw files, remembered: a large file is read once, then known by its size and its time of change."""

import hashlib
import json
import time
from pathlib import Path

from meter.storage.json_file import read_json, write_json

FRESH_NS = 2_000_000_000
"""A file that changed less than this long ago, in nanoseconds, may change again at the same time: not remembered."""


def hash_file(path: Path) -> str:
    """SHA-256 over the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileHashes:
    """What ``hash_file`` said of each file, kept as JSON in ``memory`` by path, size, inode and time of change."""

    def __init__(self, memory: Path) -> None:
        self.memory = memory

    def of(self, path: Path) -> str:
        """SHA-256 of a file, read only where it may have changed since the last time."""
        found, known = path.stat(), self._known()
        marks = [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
        name = str(path.resolve())
        if name in known and known[name][:-1] == marks:
            return known[name][-1]
        value = hash_file(path)
        if time.time_ns() - found.st_ctime_ns > FRESH_NS:
            self._remember({**known, name: [*marks, value]})
        return value

    def _known(self) -> dict[str, list]:
        try:
            return read_json(self.memory)
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _remember(self, known: dict[str, list]) -> None:
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.memory, known, indent=1)
