"""Prepares a dataset from raw files: world, photos and arrays, each a stage that is reused by its hash."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from meter.data.clip import measure_affinity, open_clip_model
from meter.data.dataset import (
    DatasetConfig,
    Format,
    check_config,
    find_format,
    has_images,
    has_mined_features,
    read_manifest,
    read_reviews,
    review_files,
)
from meter.data.encoding import NameTables, write_prepared
from meter.data.images import PHOTOS, PIXELS, build_photos
from meter.data.pairing import Paired, Pairing, pair
from meter.data.readers.mined import FeatureSource
from meter.data.reviews import Review, Reviews
from meter.data.shuffling import shuffle_photos
from meter.data.splits import SPLITS, keep_known
from meter.data.store import Prepared
from meter.errors import InputError
from meter.storage.file_hashes import FileHashes
from meter.storage.json_file import read_json
from meter.storage.stage import Stage, build_stage
from meter.world import write_world

if TYPE_CHECKING:
    from rich.console import Console

# Raise a number when the files of its stage change their meaning: old caches are then ignored.
_WORLD_FORMAT = 2
_PREPARED_FORMAT = 4


def prepare(config: DatasetConfig, cache: Path, seed: int, console: "Console | None" = None) -> Prepared:
    """Prepares a dataset, or opens what was prepared before from the same config, files and seed.

    cache: the folder with the folders of the stages.
    seed: of the synthetic world, of the splits if no index files are given, and of the choice of photos.
    console: shows the progress.

    Raises:
        InputError: the config or the raw files are wrong.
    """
    check_config(config)
    config = replace(config, format=find_format(config), use_images=has_images(config))
    world = _world_stage(config, cache, seed) if config.format is Format.synthetic else None
    folder = Path(config.root) if world is None else world.folder
    photos = _photos_stage(config, folder, cache, world, console) if config.use_images else None
    prepared = _prepared_stage(config, folder, cache, seed, photos, console)
    return Prepared.open(prepared.folder, None if photos is None else photos.folder)


def _world_stage(config: DatasetConfig, cache: Path, seed: int) -> Stage:
    return build_stage(
        cache,
        "world",
        version=_WORLD_FORMAT,
        config={"world": config.world, "image_size": config.image_size, "seed": seed},
        inputs={},
        build=lambda partial: write_world(config.world, config.image_size, seed, partial),
    )


def _photos_stage(
    config: DatasetConfig, folder: Path, cache: Path, world: Stage | None, console: "Console | None"
) -> Stage:
    return build_photos(
        read_manifest(config, folder),
        folder,
        cache,
        image_size=config.image_size,
        skip_broken=config.skip_broken_photos,
        inputs={} if world is None else {"world": world.hash},
        console=console,
    )


def _prepared_stage(
    config: DatasetConfig,
    folder: Path,
    cache: Path,
    seed: int,
    photos: Stage | None,
    console: "Console | None",
) -> Stage:
    hashes = FileHashes(cache / "hashes.json")
    inputs = {path.relative_to(folder).as_posix(): hashes.of(path) for path in review_files(config, folder)}
    truth = folder / "truth.json"
    if truth.exists():
        inputs["truth.json"] = hashes.of(truth)
    if photos is not None:
        inputs["photos"] = photos.hash

    def build(partial: Path) -> dict[str, Any]:
        reviews = keep_known(read_reviews(config, folder, seed, console))
        _check_splits(reviews)
        tables = NameTables.of(
            reviews, vocabulary_size=config.vocabulary_size, vocabulary_from=config.vocabulary_from
        )
        entries = [] if photos is None else read_json(photos.folder / PHOTOS)
        paired = None if photos is None else _pair(config, reviews, photos, entries, cache, seed, console)
        if truth.exists():
            shutil.copyfile(truth, partial / truth.name)
        summary = write_prepared(partial, reviews, tables, paired, text_length=config.text_length)
        reviewed = set(tables.items)
        return {
            **summary,
            "mined_features": has_mined_features(config),
            "photos": {} if photos is None else photos.summary["photos"],
            "photos_of_items_without_reviews": sum(entry["item"] not in reviewed for entry in entries),
        }

    return build_stage(
        cache,
        "prepared",
        version=_PREPARED_FORMAT,
        config={
            "format": config.format,
            "fold": config.fold,
            "text_length": config.text_length,
            "vocabulary_size": config.vocabulary_size,
            "vocabulary_from": config.vocabulary_from,
            "min_rating": config.min_rating,
            "max_rating": config.max_rating,
            "use_images": config.use_images,
            "pairing": config.pairing,
            "labels": config.labels,
            "label_fallback": config.label_fallback,
            **({"clip": [config.clip.model, config.clip.weights]} if config.pairing is Pairing.clip else {}),
            **({"features": config.features} if config.features is FeatureSource.mined else {}),
            **({"shuffle_photos": True} if config.shuffle_photos else {}),
            "seed": seed,
        },
        inputs=inputs,
        build=build,
    )


def _pair(
    config: DatasetConfig,
    reviews: Reviews,
    photos: Stage,
    entries: list[dict[str, str | None]],
    cache: Path,
    seed: int,
    console: "Console | None",
) -> Paired:
    records: Sequence[Review] = reviews.records
    owned: Sequence[Mapping[str, str | None]] = entries
    if config.shuffle_photos:
        shuffled = shuffle_photos(records, entries, seed)
        records, owned = shuffled.records, shuffled.photos
    affinity = None
    if config.pairing is Pairing.clip:
        affinity = measure_affinity(
            np.load(photos.folder / PIXELS, mmap_mode="r"),
            photos.hash,
            [record.text for record in records],
            config.clip,
            cache,
            open_clip_model,
            console,
        )
    return pair(
        records,
        owned,
        pairing=config.pairing,
        labels=config.labels,
        label_fallback=config.label_fallback,
        skip_broken=config.skip_broken_photos,
        seed=seed,
        affinity=affinity,
    )


def _check_splits(reviews: Reviews) -> None:
    for name in SPLITS:
        if not reviews.splits[name]:
            raise InputError(
                f"{reviews.source.file}: no record is left in {name} ({reviews.counts.kept} kept of "
                f"{reviews.counts.read}); only records whose user and item have others can be held out: add "
                "reviews, or give your own index files"
            )
