"""The command: measures the parts that are asked for, prints the table and writes it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import generation, loading, metrics, picture, training, vq
from .machine import QUICK, SIZES, measure_machine
from .part import Comparison, Part, Row, Settings
from .table import Report, write

PARTS = {
    part.PART: Part(part.measure, part.compare)
    for part in (training, generation, picture, metrics, loading, vq)
}
REPEATS, SLOW_REPEATS = 5, 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="benchmark.py",
        description="Measures each part of METER beside a plain reference, both in turn on this machine.",
    )
    made.add_argument(
        "--part", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure; default: all"
    )
    made.add_argument(
        "--repeats",
        type=positive,
        help=f"timed runs of every side; default: {REPEATS}, and {SLOW_REPEATS} of a side that takes minutes",
    )
    made.add_argument(
        "--quick",
        action="store_true",
        help="tiny sizes: proves that everything runs and that both sides compute the same; its times mean nothing",
    )
    made.add_argument(
        "--whole",
        action="store_true",
        help="measure the metrics' reference in full (minutes), do not extrapolate",
    )
    made.add_argument("--device", choices=SIZES, default="cpu")
    made.add_argument("--threads", type=positive, help="threads of a CPU; default: torch's choice")
    made.add_argument("--out", type=Path, default=Path("runs/benchmark"), help="default: %(default)s")
    return made


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(f"expected 1 or more, found {value}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 both sides do not compute the same (2, by argparse: wrong arguments)."""
    asked = parser().parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser().error("--device cuda: expected an accelerator that torch can use, found none")
    if asked.threads is not None:
        torch.set_num_threads(asked.threads)
    device = torch.device(asked.device)
    settings = Settings(
        device=device,
        machine=measure_machine(device, QUICK if asked.quick else SIZES[asked.device]),
        repeats=asked.repeats or (1 if asked.quick else REPEATS),
        slow_repeats=asked.repeats or SLOW_REPEATS,
        quick=asked.quick,
        whole=asked.whole,
    )
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    for name in asked.part:
        print(f"{name} …", file=sys.stderr)
        if asked.quick:
            comparisons += PARTS[name].compare(device)
        rows += PARTS[name].measure(settings)
    report = Report(settings=settings, rows=rows, comparisons=comparisons)
    print(write(asked.out, report), end="")
    for each in report.different:
        print(
            f"{each.part}: {each.what}: expected a difference of at most {each.allowed}, found {each.difference}",
            file=sys.stderr,
        )
    return 1 if report.different else 0
