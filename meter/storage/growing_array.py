"""An array on disk that grows row by row; after a kill it is continued where it stood."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from meter.storage.journal import Journal

TEMPORARY = "growing"
"""Folder beside the array in which its journal lies; of no use once the array is whole."""
ROWS_AT_RISK = 1024


class GrowingArray:
    """Appends rows to a file in NumPy's format, in the order of the inputs that they are made from.

    An input gives one row or, where it is dropped, none. The rows and what they were made from are forced to disk
    after every 1,024 inputs or so: a kill, or a power cut, loses at most these.

    taken: how many inputs are done.  dropped: the indices of those that gave no row.

    >>> with GrowingArray(folder / "codes.npy", (256,), np.int32) as rows:   # doctest: +SKIP
    ...     for batch in batches(inputs[rows.taken :]):
    ...         rows.append(encode(batch))
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        journal_folder = path.parent / TEMPORARY
        journal_folder.mkdir(exist_ok=True)
        self.journal = Journal(journal_folder / f"{path.stem}.jsonl")
        lines = self.journal.read() if path.exists() else []
        self.journal.truncate(len(lines))
        self.taken = self.saved = lines[-1]["taken"] if lines else 0
        self.dropped: list[int] = [index for line in lines for index in line["dropped"]]
        self.saved_drops = len(self.dropped)
        self.file = path.open("r+b" if lines else "w+b")
        self._write_header()
        self.file.truncate(self.file.tell() + len(self) * self.dtype.itemsize * int(np.prod(shape)))
        self.file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        """Rows so far."""
        return self.taken - len(self.dropped)

    def append(self, rows: np.ndarray, dropped: Sequence[int] = ()) -> None:
        """Takes the rows of the next inputs.

        dropped: which of all inputs are among these and gave no row.
        """
        assert rows.shape[1:] == self.shape, (rows.shape, self.shape)
        self.file.write(np.ascontiguousarray(rows, dtype=self.dtype).tobytes())
        self.taken += len(rows) + len(dropped)
        self.dropped += dropped
        if self.taken - self.saved >= ROWS_AT_RISK:
            self.save()

    def save(self) -> None:
        """Forces to disk what was appended, and only then notes it in the journal."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.journal.write(taken=self.taken, dropped=self.dropped[self.saved_drops :])
        self.saved, self.saved_drops = self.taken, len(self.dropped)

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()
        # NumPy pads its header so that the first axis can be corrected in place.
        self._write_header()
        self.file.close()

    def _write_header(self) -> None:
        self.file.seek(0)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (len(self), *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, header)
