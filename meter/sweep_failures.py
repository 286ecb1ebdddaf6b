"""A sweep whose jobs may die: the others go on, and what failed is said at the end."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from meter.errors import InputError
from meter.signals import Interrupted

Result = TypeVar("Result")


@dataclass(kw_only=True, slots=True)
class Failure:
    """A job that failed. overrides: what it was told.  users: whether its input or config was wrong, and not we."""

    overrides: str
    message: str
    users: bool


@dataclass(slots=True)
class SweepFailures:
    """Of the jobs that run in this process; those in others raise what went wrong, as their launchers expect."""

    process: int = field(default_factory=os.getpid)
    failures: list[Failure] = field(default_factory=list)

    def guard(self, job: Callable[[], Result], overrides: Sequence[str]) -> Result | None:
        """Runs a job; remembers what goes wrong in it, and returns None. A stop on request ends the sweep."""
        try:
            return job()
        except Interrupted:
            raise
        except Exception as fault:
            users = isinstance(fault, InputError)
            said = " ".join(overrides)
            if users:
                print(f"error: {said}: {fault}", file=sys.stderr)
            else:
                traceback.print_exc()
            if os.getpid() != self.process:
                raise
            message = str(fault) if users else f"{type(fault).__name__}: {fault}"
            self.failures.append(Failure(overrides=said, message=message, users=users))
            return None

    def report(self) -> None:
        """Ends the process where a job failed: with 2 if only input or config was wrong, else with 1."""
        if not self.failures:
            return
        print(f"\n{len(self.failures)} of the sweep's jobs failed:", file=sys.stderr)
        for failure in self.failures:
            print(f"  {failure.overrides}\n      {failure.message.splitlines()[0]}", file=sys.stderr)
        print("The same command again does only what is missing.", file=sys.stderr)
        sys.exit(2 if all(failure.users for failure in self.failures) else 1)
