"""python -m meter.study create|score …: a blind study with people, and what it found."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from meter.cli import command
from meter.errors import InputError
from meter.storage.atomic import write_text
from meter.storage.fingerprint import plain
from meter.storage.json_file import write_json
from meter.study.create import CreateConfig, create, study_folder
from meter.study.key import write_key
from meter.study.label_studio import labelling_config, tasks
from meter.study.rating_page import rating_page
from meter.study.result_page import result_page
from meter.study.score import ScoreConfig, score
from meter.study.text import markdown, print_result


def run_create(config: CreateConfig) -> Path:
    """Writes the raters' page, the key, and both for Label Studio; returns their folder."""
    console = Console()
    with console.status("drawing pictures"):
        study = create(config)
    folder = study_folder(config, study)
    folder.mkdir(parents=True, exist_ok=True)
    study.key.made["command"] = _line("create")
    page = write_text(folder / "rate.html", rating_page(study))
    key = write_key(folder / "key.json", study.key)
    label_studio = folder / "label_studio"
    label_studio.mkdir(exist_ok=True)
    write_json(label_studio / "tasks.json", tasks(study))
    write_text(label_studio / "config.xml", labelling_config(study))
    console.print(
        f"for raters: [bold]{escape(str(page))}[/bold], {len(study.sheets[0])} pairs of cards each\n"
        f"to keep:    {escape(str(key))}, which says what stands behind every pair\n"
        f"for Label Studio: {escape(str(label_studio))}"
    )
    return folder


def run_score(config: ScoreConfig) -> Path:
    """Prints the results, writes ``study.{json,md,html}`` and returns their folder."""
    console = Console()
    with console.status("scoring"):
        result = score(config)
    print_result(result, console)
    folder = Path(config.out) if config.out else Path(config.key).parent / "results"
    folder.mkdir(parents=True, exist_ok=True)
    line = _line("score")
    write_json(folder / "study.json", {**plain(result), "command": line}, indent=1)
    write_text(folder / "study.md", markdown(result, line))
    page = write_text(folder / "study.html", result_page(result, line))
    console.print(f"\nstudy: [bold]{escape(str(page))}[/bold]")
    return folder


def _line(name: str) -> str:
    """The command, with which a reader makes the result again."""
    return shlex.join(["python", "-m", "meter.study", name, *sys.argv[1:]])


COMMANDS: dict[str, Callable[[], None]] = {
    "create": lambda: command(run_create, CreateConfig, "study_create"),
    "score": lambda: command(run_score, ScoreConfig, "study_score"),
}


def main() -> None:
    """Runs the command that the first word names."""
    name = sys.argv[1] if len(sys.argv) > 1 else "nothing"
    if name not in COMMANDS:
        fault = InputError(f"expected python -m meter.study {' or '.join(COMMANDS)}, found {name}")
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(2)
    del sys.argv[1]
    COMMANDS[name]()


if __name__ == "__main__":
    main()
