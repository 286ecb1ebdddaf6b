"""A training's journal: one JSON object a line, which a resumed run cuts back to its checkpoint."""

import json
from pathlib import Path
from typing import Any

from meter.storage.atomic import write_text


class Journal:
    """Appends measurements to a JSON-lines file; every line carries its ``step``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, **values: Any) -> None:
        """Appends one line and hands it to the operating system at once."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def __len__(self) -> int:
        """The number of whole lines, which a checkpoint keeps for ``truncate``."""
        return len(self.read())

    def truncate(self, length: int) -> None:
        """Keeps the first ``length`` lines, since a resumed run writes those after its checkpoint anew.

        The file is replaced as a whole, so a kill meanwhile loses nothing. One process alone may call it.
        """
        kept = self.read()[:length]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

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
