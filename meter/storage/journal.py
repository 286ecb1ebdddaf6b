"""A training's journal: one JSON object a line, kept consistent with the checkpoint it resumes from."""

import json
from pathlib import Path
from typing import Any


class Journal:
    """Appends measurements to a JSON-lines file; every line carries its ``step``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **values: Any) -> None:
        """Appends one line and hands it to the operating system at once."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def __len__(self) -> int:
        """The number of whole lines: what a checkpoint remembers of the journal."""
        return len(self.read())

    def truncate(self, length: int) -> None:
        """Keeps the first ``length`` lines: a resumed run writes those after its checkpoint anew."""
        kept = self.read()[:length]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def read(self) -> list[dict[str, Any]]:
        """All whole lines; a last line torn by a kill is left out."""
        if not self.path.exists():
            return []
        lines = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return lines
