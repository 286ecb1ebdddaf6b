"""One arrow of the data's way: a folder with a manifest, built once and reused while its hash matches."""

import dataclasses
import enum
import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meter.version import __version__

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A finished stage: where its files lie and what they were made from.

    folder: its files, ``manifest.json`` among them.
    hash: 64 hex digits over name, format version, config and inputs.
    summary: what the builder wants remembered (counts, figures), plain values.
    """

    folder: Path
    hash: str
    summary: dict[str, Any]


def plain(value: Any) -> Any:
    """Turns dataclasses, enums, paths and tuples into what JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return value


def fingerprint(value: Any) -> str:
    """SHA-256 over the canonical JSON of ``value``: 64 hex digits, the same on every machine."""
    canonical = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def build_stage(
    cache: Path,
    name: str,
    *,
    version: int,
    config: Any,
    inputs: Mapping[str, str],
    build: Callable[[Path], dict[str, Any]],
    scaffold: str = "",
) -> Stage:
    """Returns the stage of this config and these inputs, building it only where it does not exist yet.

    ``build`` fills ``<cache>/<name>-<hash>.partial``, which is then renamed, and returns the summary.
    A partial folder outlives a killed build, so that a builder may go on from what it finds there. Of several
    processes that ask at once (a parallel sweep) one builds and the others wait.

    version: the format's number; raise it when the files change their meaning.
    inputs: a name and a hash for everything that was read.
    scaffold: pattern of folders that only the building needs. They go when the stage is whole: were they to go
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
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            (partial / MANIFEST).write_text(text, encoding="utf-8")
            partial.rename(folder)
        for leftover in folder.glob(scaffold) if scaffold else ():
            shutil.rmtree(leftover)
    return open_stage(folder)


def open_stage(folder: Path) -> Stage:
    """Opens a finished stage by its folder."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Stage(folder=folder, hash=manifest["hash"], summary=manifest["summary"])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
