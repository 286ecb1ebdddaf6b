"""Imports go down only and never in a circle, computed from the sources; docs/architecture.md draws the floors."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

FLOORS = [
    ["errors", "version", "special_words"],
    ["enum_fields", "signals", "progress"],
    ["sweep_failures"],
    ["storage", "tracking"],
    ["metrics", "world"],
    ["data", "vq", "disc", "model"],
    ["baselines"],
    ["train"],
    ["evaluate"],
    ["config"],
    ["cli", "run_folder"],
    ["report"],
    ["notebook", "compare", "export"],
    ["study"],
    ["system_training"],
    ["tracked_results"],
    ["pipeline"],
    ["explain", "play", "prepare", "completion"],
    ["meter", "__main__"],
]
"""The rooms from the ground up; ``meter`` is the package's own ``__init__``, ``__main__`` its command."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / "meter").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(source: str, known: set[str]) -> set[str]:
    """The modules that a source names anywhere: at its top, in functions, and under ``TYPE_CHECKING``."""
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            module = node.module or ""
            named |= {
                f"{module}.{alias.name}" if f"{module}.{alias.name}" in known else module
                for alias in node.names
            }
    return {name for name in named if name == "meter" or name.startswith("meter.")}


GRAPH = {name: imports(path.read_text(encoding="utf-8"), set(MODULES)) for name, path in MODULES.items()}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def upward(graph: dict[str, set[str]]) -> list[str]:
    """The imports that do not go down: to a higher floor, or to another room of the same one."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    arrows = []
    for module, named in graph.items():
        if module.endswith("__main__"):
            continue
        for other in named:
            here, there = room(module), room(other)
            if here != there and floor[there] >= floor[here]:
                arrows.append(f"{module} -> {other}")
    return sorted(arrows)


def test_every_room_stands_on_a_floor() -> None:
    assert {room(module) for module in MODULES} == {name for names in FLOORS for name in names}


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circle(GRAPH) == []


def test_imports_go_down_only() -> None:
    assert upward(GRAPH) == []


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import meter.cli", {"meter.cli"}),
        ("from meter import cli", {"meter.cli"}),
        ("def late():\n    from meter.report import Card", {"meter.report"}),
        ("if TYPE_CHECKING:\n    from meter.config import RunConfig", {"meter.config"}),
        ("import torch", set()),
    ],
)
def test_late_imports_and_those_for_types_count(source: str, named: set[str]) -> None:
    assert imports(source, {"meter.cli", "meter.report", "meter.config"}) == named


def test_a_circle_and_an_arrow_up_would_be_found() -> None:
    assert circle({"meter.a": {"meter.b"}, "meter.b": {"meter.a"}})
    assert upward({"meter.model.meter": {"meter.train.loop", "meter.errors"}}) == [
        "meter.model.meter -> meter.train.loop"
    ]
    assert upward({"meter.model.meter": {"meter.data"}}) == ["meter.model.meter -> meter.data"], "peers"
    assert upward({"meter.train.__main__": {"meter.pipeline"}}) == []


def test_networks_need_no_heavy_libraries() -> None:
    """``import meter.model`` in a notebook loads neither Hydra nor Weights & Biases nor Lightning."""
    script = "import sys, meter.model, meter.vq, meter.disc; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"hydra", "omegaconf", "wandb", "lightning_fabric", "matplotlib", "nltk", "scipy"}


def test_metrics_know_no_torch() -> None:
    sources = [path.read_text(encoding="utf-8") for name, path in MODULES.items() if room(name) == "metrics"]
    assert sources
    assert not [source for source in sources if re.search(r"^\s*(import|from) torch\b", source, re.MULTILINE)]


PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def drawn_files() -> set[str]:
    """The files that the page's table names, by their path in the package."""
    files = set()
    for rooms, cell in re.findall(r"^\| \*\*(.*?)\*\* \| (.*) \|$", PAGE, re.MULTILINE):
        folder = "" if rooms == "the package" else rooms.split(",")[0].split("/")[0] + "/"
        files |= {folder + name for name in re.findall(r"`([\w/]+\.py)`", cell)}
    return files


def test_the_page_draws_the_floors() -> None:
    drawing = PAGE.split("```")[3].strip("\n").splitlines()
    names = [set(re.split(r"\s{4,}", line.strip())[0].split()) for line in drawing]
    assert names[::-1] == [set(floor) for floor in FLOORS[:-1]]


def test_the_page_names_every_module_and_no_other() -> None:
    ordinary = [path for path in MODULES.values() if not path.name.startswith("__")]
    assert drawn_files() == {path.relative_to(ROOT / "meter").as_posix() for path in ordinary}
