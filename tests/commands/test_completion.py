"""Completion in a real shell."""

import shutil
import subprocess

import pytest

from meter.__main__ import COMMANDS, main
from meter.completion import completion


def completed(line: str) -> list[str]:
    """What bash offers for a line that ends at the cursor."""
    script = completion("bash", list(COMMANDS))
    ask = f"COMP_LINE={line!r}; COMP_POINT=${{#COMP_LINE}}; _meter; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("meter tr", ["train"]),
        ("meter ex", ["explain", "export"]),
        ("meter train dataset=tri", ["tripadvisor"]),
        ("meter train sweep=", ["lambdas", "optuna"]),
        (
            "meter train seed=1 objective.lambda_",
            ["objective.lambda_e=", "objective.lambda_d=", "objective.lambda_r=", "objective.lambda_c="],
        ),
        ("meter explain ru", ["run=", "runs="]),
        ("meter train nothing.like.this", []),
    ],
)
def test_bash_offers_commands_choices_and_keys(line: str, offered: list[str]) -> None:
    assert sorted(completed(line)) == sorted(offered)


@pytest.mark.parametrize(("shell", "option"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_other_shells_read_the_script(shell: str, option: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = completion(shell, list(COMMANDS))
    subprocess.run([shell, option], input=script, text=True, check=True)


def test_fish_gets_a_line_for_every_command() -> None:
    lines = completion("fish", list(COMMANDS)).splitlines()
    assert len(lines) == 1 + len(COMMANDS)
    assert "dataset=tripadvisor" in next(line for line in lines if "from train" in line)


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--completion", "tcsh"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: --completion: expected one of bash, zsh, fish, found 'tcsh'\n"
