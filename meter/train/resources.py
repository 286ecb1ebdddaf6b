"""Memory and time: what a stage of training will need, and what this machine has, before the stage begins."""

import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

USABLE = 0.85
"""Share of the free memory that a stage plans with. Estimates count tensors only; beside them a library keeps copies of
its own, and the memory of freed tensors is not always used again: 5 to 15 % more was measured on a CPU."""


class LiveMemory(TorchDispatchMode):
    """Counts the bytes of the tensors that operations create while the block runs, until each is freed.

    Tensors may be real, or fake (``FakeTensorMode``), which have sizes but no memory. Those in a layout of oneDNN's own
    are not counted.

    live: bytes at the moment.  peak: the most there were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        self.peak = 0
        self._bytes: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor) and value.layout is torch.strided:
                self._add(value.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key not in self._bytes:
            self._bytes[key] = storage.nbytes()
            self.live += storage.nbytes()
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._free, key)

    def _free(self, key: int) -> None:
        self.live -= self._bytes.pop(key)


def free_memory(device: torch.device, system: Path = Path("/")) -> int | None:
    """Bytes that this process may still take on a device; None where nothing tells.

    On a CPU: what Linux calls available, or less where a control group (a container, a batch system) has a limit.

    system: the folder that holds ``proc`` and ``sys``.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    information = system / "proc/meminfo"
    if device.type != "cpu" or not information.exists():
        return None
    fields = dict(line.split(":") for line in information.read_text().splitlines())
    available = int(fields["MemAvailable"].split()[0]) * 1024
    return min([available, *_left_in_control_groups(system)])


def _left_in_control_groups(system: Path) -> list[int]:
    """What each control group that this process is in still allows, from its own to the outermost."""
    membership = system / "proc/self/cgroup"
    lines = membership.read_text().splitlines() if membership.exists() else []
    left = []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers not in ("", "memory"):
            continue
        root = system / "sys/fs/cgroup" / controllers
        limit, usage, cache = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            if controllers
            else ("memory.max", "memory.current", "inactive_file")
        )
        own = root / path.lstrip("/")
        for folder in (own, *own.parents):
            if not folder.is_relative_to(root):
                break
            if not (folder / limit).exists() or (folder / limit).read_text().strip() == "max":
                continue
            counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            # Pages of files that nothing uses at the moment count as used, but are given up first.
            used = int((folder / usage).read_text()) - int(counts.get(cache, 0))
            left.append(max(0, int((folder / limit).read_text()) - used))
    return left


def operations_per_second(run: Callable[[], object], device: torch.device) -> float:
    """How fast the floating-point operations of ``run`` are: it is called once to count them and once to time them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / seconds_of(run, device)


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Seconds that ``run`` takes on a device."""
    _wait_for(device)
    started = time.perf_counter()
    run()
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine_name(device: torch.device) -> str:
    """The device in a few words: the name of a GPU, or the number of CPU threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU thread{'s' * (threads != 1)}" if device.type == "cpu" else device.type


def format_bytes(count: int | float) -> str:
    """In MiB or GiB, with two digits or more."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= 0.95 * size or unit == "MiB":
            break
    value = count / size
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"


def format_duration(seconds: int | float) -> str:
    """In the largest unit of which there are two or more, from seconds to days; at least one second."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= 2 * size or unit == "second":
            break
    count = max(1, round(seconds / size))
    return f"{count:,} {unit}{'s' * (count != 1)}"
