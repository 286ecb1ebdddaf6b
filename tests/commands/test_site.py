"""The pages as a site, and what they say in Python: every line runs, every setting is explained."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import meter
from tests.commands.test_documentation import PAGES, blocks
from tests.compare.test_compare import write_run
from tests.conftest import ROOT
from tests.model.test_peter import HEADS, LENGTH, plain_peter
from tests.notebook.examples import make_run


def config_reference() -> ModuleType:
    path = ROOT / "scripts" / "config_reference.py"
    spec = importlib.util.spec_from_file_location("config_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_setting_says_what_it_is() -> None:
    settings = [one for _, _, part in config_reference().sections(meter.config.RunConfig) for one in part]
    assert len(settings) > 200
    assert [one.key for one in settings if not one.says] == []
    by_key = {one.key: one for one in settings}
    assert by_key["objective.lambda_d"].default == "0.1"
    assert by_key["model.mask"].kind == "peter, prefix, literal"
    assert by_key["optimizer.ema_decay"].kind == "float or null"
    assert by_key["evaluation.optimized"].default == "[]"


def test_the_page_of_settings_is_that_of_the_dataclasses() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == config_reference().page(), "python scripts/config_reference.py > docs/configuration.md"


def test_the_examples_of_extending_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for source in blocks(ROOT / "docs" / "extending.md", "python"):
        exec(compile(source, "extending.md", "exec"), names)
    assert names["helpful"].item() < 0.1, "the head has learned"
    assert {name: len(split) for name, split in names["reviews"].splits.items()}["train"] == 40
    assert names["texts"] == ["the bed was nice", "the bed"]
    assert "rating outside 1 to 5" in capsys.readouterr().out


PYTHON = [
    pytest.param(source, id=f"{page.stem} {number}")
    for page in PAGES
    if page.stem not in ("extending", "data")
    for number, source in enumerate(blocks(page, "python"))
    if "ModelConfig" not in source
]


@pytest.mark.parametrize("source", PYTHON)
def test_lines_of_python_run(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they stand, but for the runs: those of toys."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    if "meter.load" in source:
        run = make_run(tmp_path / "toy").path
        source = re.sub(r'meter\.load\("[^"]+"\)', f"meter.load({str(run)!r})", source)
    if "runs/a" in source:
        write_run(tmp_path / "runs" / "a")
        write_run(tmp_path / "runs" / "b", skill=0.8, objective__lambda_d=0.0)
    if "peter.pt" in source:
        torch.save(plain_peter(has_feature=False).state_dict(), "peter.pt")
        source = source.replace("text_length=15, heads=2", f"text_length={LENGTH}, heads={HEADS}")
    exec(compile(source, "page.md", "exec"), {})


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[docs]'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert {page.stem for page in tmp_path.glob("*.html")} - {"404"} == pages
    loaded = re.findall(
        r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2?))"', (tmp_path / "index.html").read_text()
    )
    assert loaded == [], "nothing is loaded from elsewhere"
