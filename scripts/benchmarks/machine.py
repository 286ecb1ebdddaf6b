"""What the machine can do at best, measured: how fast it multiplies and how fast it moves memory."""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch

from .arithmetic import Work, matmul_flops
from .timing import wait_for


class Precision(Enum):
    """Numbers that are multiplied, by Fabric's names."""

    float32 = "32-true"
    bfloat16 = "bf16-mixed"

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32 if self is Precision.float32 else torch.bfloat16

    @property
    def bytes(self) -> int:
        """Of one number."""
        return self.dtype.itemsize

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context in which products are made of these numbers."""
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=self is Precision.bfloat16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """peak: operations a second of a large matrix product. bandwidth: bytes a second, read and written, of a copy."""

    processor: str
    accelerator: str | None
    threads: int
    torch: str
    float32_products: str
    peak: dict[str, float]
    bandwidth: float

    @property
    def precisions(self) -> list[Precision]:
        """bfloat16 only where it is the faster one, as in the library."""
        faster = self.peak[Precision.bfloat16.name] > self.peak[Precision.float32.name]
        return list(Precision) if faster else [Precision.float32]

    def floor(self, work: Work, precision: Precision) -> float:
        """Seconds that this work takes at the measured peak or at the measured bandwidth, whichever is longer.

        What may be multiplied in bfloat16 may as well be in float32, where that is faster.
        """
        exact = self.peak[Precision.float32.name]
        peak = exact if precision is Precision.float32 else max(exact, self.peak[precision.name])
        return max(work.flops / peak, work.bytes / self.bandwidth)


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineSizes:
    """Sides of the square matrices, and numbers in the copied tensor."""

    sides: Sequence[int]
    copied: int


SIZES = {
    "cpu": MachineSizes(sides=(1024, 2048), copied=2**26),
    "cuda": MachineSizes(sides=(4096, 8192, 16384), copied=2**29),
}
QUICK = MachineSizes(sides=(64,), copied=2**12)


def measure_machine(device: torch.device, sizes: MachineSizes) -> Machine:
    """Measures what all floors are taken from."""
    return Machine(
        processor=processor_name(),
        accelerator=torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        float32_products=torch.get_float32_matmul_precision(),
        peak={each.name: measure_peak(device, each.dtype, sizes.sides) for each in Precision},
        bandwidth=measure_bandwidth(device, sizes.copied),
    )


def measure_peak(device: torch.device, dtype: torch.dtype, sides: Sequence[int]) -> float:
    """Operations a second of the fastest square product; larger ones are left out once one takes a second."""
    best = 0.0
    for side in sides:
        left, right = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
        seconds = fastest(lambda left=left, right=right: left @ right, device)
        best = max(best, matmul_flops(side, side, side) / seconds)
        if seconds > 1:
            break
    return best


def measure_bandwidth(device: torch.device, numbers: int) -> float:
    """Bytes a second, those read and those written, of copying a tensor too large for a cache."""
    source = torch.ones(numbers, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / fastest(lambda: target.copy_(source), device)


def fastest(run: Callable[[], object], device: torch.device, times: int = 5) -> float:
    """Seconds of the fastest of several runs, after one to warm up."""
    run()
    seconds = []
    for _ in range(times):
        wait_for(device)
        started = time.perf_counter()
        run()
        wait_for(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def processor_name() -> str:
    """The processor's own name where Linux tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
