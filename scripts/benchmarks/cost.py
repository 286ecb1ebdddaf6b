"""A cost model of a training step, time and memory against B, T, D, L, W and K, beside what is measured."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from meter.disc import DiscriminatorConfig
from meter.model import ModelConfig
from meter.train.build import make_networks
from meter.train.devices import DeviceConfig, make_fabric
from meter.train.objective import ObjectiveConfig, supervised_losses
from meter.train.optimizer import OptimizerConfig
from meter.train.steps import joint_step

from .arithmetic import TRAINING, Slots, count_flops
from .machine import QUICK, SIZES, Machine, Precision, measure_machine
from .records import Sizes, as_examples, draw_records
from .table import lines_of
from .timing import Side, interleaved

NUMBER = 4
"""Bytes of a float32."""
BYTES_OF_A_WEIGHT = 4 * NUMBER
"""Itself, its gradient, and AdamW's two moments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One size of METER with pictures and of its batch; what is not named is the paper's."""

    batch: int = 16
    side: int = 8
    width: int = 256
    layers: int = 2
    words: int = 5_000
    codes: int = 512

    def model(self) -> ModelConfig:
        """Without dropout: its masks differ between devices, and attention keeps none of its weights."""
        return ModelConfig(
            num_users=2_000,
            num_items=1_000,
            num_words=self.words,
            num_codes=self.codes,
            text_length=15,
            grid=[self.side, self.side],
            width=self.width,
            layers=self.layers,
            heads=4,
            feedforward=4 * self.width,
            dropout=0.0,
        )


BASE = Case()
CASES = {
    "base": BASE,
    "B × 2": replace(BASE, batch=2 * BASE.batch),
    "B × 4": replace(BASE, batch=4 * BASE.batch),
    "M × 4": replace(BASE, side=2 * BASE.side),
    "D × 2": replace(BASE, width=2 * BASE.width),
    "L × 2": replace(BASE, layers=2 * BASE.layers),
    "W × 4": replace(BASE, words=4 * BASE.words),
    "K × 8": replace(BASE, codes=8 * BASE.codes),
}
TINY = Case(batch=4, side=2, width=16, words=50, codes=16)
QUICK_CASES = {"base": TINY, "B × 2": replace(TINY, batch=8), "L × 2": replace(TINY, layers=4)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of one step. kept: bytes that the way forward keeps for the way back. lasting: bytes of weights and optimizer."""

    flops: int
    kept: int
    lasting: int

    def seconds(self, rate: float, bandwidth: float) -> float:
        """rate: operations a second of products and of all that is computed beside them.

        bandwidth: bytes a second. A step moves 48 bytes for a weight's 16: its gradient is written, read for the norm
        and scaled; AdamW reads all four numbers and writes three.
        """
        return self.flops / rate + 3 * self.lasting / bandwidth


def slots(case: Case, num_words: int) -> Slots:
    """num_words: words of the batch, EOS among them. Every slot is encoded; beside a picture PAD is no exception."""
    length = case.model().layout().length
    return Slots(
        encoded=case.batch * length,
        attended=case.batch * length**2,
        words=num_words + case.batch,
        codes=case.batch * case.side**2,
        ratings=case.batch,
    )


def predict(case: Case, num_words: int) -> Cost:
    """By formula alone.

    A layer keeps of every slot: its input, queries, keys and values, what attention mixed, the inputs of both norms and
    the output of the first, each D wide, the feed-forward network's F, and a few statistics; and the mask of every
    sequence. The heads keep their logits and the slots they read.
    """
    config, needed = case.model(), slots(case, num_words)
    width, layout = config.width, config.layout()
    in_slots = needed.encoded * (8 * width + config.feedforward + config.heads + 4)
    in_layers = config.layers * (in_slots + needed.attended)
    in_heads = (
        needed.words * (config.num_words + width)
        + needed.codes * (config.num_codes + width)
        + case.batch * 4 * width
    )
    layers = config.layers * (4 * width**2 + 2 * width * config.feedforward)
    positions = layout.text.stop + 1 + 2 * case.side
    tables = width * (config.num_users + config.num_items + config.num_words + config.num_codes + positions)
    heads = width * (2 * config.num_words + config.num_codes + width)
    return Cost(
        flops=count_flops(config, needed, TRAINING),
        kept=NUMBER * (in_layers + in_heads),
        lasting=BYTES_OF_A_WEIGHT * (layers + tables + heads),
    )


