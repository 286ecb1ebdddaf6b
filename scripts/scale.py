"""Time and memory of preparing datasets of the field's real size, and of several times that: ``--help``."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scaling.files import SIZES, Size, write_dataset
from scaling.measured import Cost, measured
from scaling.steps import STEPS


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """What one dataset of one size cost, by step."""

    size: Size
    factor: float
    costs: dict[str, Cost]


def measure(size: Size, factor: float, folder: Path) -> Measurement:
    """Writes a dataset, takes every step with it, each in a process of its own, and takes it away again."""
    grown = size.times(factor)
    shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{size.name} × {factor:g}: writing {grown.reviews:,} reviews, {grown.photos:,} photos",
        file=sys.stderr,
    )
    write_dataset(folder / "raw", grown, seed=0)
    costs = {}
    for name, step in STEPS.items():
        costs[name] = measured(step, folder / "raw", grown, folder / "cache")
        print(
            f"  {name}: {costs[name].seconds:.1f} s, {costs[name].memory / 2**20:,.0f} MiB", file=sys.stderr
        )
    shutil.rmtree(folder)
    return Measurement(size=grown, factor=factor, costs=costs)


def table(measurements: Sequence[Measurement]) -> str:
    """Markdown: a row for each dataset and size, with the time's growth over the first size of its name."""
    head = ["dataset", "×", "reviews", "photos"]
    head += [f"{step}: {what}" for step in STEPS for what in ("s", "CPU s", "MiB")] + ["CPU s grew"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    first: dict[str, Measurement] = {}
    for each in measurements:
        base = first.setdefault(each.size.name, each)
        cells = [each.size.name, f"{each.factor:g}", f"{each.size.reviews:,}", f"{each.size.photos:,}"]
        for cost in each.costs.values():
            cells += [f"{cost.seconds:,.0f}", f"{cost.processor_seconds:,.0f}", f"{cost.memory / 2**20:,.0f}"]
        total, before = (sum(cost.processor_seconds for cost in one.costs.values()) for one in (each, base))
        cells.append("" if each is base else f"× {total / before:.2f} for × {each.factor / base.factor:g}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for and prints the table; ``--out`` keeps it and the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", nargs="+", choices=SIZES, default=list(SIZES), help="default: all")
    parser.add_argument("--times", nargs="+", type=float, default=[1, 4], help="sizes; default: 1 4")
    parser.add_argument("--out", type=Path, default=Path("runs/scale"), help="default: %(default)s")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    found = []
    for name in asked.dataset:
        found += [measure(SIZES[name], factor, asked.out / "files") for factor in asked.times]
        values = [asdict(each) for each in found]
        (asked.out / "scale.json").write_text(json.dumps(values, indent=1), encoding="utf-8")
    (asked.out / "scale.md").write_text(table(found) + "\n", encoding="utf-8")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
