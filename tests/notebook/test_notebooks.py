"""The notebooks run from the first cell to the last, as a reader would run them."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT
from tests.notebook.examples import make_run

NOTEBOOKS = ROOT / "notebooks"


def run_notebook(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Runs every cell in a folder of its own; returns the outputs of all cells. A cell that raises fails the test."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "notebooks are kept without outputs"
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def shown(outputs: list[dict]) -> str:
    """All HTML and text that the cells gave."""
    pieces = [output["data"].get("text/html", "") for output in outputs if "data" in output]
    return "".join(pieces) + "".join(output.get("text", "") for output in outputs)


@pytest.mark.slow
def test_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "synthetic" / "meter-toy"
    folder.mkdir(parents=True)
    make_run(folder).report_file.touch()
    monkeypatch.setenv("METER_RUNS", str(tmp_path))
    page = shown(run_notebook("tour", tmp_path, monkeypatch))
    assert page.count("meter-card") > 10
    assert "codes changed" in page
    assert (tmp_path / "card.png").stat().st_size > 1000
    assert (tmp_path / "gallery.html").exists()


@pytest.mark.slow
def test_your_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = shown(run_notebook("your_data", tmp_path, monkeypatch))
    assert "staff" in page
    assert "for guest 3" in page
    assert list((tmp_path / "runs" / "custom").glob("mine-*/report.html"))
