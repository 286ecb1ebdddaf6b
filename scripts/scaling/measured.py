"""How long a function takes in a process of its own, and the most memory that it needs there."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INTERVAL = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """seconds: of the function alone, by the clock.

    processor_seconds: of all its threads; on a machine that does other things as well, they say more.
    memory: bytes at the most, imports included. Pages of mapped files are not counted: the system may take them back at
    any time.
    """

    seconds: float
    processor_seconds: float
    memory: int


def measured(function: Callable[..., Any], *arguments: Any) -> Cost:
    """Calls ``function``, which a fresh process must be able to import, in one."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_call, function, arguments).result()


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    most, done, parent = 0, threading.Event(), os.getppid()

    def watch() -> None:
        nonlocal most
        while not done.wait(INTERVAL):
            most = max(most, own_memory())
            if os.getppid() != parent:
                # Nobody waits for the answer any more: the script was killed.
                os._exit(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started, worked = time.perf_counter(), time.process_time()
    try:
        function(*arguments)
    finally:
        seconds, processor = time.perf_counter() - started, time.process_time() - worked
        done.set()
        watcher.join()
    return Cost(seconds=seconds, processor_seconds=processor, memory=max(most, own_memory()))


def own_memory() -> int:
    """Bytes of this process that lie in memory and belong to no file (Linux: RssAnon)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024
