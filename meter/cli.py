"""The frame of every command: Hydra reads the command line, typed configs go in, and the exit status tells the truth.

0 done; 1 a fault of ours, with traceback; 2 the user's input or config is wrong, in one line; 75 stopped by a signal
after saving.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from meter.config import config_dir, known_keys, nearest_key, parse, register
from meter.errors import InputError
from meter.signals import EXIT_STATUS, Interrupted
from meter.sweep_failures import SweepFailures

Config = TypeVar("Config")
Result = TypeVar("Result")
HELP = {"--help", "-h", "--hydra-help", "--version", "--info", "--cfg", "-c"}
RENAMED = {
    "experiment=peter": "system=peter",
    "experiment=peter_plus": "system=peter_plus",
    "ablation=peter": "system=peter",
    "ablation=peter_plus": "system=peter_plus",
    "ablation=full": "ablation=none",
}
"""Spellings of earlier releases, and what they are now."""


def command(task: Callable[[Config], object], schema: type[Config], name: str) -> None:
    """Runs a task with the config that the command line asks for, once or, with ``-m``, for every combination.

    A combination that fails leaves the others: it is said at the end, and the exit status tells.

    schema: the dataclass that the config is parsed into.
    name: of the YAML file in ``configs/`` or ``configs/commands/`` that the config starts from.
    """
    import hydra

    register(name, schema)
    if not HELP & set(sys.argv):
        _guarded(lambda: check_overrides(sys.argv[1:], schema, name))
    failures = SweepFailures()

    def run(composed: Any) -> object:
        overrides = sweep_overrides()
        if overrides is None:
            return _guarded(lambda: task(parse(composed, schema)))
        return _guarded(lambda: failures.guard(lambda: task(parse(composed, schema)), overrides))

    main = hydra.main(version_base="1.3", config_path=str(folder_of(name)), config_name=name)
    main(run)()
    failures.report()


def folder_of(name: str) -> Path:
    """Where a command's YAML file lies: the commands that train see the choices of ``configs/``, the others do not."""
    commands = config_dir() / "commands"
    return commands if (commands / f"{name}.yaml").exists() else config_dir()


def sweep_overrides() -> list[str] | None:
    """What this job of a sweep was told; None where the command runs once."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    hydra = HydraConfig.get()
    return list(hydra.overrides.task) if hydra.mode is RunMode.MULTIRUN else None


def check_overrides(arguments: list[str], schema: type, name: str) -> None:
    """Composes the config once, with the first value of every sweep, so that a mistake ends in one clear line.

    Raises InputError: the mistyped key and the nearest right one, the value that does not fit, or a spelling of an
    earlier release with what it is now.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    own_folder = _option(arguments, "--config-dir", "-cd")
    texts = [text for text in arguments if not text.startswith("-") and text != own_folder]
    searchpath = [f"hydra.searchpath=[file://{own_folder}]"] if own_folder else []
    try:
        overrides = OverridesParser.create().parse_overrides(texts)
        _refuse_renamed(overrides)
        firsts = [_first_value(override) for override in overrides]
        with initialize_config_dir(version_base="1.3", config_dir=str(folder_of(name))):
            parse(compose(name, overrides=[*firsts, *searchpath]), schema)
    except (HydraException, OmegaConfBaseException) as fault:
        raise InputError(describe(fault, known_keys(schema))) from fault


def describe(fault: Exception, keys: list[str]) -> str:
    """One line for what Hydra or OmegaConf found wrong; a mistyped name comes with the nearest right one."""
    from hydra.errors import MissingConfigException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError

    causes = list(_causes(fault))
    last, key = causes[-1], str(getattr(causes[-1], "full_key", None) or "")
    if isinstance(last, MissingConfigException) and last.missing_cfg_file:
        group, _, option = last.missing_cfg_file.rpartition("/")
        if group.startswith("hydra/"):
            return f"{group}={option} is a plugin that is not installed: pip install 'meter-explain[sweep]'"
        options = sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))
        near = nearest_key(option, options)
        hint = f"; did you mean {group}={near}?" if near else ""
        return f"there is no {group}={option} (there are: {', '.join(options)}){hint}"
    if isinstance(last, (ConfigAttributeError, ConfigKeyError)) and key:
        near = nearest_key(key, keys)
        hint = f"; did you mean {near}?" if near else "; --cfg job shows every key"
        return f"there is no key {key}{hint}"
    message = str(last).splitlines()[0]
    return message if key in message else f"{key}: {message}"


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """An exception, what caused it, and so on down to the first one."""
    while fault is not None:
        yield fault
        fault = fault.__cause__


def _refuse_renamed(overrides: list[Any]) -> None:
    for override in overrides:
        for value in _values(override):
            spelling = f"{override.key_or_group}={value}"
            if spelling in RENAMED:
                raise InputError(f"{spelling} is now {RENAMED[spelling]}")


def _guarded(action: Callable[[], Result]) -> Result:
    """Runs the action; what the user got wrong and a stop on request end the process without a traceback."""
    try:
        return action()
    except InputError as fault:
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        print(f"{stop}; run the same command to go on", file=sys.stderr)
        sys.exit(EXIT_STATUS)


def _first_value(override: Any) -> str:
    """An override with the first value of its sweep alone."""
    if not override.is_sweep_override():
        return str(override.input_line)
    values = _values(override)
    if not values:
        raise InputError(f"{override.input_line}: no file of configs/{override.key_or_group} matches")
    return f"{override.get_key_element()}={values[0]}"


def _values(override: Any) -> list[str]:
    """Every value that an override gives its key; the files that a pattern such as ``glob(*)`` matches."""
    from hydra.core.override_parser.types import Glob

    if not override.is_sweep_override():
        return [str(override.value())]
    if isinstance(override.value(), Glob):
        files = (config_dir() / override.key_or_group).glob("*.yaml")
        return override.value().filter(sorted(path.stem for path in files))
    return list(override.sweep_string_iterator())


def _option(arguments: list[str], *names: str) -> str | None:
    """The value of a command-line option, written ``--name value`` or ``--name=value``."""
    for index, argument in enumerate(arguments):
        if argument in names and index + 1 < len(arguments):
            return arguments[index + 1]
        name, _, value = argument.partition("=")
        if name in names and value:
            return value
    return None
