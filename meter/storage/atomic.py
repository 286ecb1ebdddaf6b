"""Files that are whole or not there: written beside, flushed to disk, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def atomic_writer(path: Path) -> Iterator[TextIO]:
    """Opens a text file (UTF-8) that takes the name ``path`` only when the block has ended well.

    Until then, and where the block raises, what was at ``path`` stays as it was. Several processes may write the same
    path at once: the last one to end wins, and nobody sees a mixture.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> Path:
    """Writes a whole text file and returns its path."""
    with atomic_writer(path) as file:
        file.write(text)
    return path


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a whole binary file, as ``write_text`` does a text, and returns its path."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        write_flushed(partial, content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def write_flushed(path: Path, content: bytes) -> None:
    """Writes a file and forces it to disk, for a folder that is renamed when all its files are there."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Forces the names in a folder to disk: a rename may else be lost in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
