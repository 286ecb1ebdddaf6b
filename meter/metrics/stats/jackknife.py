"""The jackknife: what a difference of two systems is without each of its examples, and how much it varies by that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(kw_only=True, slots=True)
class Jackknife:
    """Pseudo-values of a difference (Tukey 1958); for a mean they are the differences of the single examples.

    counted: which of the N examples the metric counts. values: one for each of these M. deviation: their standard
    deviation, 0 where they differ by no more than rounding. standard_error: of the difference, conservative (Efron and
    Stein 1981).
    """

    counted: Bool[np.ndarray, "N"]
    values: Float64[np.ndarray, "M"]
    deviation: float
    standard_error: float

    @classmethod
    def of(
        cls, difference: float, without_each: Float64[np.ndarray, "M"], counted: Bool[np.ndarray, "N"]
    ) -> "Jackknife":
        """difference: with all examples. without_each: what it is when each counted example is left out."""
        count = len(without_each)
        values = count * difference - (count - 1) * without_each
        values = values[np.isfinite(values)]
        deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        rounding = 1e-9 * max(float(np.abs(values).max(initial=0)), 1e-300)
        deviation = deviation if deviation > rounding else 0.0
        error = deviation / max(len(values), 1) ** 0.5
        return cls(counted=counted, values=values, deviation=deviation, standard_error=error)

    @classmethod
    def over_strata(cls, of_strata: "Sequence[Jackknife]", weights: Sequence[float]) -> "Jackknife":
        """Of the weighted sum of the strata's differences; deviation: the root of the weighted mean of variances."""
        pairs = list(zip(weights, of_strata, strict=True))
        return cls(
            counted=np.concatenate([one.counted for one in of_strata]),
            values=np.concatenate([one.values for one in of_strata]),
            deviation=math.hypot(*(math.sqrt(weight) * one.deviation for weight, one in pairs)),
            standard_error=math.hypot(*(weight * one.standard_error for weight, one in pairs)),
        )

    def effect(self, difference: float) -> float | None:
        """Cohen's d_z of a difference; None for one that is not 0 where nothing varies."""
        if self.deviation > 0:
            return difference / self.deviation
        return 0.0 if difference == 0 else None
