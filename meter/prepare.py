"""python -m meter.prepare dataset=…: readers and checks only; prints what was read, dropped and why."""

from pathlib import Path

from rich.console import Console

from meter.cli import command
from meter.config import RunConfig
from meter.data import prepare
from meter.report.terminal_tables import print_overview


def prepare_and_show(config: RunConfig) -> None:
    """Prepares the dataset, or finds it prepared, and prints its table."""
    console = Console()
    prepared = prepare(config.dataset, Path(config.cache), config.data_seed, console)
    print_overview(prepared, console)
    console.print(f"prepared: [bold]{prepared.folder}[/bold]")


if __name__ == "__main__":
    command(prepare_and_show, RunConfig, "train")
