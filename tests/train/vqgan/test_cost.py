"""What pretraining is said to need, beside what it takes."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from meter.errors import InputError
from meter.train.resources import LiveMemory
from meter.train.vqgan import LossConfig
from meter.train.vqgan.cost import Needed, PretrainingCost, encoding_cost, parts_of_step, pretraining_cost
from meter.train.vqgan.networks import new_networks
from meter.train.vqgan.steps import codec_step, discriminator_step
from meter.vq import VQConfig
from meter.vq.encode import photos_at_once
from meter.vq.vqgan import Network
from tests.conftest import ROOT

SIZES = VQConfig(
    image_size=96,
    channels=64,
    multipliers=[1, 1, 2],
    num_residual_blocks=1,
    attention_sizes=[],
    latent_width=32,
    num_codes=64,
    code_width=16,
)
CPU = torch.device("cpu")


def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("disc_weight", [0.0, 0.8])
def test_the_count_without_memory_is_near_a_count_of_real_tensors(parts: int, disc_weight: float) -> None:
    """Within 20 %: a part's transient tensors do not all peak at once."""
    losses = LossConfig(disc_weight=disc_weight, disc_layers=2)
    sizes = replace(SIZES, image_size=32)
    images = torch.rand(6, 3, 32, 32) * 2 - 1

    with LiveMemory() as memory:
        networks = new_networks(sizes, losses, fabric(), rate=1e-4, betas=[0.5, 0.9], seed=0)
        for step in range(2):
            result = codec_step(fabric(), networks, images, step, parts)
            if networks.discriminator is not None:
                discriminator_step(fabric(), networks, images, result.reconstruction)

    expected = pretraining_cost(sizes, losses, len(images), fabric()).bytes(parts)
    assert memory.peak == pytest.approx(expected, rel=0.2)


def test_the_count_for_a_plain_network_is_on_the_safe_side() -> None:
    """The gradients of the places' maps are transient once, and counted for every photo: up to three times too much."""
    losses, sizes = LossConfig(), replace(SIZES, image_size=32, network=Network.plain)
    images = torch.rand(6, 3, 32, 32) * 2 - 1

    with LiveMemory() as memory:
        networks = new_networks(sizes, losses, fabric(), rate=1e-4, betas=[0.5, 0.9], seed=0)
        for step in range(2):
            codec_step(fabric(), networks, images, step)

    expected = pretraining_cost(sizes, losses, len(images), fabric()).bytes(1)
    assert 0.3 * expected < memory.peak < 1.2 * expected


MEASURED = """
import importlib.util, pathlib, re, sys, torch

torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("helpers", sys.argv[1])
helpers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helpers)
losses = helpers.LossConfig()
cost = helpers.pretraining_cost(helpers.SIZES, losses, 4, helpers.fabric())

def taken():
    # Not getrusage: that peak is inherited from the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) * 1024

before = taken()
networks = helpers.new_networks(helpers.SIZES, losses, helpers.fabric(), rate=1e-4, betas=[0.5, 0.9], seed=0)
images = torch.rand(4, 3, 96, 96) * 2 - 1
for step in range(2):
    helpers.codec_step(helpers.fabric(), networks, images, step)
print("BYTES", cost.bytes(1), taken() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_the_estimate_is_near_what_the_process_takes(tmp_path: Path) -> None:
    """Within 30 %: beside tensors there are the library's own copies, and memory that is freed but not given back."""
    script = tmp_path / "step.py"
    script.write_text(MEASURED)
    command = [sys.executable, "-W", "ignore", str(script), __file__]

    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, env=here, capture_output=True, text=True, timeout=240, check=False)

    assert run.returncode == 0, run.stderr
    line = next(line for line in run.stdout.splitlines() if line.startswith("BYTES"))
    expected, taken = (int(word) for word in line.split()[1:])
    assert expected > 200 * 2**20
    assert taken == pytest.approx(expected, rel=0.3)


def test_a_step_by_hand() -> None:
    nothing = Needed(bytes=0, operations=0)
    alone = PretrainingCost(
        batch_size=10,
        weights=1000,
        codec=Needed(bytes=100, operations=30),
        discriminator=nothing,
        last_input=5,
    )
    cost = replace(alone, discriminator=Needed(bytes=300, operations=90))

    assert (alone.bytes(1), alone.bytes(3), alone.bytes(10)) == (2000, 1400, 1100)
    assert (cost.bytes(1), cost.bytes(5), cost.bytes(10)) == (2000 + 150, 1200 + 150 + 50, 1100 + 150 + 50)
    assert alone.operations(3, adversarial=False) == cost.operations(3, adversarial=False) == 300
    assert (cost.operations(1, adversarial=True), cost.operations(2, adversarial=True)) == (420, 520)
    assert [alone.fewest_parts(free) for free in (3000, 1800, 1300, 1200)] == [1, 2, 10, None]


def test_what_was_asked_for_is_done_where_it_fits() -> None:
    nothing = Needed(bytes=0, operations=0)
    cost = PretrainingCost(
        batch_size=8, weights=0, codec=Needed(bytes=2**20, operations=1), discriminator=nothing, last_input=0
    )

    def parts(asked: int, free: int | None) -> int:
        return parts_of_step(cost, SIZES, asked=asked, free=free)

    assert (parts(4, 2**21), parts(4, None), parts(0, None)) == (4, 4, 1)
    with pytest.raises(
        InputError, match=r"accumulation=4: .* in 4 parts needs about 2\.0 MiB, and 1\.0 MiB are"
    ):
        parts(4, 2**20)


def test_encoding_takes_as_many_photos_as_fit() -> None:
    unlimited = encoding_cost(SIZES, CPU, None)
    assert unlimited.at_once == photos_at_once(96) == 64
    assert encoding_cost(SIZES, CPU, 10**12) == unlimited
    some = encoding_cost(SIZES, CPU, unlimited.bytes // 2)
    assert 1 < some.at_once < 32
    assert some.bytes <= unlimited.bytes // 2
    with pytest.raises(
        InputError, match=r"encoding a photo of 96 px needs about .* MiB, and 1\.0 MiB are free"
    ):
        encoding_cost(SIZES, CPU, 2**20)


def test_larger_photos_are_encoded_in_smaller_batches() -> None:
    assert [photos_at_once(size) for size in (16, 64, 128, 256, 512, 2048)] == [64, 64, 64, 16, 4, 1]
