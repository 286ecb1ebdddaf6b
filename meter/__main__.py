"""The command ``meter``, and ``python -m meter``: every command of the package under one name."""

import runpy
import sys
from collections.abc import Sequence
from difflib import get_close_matches

COMMANDS = {
    "train": "trains, measures and writes a report; what is done already is found again",
    "prepare": "reads and checks the data only",
    "vq": "pretrains the VQ-GAN only",
    "evaluate": "measures a finished run again",
    "explain": "explains one pair with a finished run",
    "play": "a page on this machine on which to play with a finished run",
    "compare": "several runs: tables, paired tests, effect sizes",
    "export": "a finished run as a folder to share, with its model card",
    "study": "create, score: people who judge the cards of runs",
}
"""Each is the module ``meter.<name>``, and what it does in a line."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command with the rest of the command line; the same as ``python -m meter.<command>``.

    arguments: those of the process where None.
    """
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("--help", "-h"):
        print(overview())
    elif name == "--version":
        from meter.version import __version__

        print(f"meter {__version__}")
    elif name == "--completion":
        print_completion(rest[0] if rest else "")
    elif name in COMMANDS:
        sys.argv = [f"meter {name}", *rest]
        runpy.run_module(f"meter.{name}", run_name="__main__", alter_sys=True)
    else:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(COMMANDS)}"
        print(f"error: there is no command {name!r}; {hint}", file=sys.stderr)
        sys.exit(2)


def print_completion(shell: str) -> None:
    """Prints the script with which a shell completes what ``meter`` takes; ends with 2 for an unknown shell."""
    from meter.completion import completion
    from meter.errors import InputError

    try:
        print(completion(shell, list(COMMANDS)), end="")
    except InputError as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(2)


def overview() -> str:
    """What ``meter --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  meter {name:<{width}}  {does}" for name, does in COMMANDS.items()]
    return "\n".join(
        [
            "METER: a rating, a sentence and a picture that explain why an item suits a user.",
            "",
            *lines,
            "",
            "meter COMMAND --help shows its choices and keys; every option is key=value.",
            "meter --completion bash (or zsh, fish) prints a script that completes them in the shell.",
        ]
    )


if __name__ == "__main__":
    main()
