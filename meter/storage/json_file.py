"""JSON files."""

import json
from pathlib import Path
from typing import Any

from meter.storage.atomic import write_text
from meter.storage.fingerprint import plain


def write_json(path: Path, value: Any, *, indent: int | None = None) -> Path:
    """Writes plain values or dataclasses as UTF-8 JSON, whole or not at all, and returns the path."""
    return write_text(path, json.dumps(plain(value), indent=indent, ensure_ascii=False))


def read_json(path: Path) -> Any:
    """Reads what ``write_json`` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
