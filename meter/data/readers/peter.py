"""Reads the PETER format: ``reviews.pickle`` and ``<fold>/{train,validation,test}.index``."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from meter.data.readers.base import UnusableRecord, collect_reviews, require_file, with_checked_columns
from meter.data.reviews import Reviews, Source
from meter.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

REVIEWS = "reviews.pickle"


def read_peter(
    folder: Path,
    fold: str = "1",
    *,
    min_rating: float = 1.0,
    max_rating: float = 5.0,
    console: "Console | None" = None,
) -> Reviews:
    """Reads a folder in the format of PETER and NLG4RS (Li et al., ACL 2021).

    The pickle is a list of ``{"user", "item", "rating", "template": (feature, adjective, sentence, score)}``;
    sentences are tokenized already and are split at white space only. It is opened with an unpickler that builds
    only lists, dicts, tuples, strings and numbers, so no code in it can run.

    fold: the folder with the index files (record numbers from 0).  console: shows the progress.

    Raises:
        InputError: a file is missing, incomplete or of another form; the pickle contains anything but plain values;
            the index files contradict each other; or no record is usable.
    """
    path = require_file(folder / REVIEWS)
    entries = _load_plain(path)
    if not isinstance(entries, list):
        raise InputError(f"{path}: expected a list of dicts, found a {type(entries).__name__}")
    source = Source(path)
    return collect_reviews(
        with_checked_columns(entries, ("user", "item", "rating", "template"), (), source),
        _fields,
        source=source,
        tokenize=str.split,
        min_rating=min_rating,
        max_rating=max_rating,
        splits=folder / fold,
        num_records=len(entries),
        console=console,
    )


def _fields(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise UnusableRecord("not a dict")
    template = entry.get("template")
    if not isinstance(template, (tuple, list)) or len(template) != 4:
        raise UnusableRecord("template is not (feature, adjective, sentence, score)")
    feature, _, sentence, _ = template
    return {**entry, "text": sentence, "feature": feature, "image": None}


def _load_plain(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, path).load()
    except InputError:
        raise
    except Exception as fault:  # an incomplete pickle can raise nearly any exception
        raise InputError(
            f"{path}: not a whole pickle ({type(fault).__name__}: {fault}); copy or download the file again"
        ) from None


class _PlainUnpickler(pickle.Unpickler):
    """Builds plain values only: every class or function in a pickle comes through ``find_class``."""

    def __init__(self, file: Any, path: Path) -> None:
        super().__init__(file)
        self._path = path

    def find_class(self, module: str, name: str) -> NoReturn:
        raise InputError(
            f"{self._path}: refused, the pickle asks for {module}.{name}; "
            "only lists, dicts, tuples, strings and numbers are read, since anything else could run code"
        )
