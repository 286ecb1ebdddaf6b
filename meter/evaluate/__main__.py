"""python -m meter.evaluate run=DIR: measures a finished run again and writes its report anew."""

from dataclasses import dataclass
from pathlib import Path

from meter.cli import command
from meter.config import read_config
from meter.errors import InputError
from meter.pipeline import run
from meter.run_folder import MODEL


@dataclass(kw_only=True, slots=True)
class EvaluateConfig:
    """What to measure."""

    run: str = ""
    """The run folder."""


def evaluate(config: EvaluateConfig) -> None:
    """Reads the run's own config and goes the way again from the trained model on."""
    folder = Path(config.run)
    if not config.run or not (folder / MODEL).exists():
        raise InputError(f"run={config.run or '?'} is not a finished run; give its folder: run=runs/…")
    run(read_config(folder / "config.yaml"), folder)


if __name__ == "__main__":
    command(evaluate, EvaluateConfig, "evaluate")
