"""Compares finished runs: mean ± sd over seeds, paired tests over examples, effect sizes."""

from meter.compare.comparison import compare
from meter.compare.results import Cell, Comparison, MetricRow, SplitTable
from meter.compare.runs import find_runs, open_run
from meter.compare.systems import System, group_by_system

__all__ = [
    "Cell",
    "Comparison",
    "MetricRow",
    "SplitTable",
    "System",
    "compare",
    "find_runs",
    "group_by_system",
    "open_run",
]
