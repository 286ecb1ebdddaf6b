"""Settings that were tried, by what they reach on the validation split, the best first.

    python scripts/tries.py runs/tripadvisor/nrt*

Every run needs its journal only: a training that goes on is shown as it stands. The losses are those of the weights
that the run keeps: nats a word and the rating's squared error, whatever their weights in the run's own objective.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from meter.compare.systems import differing_settings, group_by_system, written
from meter.errors import InputError
from meter.run_folder import RunFolder

COLUMNS = ("words", "rating", "sum", "best epoch", "epochs")


@dataclass(kw_only=True, slots=True)
class Outcome:
    """What one training reached.

    words: nats a word.  rating: squared error; None for a system without ratings.  epoch: the one whose weights are
    kept, counted from 1.  epochs: those that were validated.
    """

    words: float
    rating: float | None
    epoch: int
    epochs: int

    @property
    def total(self) -> float:
        """What the tries are ranked by: the sum that PETER stops by."""
        return self.words + (self.rating or 0.0)


def outcome(run: RunFolder) -> Outcome:
    """Raises InputError where no epoch has ended yet."""
    validations = [line for line in run.journal.read() if line["kind"] == "validation"]
    kept = next((line for line in reversed(validations) if line["best"]), None)
    if kept is None:
        raise InputError(f"{run}: expected an epoch that was validated, found none")
    return Outcome(
        words=kept["text"], rating=kept.get("rating"), epoch=kept["epoch"] + 1, epochs=len(validations)
    )


def table(runs: Sequence[RunFolder]) -> str:
    """A Markdown row for each run: the settings that tell it from the others, and what it reached."""
    systems = group_by_system(runs)
    settings = {key: values for key, values in differing_settings(systems).items() if key != "name"}
    heads = ["run", *(key.rpartition(".")[2] for key in settings), *COLUMNS]
    rows = []
    for index, system in enumerate(systems):
        chosen = [written(values[index]) for values in settings.values()]
        for run in system.runs:
            found = outcome(run)
            rating = "–" if found.rating is None else f"{found.rating:.3f}"
            reached = [
                f"{found.words:.3f}",
                rating,
                f"{found.total:.3f}",
                str(found.epoch),
                str(found.epochs),
            ]
            rows.append((found.total, [run.path.name, *chosen, *reached]))
    lines = [heads, ["---"] * (len(heads) - len(COLUMNS)) + ["--:"] * len(COLUMNS)]
    lines += [cells for _, cells in sorted(rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run folders")
    options = parser.parse_args(arguments)
    try:
        print(table([RunFolder(folder) for folder in options.runs]))
    except InputError as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
