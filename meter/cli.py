"""The door of every command: Hydra outside, a typed RunConfig inside, and an honest exit status.

0 done; 1 a fault of ours, with traceback; 2 the user's input or config is wrong, in one line; 75 stopped by a signal
after saving.
"""

import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from meter.config import config_dir, known_keys, nearest_key, parse, register
from meter.errors import InputError
from meter.signals import EXIT_STATUS, Interrupted

Config = TypeVar("Config")
HELP = {"--help", "-h", "--hydra-help", "--version", "--info", "--cfg", "-c"}


def command(task: Callable[[Config], object], schema: type[Config], name: str) -> None:
    """Runs a task with the config that the command line asks for, once or, with ``-m``, for every combination.

    schema: the dataclass that the config is parsed into.
    name: of the YAML file in ``configs/`` that the config starts from.
    """
    import hydra

    register(name, schema)
    if not HELP & set(sys.argv):
        _guarded(lambda: check_overrides(sys.argv[1:], schema, name))

    def run(composed: Any) -> None:
        _guarded(lambda: task(parse(composed, schema)))

    main = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name=name)
    main(run)()


def check_overrides(arguments: list[str], schema: type, name: str) -> None:
    """Composes the config once, with the first value of every sweep, so that a mistake ends in one clear line.

    Raises InputError: the mistyped key and the nearest right one, or the value that does not fit.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    own_folder = _option(arguments, "--config-dir", "-cd")
    overrides = [text for text in arguments if not text.startswith("-") and text != own_folder]
    searchpath = [f"hydra.searchpath=[file://{own_folder}]"] if own_folder else []
    try:
        firsts = [_first_value(override) for override in OverridesParser.create().parse_overrides(overrides)]
        with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
            parse(compose(name, overrides=[*firsts, *searchpath]), schema)
    except (HydraException, OmegaConfBaseException) as fault:
        raise InputError(explain(fault, known_keys(schema))) from fault


def explain(fault: Exception, keys: list[str]) -> str:
    """One line for what Hydra found wrong; a mistyped key is named with the nearest right one."""
    texts: list[str] = []
    cause: BaseException | None = fault
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__
    text = "\n".join(texts)
    wrong = re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: (\S+)", text)
    if re.search(r"Key '.*' (is )?not in", text) and wrong:
        near = nearest_key(wrong[1], keys)
        hint = f"; did you mean {near}?" if near else "; --cfg job shows every key"
        return f"there is no key {wrong[1]}{hint}"
    if missing := re.search(r"Could not find '([^']+)'", text):
        group, _, name = missing[1].rpartition("/")
        options = sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))
        near = nearest_key(name, options)
        hint = f"; did you mean {group}={near}?" if near else ""
        return f"there is no {group}={name} (there are: {', '.join(options)}){hint}"
    where = f"{wrong[1]}: " if wrong and wrong[1] not in texts[-1].splitlines()[0] else ""
    return where + texts[-1].splitlines()[0]


def _guarded(action: Callable[[], object]) -> None:
    """Runs the action; what the user got wrong and a stop on request end the process without a traceback."""
    try:
        action()
    except InputError as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        print(f"{stop}; run the same command to go on", file=sys.stderr)
        sys.exit(EXIT_STATUS)


def _first_value(override: Any) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.get_key_element()}={next(override.sweep_string_iterator())}"


def _option(arguments: list[str], *names: str) -> str | None:
    for index, argument in enumerate(arguments):
        if argument in names and index + 1 < len(arguments):
            return arguments[index + 1]
        name, _, value = argument.partition("=")
        if name in names and value:
            return value
    return None
