"""Memory is counted byte for byte, and read where Linux and its control groups say it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from meter.train.resources import LiveMemory, format_bytes, format_duration, free_memory

CPU = torch.device("cpu")
KIB, GIB = 2**10, 2**30


def test_memory_is_what_is_alive() -> None:
    with LiveMemory() as memory:
        first = torch.zeros(256, dtype=torch.float32)
        assert memory.live == 1024
        second = first + 1
        view = second[:8].view(2, 4)
        assert memory.live == 2048
        del first
        assert memory.live == 1024
        del second
        assert memory.live == 1024
        del view
        assert memory.live == 0
        first = torch.zeros(64, dtype=torch.float64)
        first.add_(1)
    assert (memory.live, memory.peak) == (512, 2048)


def test_fake_tensors_are_counted_like_real_ones() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    def peak() -> int:
        network = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 8))
        rows = torch.zeros(32, 64)
        with LiveMemory() as memory:
            network(rows).square().sum().backward()
        return memory.peak

    real = peak()
    with FakeTensorMode():
        assert peak() == real
    # What the way back needs, and the gradients of all weights.
    assert real > 4 * (32 * (128 + 128 + 8) + 64 * 128 + 128 + 128 * 8 + 8)


def machine(system: Path, available: int, membership: str = "0::/") -> Path:
    (system / "proc/self").mkdir(parents=True)
    total = f"MemTotal: {64 * GIB // KIB} kB\nMemFree: 5 kB\n"
    (system / "proc/meminfo").write_text(f"{total}MemAvailable: {available // KIB} kB\n")
    (system / "proc/self/cgroup").write_text(membership + "\n")
    return system


def group(folder: Path, limit: str, used: int, cache: int, names: tuple[str, str, str]) -> None:
    folder.mkdir(parents=True)
    limit_name, used_name, cache_name = names
    (folder / limit_name).write_text(limit + "\n")
    (folder / used_name).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\n{cache_name} {cache}\n")


V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = ("memory.max", "memory.current", "inactive_file")


def test_free_is_what_linux_calls_available(tmp_path: Path) -> None:
    assert free_memory(CPU, machine(tmp_path, 20 * GIB)) == 20 * GIB


def test_the_tightest_control_group_decides(tmp_path: Path) -> None:
    system = machine(tmp_path, 20 * GIB, "0::/jobs/mine")
    groups = system / "sys/fs/cgroup/jobs"
    group(groups, str(10 * GIB), used=6 * GIB, cache=GIB, names=V2)
    group(groups / "mine", "max", used=GIB, cache=0, names=V2)
    assert free_memory(CPU, system) == 5 * GIB
    (groups / "mine" / "memory.max").write_text(str(3 * GIB))
    assert free_memory(CPU, system) == 2 * GIB
    (groups / "mine" / "memory.max").write_text(str(GIB // 2))
    assert free_memory(CPU, system) == 0


def test_old_control_groups_and_those_of_a_container_count_too(tmp_path: Path) -> None:
    """A container sees its own group as the root, whatever its path is outside."""
    system = machine(tmp_path, 20 * GIB, "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/docker/1")
    group(system / "sys/fs/cgroup/memory", str(8 * GIB), used=2 * GIB, cache=GIB, names=V1)
    assert free_memory(CPU, system) == 7 * GIB


def test_where_nothing_tells_the_free_memory_is_unknown(tmp_path: Path) -> None:
    assert free_memory(CPU, tmp_path) is None
    assert free_memory(torch.device("meta")) is None


def test_this_machine_has_free_memory() -> None:
    free = free_memory(CPU)
    assert free is None or 0 < free < 2**60


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0.0 MiB"),
        (1.5 * 2**20, "1.5 MiB"),
        (700 * 2**20, "700 MiB"),
        (2**30, "1.0 GiB"),
        (21.4 * GIB, "21 GiB"),
    ],
)
def test_bytes_in_words(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 second"),
        (1.2, "1 second"),
        (59, "59 seconds"),
        (130, "2 minutes"),
        (5400, "90 minutes"),
        (9000, "2 hours"),
        (9 * 86_400, "9 days"),
        (2e8, "2,315 days"),
    ],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
