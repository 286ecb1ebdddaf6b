"""A stage between raw data and report: a folder with a manifest, built once and reused while its hash matches."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meter.storage.fingerprint import fingerprint, plain
from meter.storage.json_file import read_json, write_json
from meter.version import __version__

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A finished stage: where its files lie and what they were made from.

    folder: its files, ``manifest.json`` among them.
    hash: 64 hex digits over name, format version, config and inputs.
    summary: counts and figures that the builder returned, plain values.
    """

    folder: Path
    hash: str
    summary: dict[str, Any]


def build_stage(
    cache: Path,
    name: str,
    *,
    version: int,
    config: Any,
    inputs: Mapping[str, str],
    build: Callable[[Path], dict[str, Any]],
    temporary: str = "",
) -> Stage:
    """Returns the stage of this config and these inputs, building it only where it does not exist yet.

    ``build`` fills ``<cache>/<name>-<hash>.partial``, which is then renamed, and returns the summary.
    A partial folder outlives a killed build, so that a builder may go on from what it finds there. Of several
    processes that ask at once (a parallel sweep) one builds and the others wait.

    version: the format's number; raise it when the files change their meaning.
    inputs: a name and a hash for everything that was read.
    temporary: pattern of folders that only the building needs. They go when the stage is whole: were they to go
        before, a kill in between would lose all that was built.
    """
    description = {"stage": name, "format": version, "config": plain(config), "inputs": dict(inputs)}
    digest = fingerprint(description)
    folder = cache / f"{name}-{digest[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f".{folder.name}.lock"):
        if not (folder / MANIFEST).exists():
            partial = folder.with_name(folder.name + ".partial")
            partial.mkdir(exist_ok=True)
            summary = build(partial)
            manifest = {**description, "hash": digest, "package": __version__, "summary": plain(summary)}
            write_json(partial / MANIFEST, manifest, indent=1)
            partial.rename(folder)
        for leftover in folder.glob(temporary) if temporary else ():
            shutil.rmtree(leftover)
    return open_stage(folder)


def open_stage(folder: Path) -> Stage:
    """Opens a finished stage by its folder."""
    manifest = read_json(folder / MANIFEST)
    return Stage(folder=folder, hash=manifest["hash"], summary=manifest["summary"])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
