"""The config of a dataset, and the reader of each format."""

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
from meter.data.readers.mined import FeatureSource
from meter.data.readers.peter import REVIEWS as PETER_REVIEWS
from meter.data.readers.peter import read_peter
from meter.data.readers.photos import MANIFEST, Photo, read_photos
from meter.data.readers.yelp import PHOTOS as YELP_MANIFEST
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
    """A form of raw files; docs/data.md shows each."""

    synthetic = "synthetic"
    """The grounded world, which is written when it is needed."""
    peter = "peter"
    jsonl = "jsonl"
    csv = "csv"
    yelp = "yelp"
    custom = "custom"
    """``csv`` or ``jsonl``: whichever of ``reviews.csv`` and ``reviews.jsonl`` is in ``root``."""


@dataclass(kw_only=True, slots=True)
class DatasetConfig(EnumFields):
    """Where the data come from and how they are prepared."""

    name: str = "synthetic"
    """Used in the names of runs only."""
    format: Format = Format.synthetic
    """The form of the raw files."""
    root: str = ""
    """Folder of the raw files; unused by the synthetic world."""
    fold: str = "1"
    """PETER format: the folder of index files inside ``root``."""

    text_length: int = 15
    """n: longer sentences are cut to n words, then EOS (D5); their whole text is kept for scoring (D6)."""
    vocabulary_size: int = 20_000
    """Words kept by frequency, feature words included; the special words are not counted."""
    features: FeatureSource = FeatureSource.given
    """CSV and JSON lines: are feature words given, or found where a review has none? Yelp's are always mined."""
    vocabulary_from: VocabularySource = VocabularySource.train
    """The splits that words and feature words are taken from (D9)."""
    min_rating: float = 1.0
    """Lowest rating of the scale: lower ratings are dropped, and metrics clip predictions to it."""
    max_rating: float = 5.0
    """Highest rating of the scale."""

    use_images: bool | None = True
    """False: photos are not read, and no record has one. None: photos are read if there is a photo manifest."""
    image_size: int = 64
    """Side of the square that photos are cut and resized to, pixels."""
    pairing: Pairing = Pairing.item
    """How a review gets a photo of its item."""
    labels: dict[str, str] = field(default_factory=dict)
    """For pairing=label: feature word -> photo label."""
    clip: ClipConfig = field(default_factory=ClipConfig)
    """For pairing=clip: the image–text model."""
    label_fallback: bool = True
    """For pairing=label: take any photo of the item if none has the right label; False: take none."""
    shuffle_photos: bool = False
    """A control: each item gets the photos of another one, so that what they show is no longer true of it."""
    skip_broken_photos: bool = False
    """Leave out, and count, photos that are missing or damaged, instead of stopping at the first one."""

    world: WorldConfig = field(default_factory=WorldConfig)
    """format=synthetic: the world to write."""


def check_config(config: DatasetConfig) -> None:
    """Refuses impossible values.

    Raises:
        InputError: names the field, its value and what was expected.
    """
    for name in ("text_length", "vocabulary_size", "image_size"):
        if getattr(config, name) < 1:
            raise InputError(f"dataset.{name}={getattr(config, name)}: expected 1 or more")
    if not config.min_rating < config.max_rating:
        raise InputError(
            f"dataset.min_rating={config.min_rating:g} must be less than dataset.max_rating={config.max_rating:g}"
        )
    if config.format is not Format.synthetic and not (config.root and Path(config.root).is_dir()):
        raise InputError(
            f"dataset.root={config.root!r} is not a folder: set it to the folder of the raw files "
            "(docs/data.md says where they come from)"
        )
    if config.features is FeatureSource.mined and config.format in (Format.peter, Format.synthetic):
        raise InputError(
            f"dataset.features=mined finds feature words in CSV, JSON lines and Yelp's reviews, but "
            f"dataset.format={config.format.value} names its own: leave dataset.features out"
        )
    if config.shuffle_photos and not has_images(config):
        raise InputError(
            "dataset.shuffle_photos=true needs photos, but there are none (dataset.use_images=false, or no photo "
            "manifest): set it to false, or use photos"
        )


def has_images(config: DatasetConfig) -> bool:
    """Whether the dataset has pictures: ``use_images``, or if that is None, whether there is a photo manifest."""
    if config.use_images is not None:
        return config.use_images
    return config.format is Format.synthetic or manifest_file(config, Path(config.root)).is_file()


def find_format(config: DatasetConfig) -> Format:
    """The form of the raw files; for ``Format.custom`` the one whose file of reviews is in ``root``.

    Raises:
        InputError: ``root`` has both files or none.
    """
    if config.format is not Format.custom:
        return config.format
    files = {Format.csv: CSV_REVIEWS, Format.jsonl: JSONL_REVIEWS}
    found = [format for format, name in files.items() if (Path(config.root) / name).is_file()]
    if not found:
        raise InputError(
            f"dataset.root={config.root!r} has neither {CSV_REVIEWS} nor {JSONL_REVIEWS}: put your reviews there as "
            "one of them (docs/data.md shows the columns)"
        )
    if len(found) > 1:
        raise InputError(
            f"dataset.root={config.root!r} has both {CSV_REVIEWS} and {JSONL_REVIEWS}: remove one, or set "
            "dataset.format=csv or dataset.format=jsonl"
        )
    return found[0]


def review_files(config: DatasetConfig, folder: Path) -> list[Path]:
    """All files that ``read_reviews`` reads from ``folder``; the format is not ``custom`` here (``find_format``).

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
    """Reads the reviews of ``folder``; the format is not ``custom`` here (``find_format``).

    seed: of the split if no index files are given.  console: shows the progress.
    """
    low, high = config.min_rating, config.max_rating
    if config.format is Format.peter:
        return read_peter(folder, config.fold, min_rating=low, max_rating=high, console=console)
    if config.format is Format.yelp:
        return read_yelp(
            folder,
            min_rating=low,
            max_rating=high,
            seed=seed,
            vocabulary_from=config.vocabulary_from,
            console=console,
        )
    read = read_csv if config.format is Format.csv else read_jsonl
    return read(
        folder,
        min_rating=low,
        max_rating=high,
        seed=seed,
        features=config.features,
        vocabulary_from=config.vocabulary_from,
        console=console,
    )


def has_mined_features(config: DatasetConfig) -> bool:
    """Whether feature words were found in the reviews, not given with them."""
    return config.features is FeatureSource.mined or config.format is Format.yelp


def manifest_file(config: DatasetConfig, folder: Path) -> Path:
    """Where the photo manifest of ``folder`` is, or would be."""
    return folder / (YELP_MANIFEST if config.format is Format.yelp else MANIFEST)


def read_manifest(config: DatasetConfig, folder: Path) -> list[Photo]:
    """Reads the photo manifest of ``folder`` in the config's format."""
    return read_yelp_photos(folder) if config.format is Format.yelp else read_photos(folder)