class Step:
    """A step of METER, without discriminator, on one batch again and again."""

    def __init__(self, case: Case, device: torch.device) -> None:
        torch.manual_seed(0)
        model = case.model()
        self.objective = ObjectiveConfig(lambda_d=0.0)
        self.fabric = make_fabric(DeviceConfig(accelerator=device.type, precision=Precision.float32.value))
        self.networks = make_networks(
            self.fabric,
            model=model,
            discriminator=DiscriminatorConfig(),
            objective=self.objective,
            optimizer=OptimizerConfig(),
            vq=None,
        )
        self.networks.transformer.wrapped.train()
        records = draw_records(
            Sizes(users=model.num_users, items=model.num_items, words=model.num_words, batch=case.batch)
        )
        codes = np.random.default_rng(0).integers(0, model.num_codes, (case.batch, case.side**2))
        self.examples = as_examples(records, self.fabric.device, codes)
        self.rows = torch.arange(case.batch)
        self.num_words = len(self.examples.batch(self.rows).word_slots)

    def __call__(self) -> None:
        joint_step(self.fabric, self.networks, [self.examples.batch(self.rows)], self.objective, clip=1.0)

    def lasting(self) -> int:
        """Bytes of weights, gradients and moments, after a step."""
        weights = list(self.networks.meter.parameters())
        states = self.networks.transformer.optimizer.state.values()
        moments = [value for state in states for value in state.values() if value.numel() > 1]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        return sum(each.nbytes for each in (*weights, *gradients, *moments))

    def kept(self) -> int:
        """Bytes that autograd keeps between the way forward and the way back, each piece of memory counted once."""
        pieces: dict[int, int] = {}
        own = {weight.untyped_storage().data_ptr() for weight in self.networks.meter.parameters()}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own and tensor.is_floating_point():
                pieces[storage.data_ptr()] = storage.nbytes()
            return tensor

        # Nothing may be freed meanwhile, or a later piece might take its address: gradients are not asked for.
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            batch = self.examples.batch(self.rows)
            output = self.networks.transformer.wrapped(
                batch.users, batch.items, batch.features, batch.words, batch.codes, batch.word_slots
            )
            losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, self.objective)
            losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, self.objective)
            losses.total(self.objective)
        return sum(pieces.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One line of the table: the model's figures and the machine's, in seconds and bytes."""

    name: str
    predicted: Cost
    predicted_seconds: float
    seconds: float
    kept: int
    lasting: int


def measure(cases: dict[str, Case], machine: Machine, device: torch.device, repeats: int) -> list[Measured]:
    """Every case in turn. One number is fitted, and on the first case only: the rate of computing."""
    steps = {name: Step(case, device) for name, case in cases.items()}
    predicted = {name: predict(case, steps[name].num_words) for name, case in cases.items()}
    timings = interleaved({name: Side(run=step, repeats=repeats) for name, step in steps.items()}, device)
    seconds = {name: statistics.median(timing.seconds) for name, timing in timings.items()}
    first = next(iter(cases))
    moving = predicted[first].seconds(math.inf, machine.bandwidth)
    rate = predicted[first].flops / max(seconds[first] - moving, 1e-9)
    return [
        Measured(
            name=name,
            predicted=predicted[name],
            predicted_seconds=predicted[name].seconds(rate, machine.bandwidth),
            seconds=seconds[name],
            kept=step.kept(),
            lasting=step.lasting(),
        )
        for name, step in steps.items()
    ]


def markdown(found: Sequence[Measured], machine: Machine) -> str:
    """Times over the first line's, so that growth is what is read."""
    first = found[0]
    headings = (
        "case",
        "GFLOP",
        "step",
        "by the model",
        "growth",
        "by the model",
        "kept, MB",
        "by the model",
        "weights and optimizer, MB",
        "by the model",
    )
    rows = [
        [
            each.name,
            f"{each.predicted.flops / 1e9:.1f}",
            f"{each.seconds * 1e3:.0f} ms",
            f"{each.predicted_seconds * 1e3:.0f} ms",
            f"{each.seconds / first.seconds:.2f}",
            f"{each.predicted_seconds / first.predicted_seconds:.2f}",
            f"{each.kept / 1e6:.1f}",
            f"{each.predicted.kept / 1e6:.1f}",
            f"{each.lasting / 1e6:.1f}",
            f"{each.predicted.lasting / 1e6:.1f}",
        ]
        for each in found
    ]
    peak = machine.peak[Precision.float32.name] / 1e9
    sizes = ", ".join(f"{name} {value}" for name, value in asdict(BASE).items())
    return (
        f"{machine.accelerator or machine.processor}, {machine.threads} threads, float32 {peak:.0f} GFLOP/s, copying "
        f"{machine.bandwidth / 1e9:.0f} GB/s; base: {sizes}.\n\n{lines_of(headings, rows)}\n"
    )


def main(*, device: torch.device, quick: bool, repeats: int) -> str:
    """Measures and returns the table."""
    machine = measure_machine(device, QUICK if quick else SIZES[device.type])
    return markdown(measure(QUICK_CASES if quick else CASES, machine, device, repeats), machine)
