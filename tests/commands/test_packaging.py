"""The wheel carries its configs and templates, and works from an unrelated folder."""

import os
import subprocess
import sys
import zipfile

from tests.conftest import ROOT


def test_the_wheel_works_elsewhere(tmp_path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(installed)
    assert "meter/configs/dataset/tripadvisor.yaml" in names
    assert "meter/configs/dataset/labels/tripadvisor.yaml" in names
    assert "meter/configs/commands/compare.yaml" in names
    assert "meter/configs/sweep/lambdas.yaml" in names
    assert any(name.startswith("meter/report/templates/") for name in names)
    assert {name.split("/")[0] for name in names} - {"meter"} == {
        name.split("/")[0] for name in names if ".dist-info/" in name
    }
    found = subprocess.run(
        [sys.executable, "-m", "meter.train", "--cfg", "job", "dataset=tripadvisor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "num_codes: 1024" in found.stdout
    where = subprocess.run(
        [sys.executable, "-c", "import meter.config; print(meter.config.config_dir())"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed) in where.stdout
