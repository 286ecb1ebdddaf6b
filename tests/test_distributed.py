"""Processes and parts that share a batch move the weights as one process with the whole batch does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

SCRIPT = """
import sys
import torch
from safetensors.torch import save_file
from meter.disc import Relaxation
from meter.train.devices import DeviceConfig, launched
from meter.train.objective import ObjectiveConfig
from meter.train.optimizer import OptimizerConfig
from meter.train.steps import joint_step
from tests.test_training import make_players, small_examples

torch.set_num_threads(1)
devices, path = int(sys.argv[1]), sys.argv[2]
strategy = "ddp" if devices > 1 else "auto"
config = DeviceConfig(accelerator="cpu", devices=devices, strategy=strategy, precision="64-true")
with launched(config) as fabric:
    players = make_players(fabric, OptimizerConfig(learning_rate=1e-3), dropout=0.0)
    players.judge.mismatched = False  # its negatives come from the part's own records
    objective = ObjectiveConfig(relaxation=Relaxation.soft, lambda_d=1.0)
    examples = small_examples()
    for step in range(3):
        rows = torch.arange(8 * step, 8 * step + 8)[fabric.global_rank :: fabric.world_size]
        parts = [examples.batch(part) for part in rows.tensor_split(int(sys.argv[3]))]
        joint_step(fabric, players, parts, objective, clip=1.0)
    weights = {f"meter.{name}": weight for name, weight in players.meter.state_dict().items()}
    weights |= {f"judge.{name}": weight for name, weight in players.judge.state_dict().items()}
    save_file({name: weight.contiguous() for name, weight in weights.items()}, f"{path}.{fabric.global_rank}")
    fabric.barrier()
"""


def trained(folder: Path, devices: int, parts: int) -> list[dict[str, torch.Tensor]]:
    script = folder / "train.py"
    script.write_text(SCRIPT)
    path = folder / f"weights{devices}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(devices), str(path), str(parts)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    return [load_file(f"{path}.{rank}") for rank in range(devices)]


@pytest.mark.slow
def test_two_processes_of_two_parts_equal_one_with_the_whole_batch(tmp_path: Path) -> None:
    """Sentences of different lengths and records without a picture: every mean is over the whole batch.

    Losses are single-precision numbers, and Adam divides by them: three steps of 1e-3 agree to 1e-8. A mean of means
    is off by 7e-4.
    """
    (alone,) = trained(tmp_path, devices=1, parts=1)
    first, second = trained(tmp_path, devices=2, parts=2)

    for name, weight in alone.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(
            first[name], weight, atol=1e-8, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
        )
