"""What the joint training is said to need, beside what a step takes."""

import numpy as np
import pytest
import torch

from meter.errors import InputError
from meter.train import joint_cost as module
from meter.train.devices import make_fabric
from meter.train.joint_cost import JointCost, joint_cost, joint_estimate
from meter.train.objective import ObjectiveConfig
from meter.train.optimizer import OptimizerConfig
from meter.train.resources import LiveMemory
from meter.train.steps import joint_step
from tests.train.test_loop import CPU, make_networks, small_examples

RECORDS = np.arange(24)


@pytest.mark.parametrize("lambda_d", [0.0, 0.5])
def test_the_estimate_is_near_what_a_whole_step_takes(lambda_d: float) -> None:
    """Within 15 %, from parts that are a quarter and a half of the step."""
    fabric, objective = make_fabric(CPU), ObjectiveConfig(lambda_d=lambda_d)
    examples = small_examples(count=64, without_photo=False)
    records = np.arange(64)
    with LiveMemory() as memory:
        networks = make_networks(fabric, OptimizerConfig(), dropout=0.1, with_discriminator=lambda_d > 0)
        for _ in range(2):
            joint_step(fabric, networks, [examples.batch(torch.from_numpy(records))], objective, clip=1.0)
    networks.zero_gradients()

    cost = joint_cost(fabric, networks, examples, records, objective)

    assert cost.bytes(64) == pytest.approx(memory.peak, rel=0.15)


def test_measuring_changes_nothing() -> None:
    fabric, examples = make_fabric(CPU), small_examples()
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.5)
    torch.manual_seed(3)
    before = {name: weight.clone() for name, weight in networks.meter.state_dict().items()}
    state = torch.get_rng_state()

    joint_estimate(
        fabric, networks, examples, RECORDS, ObjectiveConfig(), batch_size=8, accumulation=1, steps=5
    )

    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], weight) for name, weight in networks.meter.state_dict().items())
    assert all(weight.grad is None for network in networks.all() for weight in network.weights())


def test_a_step_by_hand() -> None:
    cost = JointCost(weights=1000, fixed=20, record=10)
    assert cost.bytes(8) == 1100
    assert [cost.most_records(free) for free in (2000, 1212, 1211, 100)] == [68, 1, 0, 0]


def test_a_step_that_does_not_fit_is_refused_with_the_parts_that_would(monkeypatch) -> None:
    fabric, examples = make_fabric(CPU), small_examples()
    networks = make_networks(fabric, OptimizerConfig(), dropout=0.0)
    cost = joint_cost(fabric, networks, examples, RECORDS, ObjectiveConfig())

    def line(accumulation: int, free: int | None) -> str:
        monkeypatch.setattr(module, "free_memory", lambda device: free)
        return joint_estimate(
            fabric,
            networks,
            examples,
            RECORDS,
            ObjectiveConfig(),
            batch_size=100,
            accumulation=accumulation,
            steps=1200,
        )

    assert line(1, None).startswith("at most 1,200 steps of 24 records; about ")
    assert "24 records, each in 2 parts; about" in line(2, cost.bytes(12))
    free = cost.bytes(24) - 1
    with pytest.raises(
        InputError, match=r"train\.batch_size=24, train\.accumulation=1: a part of 24 rec"
    ) as refusal:
        line(1, free)
    parts = int(str(refusal.value).rpartition("set train.accumulation=")[2])
    assert cost.bytes(-(-24 // parts)) <= free * module.USABLE < cost.bytes(-(-24 // (parts - 1)))
    with pytest.raises(InputError, match=r"free; set a smaller model"):
        line(24, 1000)
