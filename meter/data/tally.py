"""What was read, what was kept, and what was dropped for which reason: nothing is dropped in silence."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True, slots=True)
class Dropped:
    """One reason for dropping: how often it held, and the first place where it did."""

    count: int
    first: str


@dataclass(kw_only=True, slots=True)
class Tally:
    """Counts of one source.

    read: records found in the source, good or bad.
    dropped: by reason; what is left was kept.
    """

    read: int = 0
    dropped: dict[str, Dropped] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return self.read - sum(entry.count for entry in self.dropped.values())

    def drop(self, reason: str, place: str) -> None:
        """Counts one record as dropped; ``place`` (``file:line``) is remembered if it is the reason's first."""
        entry = self.dropped.get(reason)
        if entry is None:
            self.dropped[reason] = Dropped(count=1, first=place)
        else:
            entry.count += 1

    def plain(self) -> dict[str, Any]:
        """The counts as plain values, for a stage's summary."""
        dropped = {
            reason: {"count": each.count, "first": each.first} for reason, each in self.dropped.items()
        }
        return {"read": self.read, "kept": self.kept, "dropped": dropped}
