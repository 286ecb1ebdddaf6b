"""What a comparison holds: its systems, and a table of metrics for each split."""

from dataclasses import dataclass, field
from typing import Any

from meter.metrics import MatchedRunsTest, PairedTest, SeedTest
from meter.storage.fingerprint import fingerprint


@dataclass(kw_only=True, slots=True)
class WorldMean:
    """A metric of a system in one world: the mean over its runs there.

    difference: from the baseline, over the runs of both that are compared; None for the baseline, and where none are.
    """

    data_seed: int
    mean: float
    difference: float | None = None


@dataclass(kw_only=True, slots=True)
class Cell:
    """A metric of a system.

    values: by run, in the order of the system's runs; empty where it has no such metric, or it is not measurable.
    mean: of the values. deviation: their sample standard deviation; None for a single run.
    not_measurable: what judges some run is at chance, so what it found says nothing.
    test: against the baseline, over examples; None for the baseline and where the examples cannot be compared.
    p_corrected: ``test.p_randomization`` after Holm's correction over its table.
    over_seeds: the same over seeds, where both have two at least; of one world.
    over_runs: the same over matched runs instead, where there are several worlds.
    by_world: where there are several.
    verdict: ``better`` or ``worse`` where p_corrected < .05, else empty.
    """

    values: list[float]
    mean: float | None
    deviation: float | None
    not_measurable: bool = False
    test: PairedTest | None = None
    p_corrected: float | None = None
    over_seeds: SeedTest | None = None
    over_runs: MatchedRunsTest | None = None
    by_world: list[WorldMean] = field(default_factory=list)
    verdict: str = ""


@dataclass(kw_only=True, slots=True)
class MetricRow:
    """A metric: a cell for each system."""

    key: str
    label: str
    decimals: int
    lower: bool
    cells: list[Cell]


@dataclass(kw_only=True, slots=True)
class SplitTable:
    """One split: its metrics, how many examples all worlds have, and how many questions were asked at once."""

    split: str
    num_examples: int
    num_tests: int
    rows: list[MetricRow]


@dataclass(kw_only=True, slots=True)
class Compared:
    """A system of the comparison.

    data_seeds, seeds: of its runs, one by one. seeds_compared: pairs of its seeds and the baseline's that the tests
    average over. data_seeds_compared: their worlds.
    """

    label: str
    data_seeds: list[int]
    seeds: list[int]
    runs: list[str]
    data_seeds_compared: list[int] = field(default_factory=list)
    seeds_compared: list[tuple[int, int]] = field(default_factory=list)


@dataclass(kw_only=True, slots=True)
class Comparison:
    """All numbers; ``compare.json`` holds them under these names.

    systems: the baseline first. settings: the fields in which they differ, with each system's value.
    notes: what the reader must know of missing tests. provenance: data, versions, draws.
    """

    systems: list[Compared]
    tables: list[SplitTable]
    settings: dict[str, list[Any]]
    notes: list[str]
    provenance: dict[str, Any]

    @property
    def worlds(self) -> list[int]:
        """The data_seeds of all worlds, rising."""
        return sorted({data_seed for system in self.systems for data_seed in system.data_seeds})

    @property
    def hash(self) -> str:
        """Names what was compared and how: 64 hex digits."""
        asked = [(table.split, [row.key for row in table.rows], table.num_examples) for table in self.tables]
        return fingerprint([self.provenance, [system.label for system in self.systems], asked])
