"""Where a run computes: Lightning Fabric, set up from the config."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from meter.errors import InputError
from meter.train.sharding import sharding_strategy

if TYPE_CHECKING:
    from lightning_fabric import Fabric


FSDP = "fsdp"
REFUSED = ("fsdp_", "deepspeed", "model_parallel")
"""Fabric's other strategies after which no process holds all weights."""


@dataclass(kw_only=True, slots=True)
class DeviceConfig:
    """Where a run computes; handed to Lightning Fabric."""

    accelerator: str = "auto"
    """auto, cpu, cuda …"""
    devices: int = 1
    """Processes, one for each device."""
    strategy: str = "auto"
    """auto, ddp, fsdp (the transformer's weights split over the devices: ``meter.train.sharding``) …"""
    precision: str = "auto"
    """auto: bf16-mixed where the hardware multiplies bf16, else 32-true. Or any name that Fabric knows."""


def make_fabric(config: DeviceConfig) -> "Fabric":
    """Launches the processes.

    Raises InputError where Fabric cannot make sense of the config.
    """
    from lightning_fabric import Fabric

    if config.strategy.startswith(REFUSED):
        raise InputError(
            f"device.strategy={config.strategy} splits the weights over devices in a way that cannot be saved: "
            "use fsdp, or ddp and train.accumulation where memory is short"
        )
    strategy = sharding_strategy(config.devices) if config.strategy == FSDP else config.strategy
    precision = fastest_precision(config.accelerator) if config.precision == "auto" else config.precision
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            devices=config.devices,
            strategy=strategy,
            precision=precision,  # pyright: ignore[reportArgumentType]
        )
        fabric.launch()
    except (ValueError, RuntimeError) as fault:
        raise InputError(f"device: {str(fault).splitlines()[0]}") from fault
    return fabric


@contextmanager
def launched(config: DeviceConfig) -> Iterator["Fabric"]:
    """Launches the processes and, at the end, takes their connections down before any of them exits."""
    fabric = make_fabric(config)
    try:
        yield fabric
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def fastest_precision(accelerator: str) -> str:
    """bf16-mixed where the device that ``accelerator`` means multiplies bf16 faster than float32, else 32-true."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if processor_multiplies_bf16_faster(processor()) else "32-true"


def processor() -> str:
    """What Linux tells of the first processor; nothing elsewhere."""
    information = Path("/proc/cpuinfo")
    return information.read_text(encoding="utf-8").partition("\n\n")[0] if information.exists() else ""


def processor_multiplies_bf16_faster(information: str) -> bool:
    """By what ``/proc/cpuinfo`` says: AMX, or AVX-512's dot products as AMD makes them (Zen 4 and later).

    Measured: AMD's take 0.4 of float32's time; those of an Intel processor without AMX twice as long.
    """
    flags = set(information.split())
    return "amx_bf16" in flags or {"AuthenticAMD", "avx512_bf16"} <= flags
