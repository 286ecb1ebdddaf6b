"""Completion in the shell: ``meter --completion bash`` prints a script that knows all commands, keys and choices."""

from collections.abc import Mapping, Sequence

from meter.errors import InputError

SHELLS = ("bash", "zsh", "fish")
TRAINING = ("train", "prepare", "vq")
"""The commands that take a run's keys and choices."""

BASH = """\
# Completion of `meter`, for bash.
#   meter --completion bash > ~/.local/share/bash-completion/completions/meter
_meter() {
  local line="${COMP_LINE:0:COMP_POINT}" words word
  local current="${line##* }"
  case "$line" in
BRANCHES
    *) words="COMMANDS" ;;
  esac
  COMPREPLY=()
  for word in $(compgen -W "$words" -- "$current"); do
    # bash replaces what stands behind the last = only
    [[ "$current" == *=* ]] && COMPREPLY+=("${word#*=}") || COMPREPLY+=("$word")
  done
  [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2> /dev/null
  return 0
}
complete -F _meter meter
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
BRANCH = '    "meter {name} "*) words="{words}" ;;'
FISH = "complete -c meter -n '{condition}' -f -a '{words}'"


def completion(shell: str, commands: Sequence[str]) -> str:
    """The script for a shell. Raises InputError for one that is not known."""
    if shell not in SHELLS:
        raise InputError(f"--completion: expected one of {', '.join(SHELLS)}, found {shell!r}")
    words = words_of_commands(commands)
    if shell == "fish":
        lines = [FISH.format(condition="__fish_use_subcommand", words=" ".join(commands))]
        lines += [
            FISH.format(condition=f"__fish_seen_subcommand_from {name}", words=" ".join(found))
            for name, found in words.items()
        ]
        return "\n".join(lines) + "\n"
    branches = "\n".join(BRANCH.format(name=name, words=" ".join(found)) for name, found in words.items())
    script = BASH.replace("BRANCHES", branches).replace("COMMANDS", " ".join(commands))
    return ZSH + script.replace("for bash", "for zsh") if shell == "zsh" else script


def words_of_commands(commands: Sequence[str]) -> Mapping[str, list[str]]:
    """What may follow each command: choices as they are written, then keys with their equals sign."""
    from meter.config import RunConfig, config_dir, known_keys

    choices = [
        f"{folder.name}={file.stem}"
        for folder in sorted(config_dir().iterdir())
        if folder.is_dir() and folder.name != "commands"
        for file in sorted(folder.glob("*.yaml"))
    ]
    keys = [f"{key}=" for key in known_keys(RunConfig)]
    return {
        name: ["--help", "--cfg", "-m", *choices, *keys] if name in TRAINING else ["run=", "runs=", "--help"]
        for name in commands
    }
