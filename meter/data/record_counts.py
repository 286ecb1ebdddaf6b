"""How many records were read, kept and dropped, and for which reason: nothing is dropped silently."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True, slots=True)
class DroppedRecords:
    """Records dropped for one reason: how many, and the location of the first one."""

    count: int
    first: str


@dataclass(kw_only=True, slots=True)
class RecordCounts:
    """Counts of one source.

    read: records found in the source, usable or not.
    dropped: reason -> records dropped for it; all others were kept.
    """

    read: int = 0
    dropped: dict[str, DroppedRecords] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return self.read - sum(records.count for records in self.dropped.values())

    def drop(self, reason: str, location: str) -> None:
        """Counts one record as dropped; its location (``file:line``) is kept if it is the first for this reason."""
        records = self.dropped.get(reason)
        if records is None:
            self.dropped[reason] = DroppedRecords(count=1, first=location)
        else:
            records.count += 1

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain values, for the summary of a stage."""
        dropped = {
            reason: {"count": records.count, "first": records.first}
            for reason, records in self.dropped.items()
        }
        return {"read": self.read, "kept": self.kept, "dropped": dropped}
