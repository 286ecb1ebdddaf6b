"""A training step of PETER+ at its published sizes: PETER's way beside ours."""

from functools import cache

import numpy as np
import torch

from meter.config import RunConfig, config_dir, parse, register
from meter.train.build import make_networks
from meter.train.devices import DeviceConfig, make_fabric
from meter.train.steps import joint_step

from .arithmetic import TRAINING, Slots, Work, causal, count_flops, square, total, training_bytes
from .machine import Precision
from .part import Comparison, Row, Settings
from .peter import CONDITIONS, Peter, PeterTraining, StepLosses, in_peters_numbers, opened_as_meter
from .records import PETER_SIZES, QUICK_SIZES, RandomRecords, Sizes, as_examples, draw_records

PART = "training"
OVERRIDES = ["dataset=tripadvisor", "dataset.use_images=false", "system=peter_plus"]
NOTE = (
    "lengths are drawn like those of TripAdvisor's reviews: 13 words in the mean, 10.9 after the cut to 15, then EOS; "
    "the floor counts real slots and words only, with PETER's settings (system=peter_plus)"
)


@cache
def peter_plus() -> RunConfig:
    """The config of ``system=peter_plus`` at the paper's sizes, which are those of ``dataset=tripadvisor``."""
    from hydra import compose, initialize_config_dir

    register("train", RunConfig)
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        return parse(compose("train", overrides=OVERRIDES))


class MeterTraining:
    """Trains METER, with PETER's settings and weights, on one batch again and again."""

    def __init__(
        self, peter: Peter, records: RandomRecords, sizes: Sizes, device: torch.device, precision: Precision
    ) -> None:
        config = peter_plus()
        self.objective, self.clip = config.objective, config.optimizer.clip
        self.fabric = make_fabric(DeviceConfig(accelerator=device.type, precision=precision.value))
        opened = opened_as_meter(peter, sizes)
        self.networks = make_networks(
            self.fabric,
            model=opened.config,
            discriminator=config.disc,
            objective=config.objective,
            optimizer=config.optimizer,
            vq=None,
        )
        self.networks.meter.load_state_dict(opened.state_dict())
        self.networks.transformer.wrapped.train()
        self.examples = as_examples(records, self.fabric.device)
        self.rows = torch.arange(len(records.users))

    def step(self) -> StepLosses:
        """One step: the batch is gathered on the device, and the losses are read, as the training loop does."""
        batch = self.examples.batch(self.rows)
        means = joint_step(self.fabric, self.networks, [batch], self.objective, self.clip)
        return StepLosses(**{name: means[name] for name in StepLosses.__slots__})


def slots_as_peter(sizes: Sizes) -> Slots:
    """What PETER's step encodes and projects: every slot of every sequence."""
    length = CONDITIONS + sizes.text_length + 1
    return Slots(
        encoded=sizes.batch * length,
        attended=sizes.batch * square(length),
        words=sizes.batch * (sizes.text_length + 1 + 1),
        ratings=sizes.batch,
    )


def slots_without_pad(lengths: np.ndarray) -> Slots:
    """What the losses depend on: u, i, f, BOS and the words, and what is predicted of words, EOS and context."""
    slots = [CONDITIONS + 1 + int(length) for length in lengths]
    return total(
        Slots(encoded=each, attended=causal(each), words=each - CONDITIONS + 1, ratings=1) for each in slots
    )


def measure(settings: Settings) -> list[Row]:
    """A row for each pairing of precisions."""
    sizes = QUICK_SIZES if settings.quick else PETER_SIZES
    torch.manual_seed(0)
    peter, records = Peter(sizes), draw_records(sizes)
    config = opened_as_meter(peter, sizes).config
    sides = {}
    for precision in settings.precisions:
        plain = Peter(sizes)
        plain.load_state_dict(peter.state_dict())
        reference = PeterTraining(plain, in_peters_numbers(records, sizes), settings.device, precision)
        ours = MeterTraining(peter, records, sizes, settings.device, precision)
        sides[f"reference {precision.name}"] = settings.side(reference.step)
        sides[f"ours {precision.name}"] = settings.side(ours.step)
    timings = settings.timed(sides)
    least = Work(
        flops=count_flops(config, slots_without_pad(records.lengths), TRAINING), bytes=training_bytes(config)
    )

    return [
        Row(
            part=PART,
            case=f"a step of {sizes.batch}, {pairing.name}",
            reference=timings[f"reference {pairing.reference.name}"],
            ours=timings[f"ours {pairing.ours.name}"],
            amount=sizes.batch,
            unit="records",
            reference_flops=count_flops(config, slots_as_peter(sizes), TRAINING),
            least=least,
            floor=settings.machine.floor(least, pairing.ours),
            note=NOTE,
        )
        for pairing in settings.pairings
    ]


def compare(device: torch.device) -> list[Comparison]:
    """One step from the same weights: the losses before it and all weights after it; in bfloat16 the losses only."""
    sizes = QUICK_SIZES
    torch.manual_seed(0)
    records = draw_records(sizes)
    compared = []
    for precision, allowed in ((Precision.float32, 1e-4), (Precision.bfloat16, 0.05)):
        torch.manual_seed(0)
        peter = Peter(sizes)
        ours = MeterTraining(peter, records, sizes, device, precision)
        reference = PeterTraining(peter, in_peters_numbers(records, sizes), device, precision)
        expected, found = reference.step(), ours.step()
        for name in StepLosses.__slots__:
            difference = abs(getattr(expected, name) - getattr(found, name))
            compared.append(Comparison(PART, f"{name} loss, {precision.name}", difference, allowed))
        if precision is Precision.float32:
            moved = opened_as_meter(peter, sizes).state_dict()
            differences = [
                (weight - moved[name].to(device)).abs().max()
                for name, weight in ours.networks.meter.state_dict().items()
            ]
            difference = torch.stack(differences).max().item()
            compared.append(Comparison(PART, "weights after the step", difference, 1e-4))
    return compared
