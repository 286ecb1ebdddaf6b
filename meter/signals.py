"""Stopping on request: after SIGTERM or SIGINT a training saves its state, and the process ends with status 75."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_STATUS = 75


class Interrupted(Exception):
    """Raised when a training was asked to stop and has saved its state; the same command resumes it."""


class StopRequest:
    """Whether somebody asked this process to stop."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def listen() -> Iterator[StopRequest]:
    """Listens for SIGTERM and SIGINT while the block runs; a second signal interrupts at once."""
    request = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        request.asked = True
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
