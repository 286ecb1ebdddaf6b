"""Processes and parts that share a batch move the weights as one process with the whole batch does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from meter.model import Meter
from tests.conftest import ROOT

SCRIPT = """
import sys
import torch
from safetensors.torch import save_file
from meter.disc import Relaxation
from meter.train.devices import DeviceConfig, launched
from meter.train.objective import ObjectiveConfig
from meter.train.optimizer import OptimizerConfig
from meter.train.sharding import gathered
from meter.train.steps import joint_step
from tests.train.test_loop import make_networks, small_examples

torch.set_num_threads(1)

def local(weight):
    return weight.to_local() if hasattr(weight, "to_local") else weight

devices, strategy, precision, num_parts, path = int(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4]), sys.argv[5]
config = DeviceConfig(accelerator="cpu", devices=devices, strategy=strategy, precision=precision)
with launched(config) as fabric:
    networks = make_networks(fabric, OptimizerConfig(learning_rate=1e-3), dropout=0.0)
    networks.discriminator.module.mismatched = False  # its negatives come from the part's own records
    objective = ObjectiveConfig(relaxation=Relaxation.soft, lambda_d=1.0)
    examples = small_examples()
    for step in range(3):
        rows = torch.arange(8 * step, 8 * step + 8)[fabric.global_rank :: fabric.world_size]
        parts = [examples.batch(part) for part in rows.tensor_split(num_parts)]
        joint_step(fabric, networks, parts, objective, clip=1.0)
    own = sum(weight.numel() for weight in map(local, networks.meter.parameters()))
    weights = {f"meter.{name}": weight for name, weight in gathered(networks.meter.state_dict()).items()}
    weights |= {f"discriminator.{name}": weight for name, weight in networks.discriminator.module.state_dict().items()}
    weights["own_size"] = torch.tensor(own)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, f"{path}.{fabric.global_rank}")
    fabric.barrier()
"""

RESUMED = """
import sys
import torch
from dataclasses import replace
from pathlib import Path
from meter.signals import Interrupted, StopRequest
from meter.train.devices import launched
from tests.train.test_loop import CPU, StopAfter, make_training
import tests.train.test_loop

torch.set_num_threads(1)
folder, strategy, stop = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with launched(replace(CPU, devices=2, strategy=strategy)) as fabric:
    tests.train.test_loop.make_fabric = lambda config: fabric
    request = StopAfter(stop) if stop and fabric.is_global_zero else StopRequest()
    training = make_training(folder, dropout=0.0, stop=request)
    try:
        training.run()
    except Interrupted:
        assert stop
    fabric.barrier()
"""


def run(script: str, folder: Path, *arguments: object) -> None:
    """Runs a script in a process of its own, which starts the others."""
    path = folder / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def trained(
    folder: Path, devices: int, strategy: str, precision: str, parts: int
) -> list[dict[str, torch.Tensor]]:
    path = folder / f"{strategy}{devices}"
    run(SCRIPT, folder, devices, strategy, precision, parts, path)
    return [load_file(f"{path}.{rank}") for rank in range(devices)]


def close(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], within: float) -> None:
    for name, weight in expected.items():
        if name != "own_size":
            torch.testing.assert_close(
                found[name], weight, atol=within, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
            )


@pytest.mark.slow
def test_two_processes_of_two_parts_equal_one_with_the_whole_batch(tmp_path: Path) -> None:
    """Sentences of different lengths and records without a picture: every mean is over the whole batch.

    Losses are single-precision numbers, and Adam divides by them: three steps of 1e-3 agree to 1e-8. A mean of means
    is off by 7e-4.
    """
    (alone,) = trained(tmp_path, 1, "auto", "64-true", parts=1)
    first, second = trained(tmp_path, 2, "ddp", "64-true", parts=2)

    close(second, first, within=0)
    close(first, alone, within=1e-8)


@pytest.mark.slow
def test_split_weights_move_as_whole_ones_do(tmp_path: Path) -> None:
    """In single precision, as Fabric splits no other: rounding differs, and Adam makes steps of it where it is all
    there is (a bias of keys has no gradient). A gradient that is not shared would be off by 1e-3.
    """
    whole, _ = trained(tmp_path, 2, "ddp", "32-true", parts=2)
    first, second = trained(tmp_path, 2, "fsdp", "32-true", parts=2)

    close(second, first, within=0)
    close(first, whole, within=3e-5)
    sizes = int(first["own_size"] + second["own_size"])
    assert sizes == pytest.approx(int(whole["own_size"]), rel=0.05), (
        "each holds its half, but for what is uneven"
    )


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_that_stopped_end_like_two_that_did_not(tmp_path: Path, strategy: str) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    run(RESUMED, tmp_path, tmp_path / "whole", strategy, 0)
    run(RESUMED, tmp_path, tmp_path / "parts", strategy, 3)
    halfway = load_file(tmp_path / "parts" / "last" / "state.safetensors")
    run(RESUMED, tmp_path, tmp_path / "parts", strategy, 0)

    assert Meter.from_pretrained(tmp_path / "parts" / "best").config.width == 16, "saved whole"
    whole, parts = (load_file(tmp_path / name / "last" / "state.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() == halfway.keys()
    assert any(not torch.equal(halfway[name], weight) for name, weight in parts.items())
    for name, weight in whole.items():
        assert torch.equal(weight, parts[name]), name
