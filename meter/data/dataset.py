"""A dataset's config, and its raw files read by format."""

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from meter.data.clip import ClipConfig
from meter.data.pairing import Pairing
from meter.data.readers.base import require_file
from meter.data.readers.csv import REVIEWS as CSV_REVIEWS
from meter.data.readers.csv import read_csv
from meter.data.readers.jsonl import REVIEWS as JSONL_REVIEWS
from meter.data.readers.jsonl import read_jsonl
from meter.data.readers.peter import REVIEWS as PETER_REVIEWS
from meter.data.readers.peter import read_peter
from meter.data.readers.photos import Photo, read_photos
from meter.data.readers.yelp import REVIEWS as YELP_REVIEWS
from meter.data.readers.yelp import read_yelp, read_yelp_photos
from meter.data.reviews import Reviews
from meter.data.splits import INDEX_FOLDER, index_files
from meter.data.vocabulary import VocabularySource
from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.world import WorldConfig

if TYPE_CHECKING:
    from rich.console import Console


class Format(enum.Enum):
    """The form of the raw files; data/README.md shows each."""

    synthetic = "synthetic"
    """The grounded world, written on the spot."""
    peter = "peter"
    jsonl = "jsonl"
    csv = "csv"
    yelp = "yelp"


@dataclass(kw_only=True, slots=True)
class DatasetConfig(EnumFields):
    """Where the data come from and how they are prepared."""

    name: str = "synthetic"
    """Names the runs; means nothing to the data."""
    format: Format = Format.synthetic
    root: str = ""
    """Folder of the raw files; unused by the synthetic world."""
    fold: str = "1"
    """PETER format: the folder of index files inside ``root``."""

    text_length: int = 15
    """n: longer sentences are cut to n words, then EOS (D5); their whole text is kept for scoring (D6)."""
    vocabulary_size: int = 20_000
    """Words kept by frequency, feature words among them; the special words come on top."""
    vocabulary_from: VocabularySource = VocabularySource.train
    """The splits that words and feature words are taken from (D9)."""
    min_rating: float = 1.0
    """Lowest rating of the scale: ratings below are dropped, predictions are clipped to it in metrics."""
    max_rating: float = 5.0
    """Highest rating of the scale."""

    use_images: bool = True
    """False: photos are not read, and no record has one."""
    image_size: int = 64
    """Side of the square that photos are cut and resized to, pixels."""
    pairing: Pairing = Pairing.item
    """How a review gets a photo of its item."""
    labels: dict[str, str] = field(default_factory=dict)
    """For pairing=label: feature word to photo label."""
    clip: ClipConfig = field(default_factory=ClipConfig)
    """For pairing=clip: the image–text model."""
    label_fallback: bool = True
    """For pairing=label: any photo of the item where no label suits; False: no photo then."""
    skip_broken_photos: bool = False
    """Leave out, and count, photos that are missing or torn, instead of stopping at the first one."""

    world: WorldConfig = field(default_factory=WorldConfig)
    """format=synthetic: the world to write."""


def check_config(config: DatasetConfig) -> None:
    """Refuses values that cannot be meant.

    Raises:
        InputError: naming the field, its value and what it may be.
    """
    for name in ("text_length", "vocabulary_size", "image_size"):
        if getattr(config, name) < 1:
            raise InputError(f"dataset.{name}={getattr(config, name)}: expected 1 or more")
    if not config.min_rating < config.max_rating:
        raise InputError(
            f"dataset.min_rating={config.min_rating:g} must be less than dataset.max_rating={config.max_rating:g}"
        )
    if config.format is not Format.synthetic and not Path(config.root).is_dir():
        raise InputError(
            f"dataset.root={config.root!r} is no folder: set it to the folder of the raw files "
            "(data/README.md says where they come from)"
        )


def review_files(config: DatasetConfig, folder: Path) -> list[Path]:
    """All files that ``read_reviews`` reads from ``folder``.

    Raises:
        InputError: the file with the reviews is missing.
    """
    name = {
        Format.synthetic: JSONL_REVIEWS,
        Format.jsonl: JSONL_REVIEWS,
        Format.csv: CSV_REVIEWS,
        Format.peter: PETER_REVIEWS,
        Format.yelp: YELP_REVIEWS,
    }[config.format]
    splits = folder / (config.fold if config.format is Format.peter else INDEX_FOLDER)
    return [require_file(folder / name), *index_files(splits)]


def read_reviews(config: DatasetConfig, folder: Path, seed: int, console: "Console | None" = None) -> Reviews:
    """Reads the reviews of ``folder`` by the config's format; ``seed`` is for splits where none are given."""
    low, high = config.min_rating, config.max_rating
    if config.format is Format.peter:
        return read_peter(folder, config.fold, min_rating=low, max_rating=high, console=console)
    if config.format is Format.csv:
        return read_csv(folder, min_rating=low, max_rating=high, seed=seed, console=console)
    if config.format is Format.yelp:
        return read_yelp(
            folder,
            min_rating=low,
            max_rating=high,
            seed=seed,
            vocabulary_from=config.vocabulary_from,
            console=console,
        )
    return read_jsonl(folder, min_rating=low, max_rating=high, seed=seed, console=console)


def read_manifest(config: DatasetConfig, folder: Path) -> list[Photo]:
    """Reads the photo manifest of ``folder`` by the config's format."""
    return read_yelp_photos(folder) if config.format is Format.yelp else read_photos(folder)
