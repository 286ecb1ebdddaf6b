"""The folder that is shared: what explaining needs, without reviews, and without names of users unless wanted."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from meter.errors import InputError
from meter.export.model_card import model_card
from meter.run_folder import RunFolder, RunNames
from meter.storage.atomic import write_text
from meter.storage.file_hashes import hash_file
from meter.storage.fingerprint import plain
from meter.storage.json_file import read_json, write_json

FILES = "files.json"
"""Names every other file of an exported folder, with its SHA-256."""
NOT_SHARED = ("command",)
"""Entries of the manifest that may name folders of the machine that trained."""


def write_bundle(run: RunFolder, folder: Path, *, license_name: str, user_names: bool) -> Path:
    """Writes a finished run as a folder to share; returns it.

    license_name: as the Hub knows it, such as ``mit``; said on the model card.
    user_names: whether the names of the users go with it; without, they are called ``user-0``, ``user-1`` …

    Raises InputError where the run is unfinished, or the folder holds anything already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"output={folder}: expected a new or an empty folder, found files in it")
    names = run.names if user_names else replace(run.names, users=numbered(run.names))
    folder.mkdir(parents=True, exist_ok=True)
    for path in run.bundle():
        target = folder / path.relative_to(run.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shared = RunFolder(folder)
    write_text(shared.config_file, yaml.safe_dump(plain(without_folders(run)), sort_keys=False))
    write_json(shared.names_file, names)
    write_json(
        shared.manifest_file,
        {name: value for name, value in run.manifest.items() if name not in NOT_SHARED},
        indent=1,
    )
    # The diagnosis quotes sentences.
    metrics = {name: value for name, value in run.metrics.items() if name != "diagnosis"}
    write_json(shared.metrics_file, metrics, indent=1)
    write_text(folder / "README.md", model_card(shared, license_name=license_name, user_names=user_names))
    write_json(folder / FILES, hashes(folder), indent=1)
    return folder


def numbered(names: RunNames) -> list[str]:
    """A name for every user that says nothing of them."""
    width = len(str(len(names.users) - 1))
    return [f"user-{number:0{width}}" for number in range(len(names.users))]


def without_folders(run: RunFolder) -> Any:
    """The run's config without the folders of the machine that trained it."""
    config = run.config
    return replace(config, cache="cache", runs="runs", dataset=replace(config.dataset, root=""))


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the list itself, by its path in the folder."""
    return {
        path.relative_to(folder).as_posix(): hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != FILES and not path.relative_to(folder).parts[0].startswith(".")
    }


def check_files(folder: Path) -> None:
    """Compares an exported folder with its list of files; any other folder has none and passes.

    Raises InputError for a file that is missing or not the one that was exported.
    """
    listed = folder / FILES
    if not listed.is_file():
        return
    for name, expected in read_json(listed).items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{folder}: {name} is missing, which {FILES} lists; export or download it again")
        if (found := hash_file(path)) != expected:
            raise InputError(
                f"{path}: expected SHA-256 {expected[:12]}… as {FILES} says, found {found[:12]}…; the file was "
                "changed after the export: export or download it again"
            )
