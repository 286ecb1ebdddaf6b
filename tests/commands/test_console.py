"""The command ``meter``: the same commands under one name, light to start."""

import subprocess
import sys
from pathlib import Path

import pytest

from meter.__main__ import COMMANDS, main, overview
from tests.conftest import ROOT


def meter(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "meter", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def test_every_command_of_the_package_is_there() -> None:
    found = {path.parent.name for path in (ROOT / "meter").glob("*/__main__.py")}
    found |= {
        path.stem
        for path in (ROOT / "meter").glob("*.py")
        if path.stem != "__main__" and '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert found == set(COMMANDS)


def test_help_lists_the_commands_and_imports_next_to_nothing() -> None:
    code = (
        "import sys; from meter.__main__ import main; main(['--help']); "
        "assert not {'torch', 'hydra', 'numpy'} & set(sys.modules), 'heavy'"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == overview()
    assert all(f"meter {name}" in found.stdout for name in COMMANDS)


def test_a_command_is_what_its_module_is() -> None:
    arguments = ("dataset=synthetic", "seed=7", "--cfg", "job")
    module = subprocess.run(
        [sys.executable, "-m", "meter.train", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    found = meter("train", *arguments)
    assert found.returncode == module.returncode == 0
    assert "seed: 7" in found.stdout
    assert found.stdout == module.stdout


def test_mistakes_end_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = meter("train", "seeed=1")
    assert found.returncode == 2
    assert "did you mean seed?" in found.stderr
    for name, hint in (("trian", "did you mean train?"), ("xyz", "there are: train, prepare")):
        with pytest.raises(SystemExit) as stopped:
            main([name])
        assert stopped.value.code == 2
        assert hint in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    version = (Path(ROOT) / "meter" / "version.py").read_text(encoding="utf-8")
    assert capsys.readouterr().out.split()[1] in version
