"""Reviews that name no feature word: the words are mined from training reviews, and one sentence of each is kept."""

import enum
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from meter.data.readers.base import UnusableRecord, collect_reviews, find_splits
from meter.data.readers.feature_mining import first_named, mine_features
from meter.data.reviews import Reviews, Source
from meter.data.vocabulary import VocabularySource
from meter.errors import InputError
from meter.progress import tracked

if TYPE_CHECKING:
    from rich.console import Console

Raw = TypeVar("Raw")
NUM_MINED = 100_000
"""Reviews at most that feature words are mined from."""


class FeatureSource(enum.Enum):
    """Where the feature word of a review comes from."""

    given = "given"
    """From its own column; a review without one has none."""
    mined = "mined"
    """A review without one gets the first sentence, and the feature word in it, that training reviews teach to find."""


def collect_mined_reviews(
    read: Callable[[], Iterable[Raw]],
    fields: Callable[[Raw], Mapping[str, Any]],
    *,
    source: Source,
    tokenize: Callable[[str], list[str]],
    min_rating: float,
    max_rating: float,
    index_folder: Path,
    seed: int,
    vocabulary_from: VocabularySource,
    console: "Console | None" = None,
) -> Reviews:
    """Splits all reviews, mines feature words from training reviews, and keeps the first sentence that names one.

    The split comes first, so it depends on no word, and no word on what is held out. A review that has a feature word
    stays as it is. One without, in which no sentence names a mined word, is dropped and counted.

    read: begins to read the raw records anew; it is called three times.
    fields: raw record -> the unchecked fields of a ``Review``; may raise ``UnusableRecord``.
    tokenize: what is given or found -> words; sentences that are found are tokenized already.
    index_folder: of the index files; without it the reviews are split 8:1:1 with ``seed``.
    vocabulary_from: the splits that feature words are mined from (D9).
    source, min_rating, max_rating, console: as in ``collect_reviews``.

    Raises:
        InputError: as ``collect_reviews``; or no review has a feature word and none was found.
    """
    splits = _split(read, fields, source, index_folder, seed, console)
    mined_from = None if vocabulary_from is VocabularySource.peter_compat else set(splits["train"])
    features = mine_features(islice(_texts(read(), fields, mined_from), NUM_MINED))
    if not features and all(given.get("feature") is None for _, given in _usable(read(), fields)):
        raise InputError(
            f'{source.file}: no feature word was found; a word is one where five training reviews at least say "the … '
            'is" or "the … was" of it: add reviews, or name feature words yourself (docs/data.md)'
        )
    return collect_reviews(
        read(),
        lambda raw: _with_feature(fields(raw), features),
        source=source,
        tokenize=tokenize,
        min_rating=min_rating,
        max_rating=max_rating,
        splits=splits,
        console=console,
    )


def _usable(
    raw_records: Iterable[Raw], fields: Callable[[Raw], Mapping[str, Any]]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number and fields of every record that has fields at all."""
    for number, raw in enumerate(raw_records):
        try:
            yield number, fields(raw)
        except UnusableRecord:
            continue


def _split(
    read: Callable[[], Iterable[Raw]],
    fields: Callable[[Raw], Mapping[str, Any]],
    source: Source,
    index_folder: Path,
    seed: int,
    console: "Console | None",
) -> dict[str, list[int]]:
    """The record numbers of each split, over all reviews, whether they can be used later or not."""
    names: dict[str, str] = {}  # every name once: a repeated one takes no further memory
    pairs: list[tuple[int, str, str]] = []
    num_records = 0

    def counted() -> Iterator[Raw]:
        nonlocal num_records
        for raw in tracked(read(), f"splitting {source.file.name}", None, console):
            num_records += 1
            yield raw

    for number, given in _usable(counted(), fields):
        user, item = str(given.get("user")), str(given.get("item"))
        pairs.append((number, names.setdefault(user, user), names.setdefault(item, item)))
    return find_splits(index_folder, num_records, pairs, seed)


def _texts(
    raw_records: Iterable[Raw], fields: Callable[[Raw], Mapping[str, Any]], numbers: Collection[int] | None
) -> Iterator[str]:
    """The texts of the reviews with these record numbers; None: of all."""
    for number, given in _usable(raw_records, fields):
        text = given.get("text")
        if (numbers is None or number in numbers) and isinstance(text, str):
            yield text


def _with_feature(given: Mapping[str, Any], features: Collection[str]) -> Mapping[str, Any]:
    """The fields with the first sentence that names a feature word, and the word; as they are if they have one."""
    text = given.get("text")
    if given.get("feature") is not None or not isinstance(text, str) or not text.strip():
        return given
    named = first_named(text, features)
    if named is None:
        raise UnusableRecord("no sentence names a feature word")
    return {**given, "text": named.sentence, "feature": named.feature}
