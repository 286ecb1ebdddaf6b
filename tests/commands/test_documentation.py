"""What the pages tell a reader to type works: commands compose, targets exist, lines of Python run."""

import re
import shlex
from pathlib import Path

import pytest
import torch

from meter.cli import check_overrides
from meter.compare.__main__ import CompareConfig
from meter.config import RunConfig, register
from meter.evaluate.__main__ import EvaluateConfig
from meter.explain import ExplainConfig
from meter.export.__main__ import ExportConfig
from meter.play.__main__ import PlayConfig
from meter.study.create import CreateConfig
from meter.study.score import ScoreConfig
from tests.conftest import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data" / "README.md",
    *(ROOT / "docs").glob("*.md"),
]
SCHEMAS = {
    "train": (RunConfig, "train"),
    "prepare": (RunConfig, "train"),
    "vq": (RunConfig, "train"),
    "evaluate": (EvaluateConfig, "evaluate"),
    "explain": (ExplainConfig, "explain"),
    "play": (PlayConfig, "play"),
    "compare": (CompareConfig, "compare"),
    "export": (ExportConfig, "export"),
    "study create": (CreateConfig, "study_create"),
    "study score": (ScoreConfig, "study_score"),
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def commands() -> list[str]:
    """Every `python -m meter.…` of every page, in blocks and in sentences."""
    found: list[str] = []
    for page in PAGES:
        lines = [line for block in blocks(page, "bash") for line in block.replace("\\\n", " ").splitlines()]
        lines += re.findall(r"`(python -m meter\.[^`]*)`", page.read_text(encoding="utf-8"))
        found += [line.split("  #")[0].strip() for line in lines if line.startswith("python -m meter.")]
    return sorted(set(found))


@pytest.mark.parametrize("command", commands())
def test_commands_compose(command: str) -> None:
    _, _, module, *arguments = shlex.split(re.sub(r" \[\S+\]", "", command))
    task = module.removeprefix("meter.")
    if task == "study":
        task = f"{task} {arguments.pop(0)}"
    schema, name = SCHEMAS[task]
    register(name, schema)

    check_overrides([word.replace("…", "x") for word in arguments if not word.endswith("=…")], schema, name)


def test_the_pages_have_commands() -> None:
    assert len(commands()) >= 8


def test_make_knows_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        target
        for page in PAGES
        for target in re.findall(
            r"\bmake (train|test|lint|\w+)\b(?=[`\s]*(?:#|`|$))", page.read_text("utf-8")
        )
    }
    assert {"train", "test", "lint"} <= named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)


def test_the_model_of_the_first_page_runs() -> None:
    (source,) = [block for block in blocks(ROOT / "README.md", "python") if "ModelConfig" in block]
    ids = torch.tensor([1, 2])
    names = {
        "users": ids,
        "items": ids,
        "features": ids + 4,
        "words": torch.randint(4, 50, (2, 16)),
        "codes": torch.randint(0, 64, (2, 64)),
    }

    exec(compile(source, "README.md", "exec"), names)

    assert names["out"].visual.shape == (2, 64, 64)
    assert names["done"].words.shape == (2, 16)


def test_every_test_that_a_deviation_names_exists() -> None:
    page = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", page))
    assert len(named) > 10
    assert {name for name in named if not (ROOT / "tests" / name).exists()} == set()
