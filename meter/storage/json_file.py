"""Small tables of a stage, as JSON."""

import json
from pathlib import Path
from typing import Any

from meter.storage.stage import plain


def write_table(path: Path, table: Any) -> None:
    """Writes plain values or dataclasses as UTF-8 JSON."""
    path.write_text(json.dumps(plain(table), ensure_ascii=False), encoding="utf-8")


def read_table(path: Path) -> Any:
    """Reads what ``write_table`` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
