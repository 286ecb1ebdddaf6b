"""Metrics that are functions of sums over examples (a mean, RMSE, BLEU), many of them swapped and resampled together.

N examples, S seeds, K sums, R resamples. A resample only weights the examples, so one matrix product gives the sums of
all metrics in all resamples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from meter.metrics.stats.jackknife import Jackknife


@dataclass(kw_only=True, slots=True)
class SumMetric:
    """A metric that is a function of sums over examples."""

    terms: Float64[np.ndarray, "S N K"]
    """What each example adds, by seed; an example that adds nothing but zeros is not counted."""
    value: Callable[[Float64[np.ndarray, "*R K"]], Float64[np.ndarray, "*R"]]
    """The metric of K sums, for any number of resamples at once."""

    @property
    def shape(self) -> tuple[int, int]:
        """Seeds and examples."""
        return self.terms.shape[0], self.terms.shape[1]


def mean_of(scores: Float64[np.ndarray, "S N"]) -> SumMetric:
    """The mean of per-example scores; NaN where an example has none."""
    has = np.isfinite(scores)
    terms = np.stack([np.where(has, scores, 0.0), has.astype(np.float64)], axis=2)
    return SumMetric(terms=terms, value=ratio)


def ratio(sums: Float64[np.ndarray, "*R 2"]) -> Float64[np.ndarray, "*R"]:
    """The first sum over the second; NaN where that is 0."""
    whole = sums[..., 1]
    return np.divide(sums[..., 0], whole, out=np.full(whole.shape, np.nan), where=whole != 0)


class SumPairs:
    """The same metrics of two systems side by side: the columns of one matrix for each system."""

    def __init__(self, first: Mapping[str, SumMetric], second: Mapping[str, SumMetric]) -> None:
        self.metrics = dict(first)
        self.columns: dict[str, slice] = {}
        start = 0
        for name, metric in first.items():
            seeds, _, width = metric.terms.shape
            self.columns[name] = slice(start, start + seeds * width)
            start += seeds * width
        self.first = _matrix([first[name] for name in first])
        self.second = _matrix([second[name] for name in first])

    def values(self, name: str, sums: Float64[np.ndarray, "R C"]) -> Float64[np.ndarray, "R"]:
        """The metric for each row of sums, mean over seeds."""
        metric = self.metrics[name]
        seeds, _, width = metric.terms.shape
        return metric.value(sums[:, self.columns[name]].reshape(len(sums), seeds, width)).mean(axis=1)

    def differences(
        self, first: Float64[np.ndarray, "R C"], second: Float64[np.ndarray, "R C"]
    ) -> dict[str, Float64[np.ndarray, "R"]]:
        """How the metrics of the two systems differ, given the sums of each."""
        return {name: self.values(name, first) - self.values(name, second) for name in self.metrics}

    def observed(self) -> dict[str, tuple[float, float]]:
        """The values of both systems."""
        first, second = self.first.sum(axis=0)[None], self.second.sum(axis=0)[None]
        return {
            name: (float(self.values(name, first)[0]), float(self.values(name, second)[0]))
            for name in self.metrics
        }

    def swapped(self, swaps: Float64[np.ndarray, "N R"]) -> dict[str, Float64[np.ndarray, "R"]]:
        """The differences after swapping the outputs of the examples marked 1."""
        if not self.metrics:
            return {}
        moved = swaps.T @ (self.second - self.first)
        return self.differences(self.first.sum(axis=0) + moved, self.second.sum(axis=0) - moved)

    def jackknives(self) -> dict[str, Jackknife]:
        """The jackknife of every metric's difference."""
        jackknives = {}
        for name, (first, second) in self.observed().items():
            columns = self.columns[name]
            counted = (self.first[:, columns] != 0).any(axis=1) | (self.second[:, columns] != 0).any(axis=1)
            without_each = [
                self.values(name, terms.sum(axis=0) - terms[counted]) for terms in (self.first, self.second)
            ]
            jackknives[name] = Jackknife.of(first - second, without_each[0] - without_each[1], counted)
        return jackknives


def _matrix(metrics: list[SumMetric]) -> Float64[np.ndarray, "N C"]:
    if not metrics:
        return np.zeros((0, 0))
    columns = [metric.terms.transpose(1, 0, 2).reshape(metric.shape[1], -1) for metric in metrics]
    return np.concatenate(columns, axis=1)
