"""Checkpoints: a tree of tensors and plain values on disk, whole or not at all; nothing in them runs."""

import hashlib
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from meter.storage.atomic import flush_folder, write_flushed

TENSORS = "state.safetensors"
VALUES = "state.json"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Writes ``state`` (nested dicts and lists of tensors and plain values) to ``folder``.

    Written beside, flushed, then renamed; the checkpoint before stays as ``<folder>.previous``.
    """
    tensors: dict[str, torch.Tensor] = {}
    values = _split(state, "", tensors)
    blob = save(tensors)
    beside, previous = _sibling(folder, ".writing"), _sibling(folder, ".previous")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    write_flushed(beside / TENSORS, blob)
    digest = hashlib.sha256(blob).hexdigest()
    write_flushed(beside / VALUES, json.dumps({"sha256": digest, "values": values}).encode())
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    beside.rename(folder)
    flush_folder(folder.parent)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Reads the checkpoint at ``folder``: the one before where it is torn, None where there is none."""
    for candidate in (folder, _sibling(folder, ".previous")):
        if not candidate.exists():
            continue
        try:
            return _read(candidate)
        except (OSError, ValueError, KeyError) as fault:
            warnings.warn(f"checkpoint {candidate} is torn ({fault}); trying the one before it", stacklevel=2)
    return None


def _read(folder: Path) -> dict[str, Any]:
    blob = (folder / TENSORS).read_bytes()
    record = json.loads((folder / VALUES).read_text(encoding="utf-8"))
    found = hashlib.sha256(blob).hexdigest()
    if found != record["sha256"]:
        raise ValueError(f"{TENSORS}: expected sha256 {record['sha256'][:12]}, found {found[:12]}")
    return _join(record["values"], load(blob))


def _split(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Moves tensors into ``tensors`` and leaves their place in what JSON can hold."""
    if isinstance(value, torch.Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {"tensor": path}
    if isinstance(value, dict):
        entries = [[key, _split(entry, f"{path}/{key}", tensors)] for key, entry in value.items()]
        return {"dict": entries}
    if isinstance(value, (list, tuple)):
        return {"list": [_split(entry, f"{path}/{index}", tensors) for index, entry in enumerate(value)]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    raise TypeError(f"checkpoint holds tensors and plain values only, got {type(value).__name__} at {path}")


def _join(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _join(entry, tensors) for key, entry in content}
    if kind == "list":
        return [_join(entry, tensors) for entry in content]
    return content


def _sibling(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)
