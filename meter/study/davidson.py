"""Strengths of systems from pairs that may tie: Bradley and Terry's model with ties, after Davidson.

Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison experiments", Journal of the
American Statistical Association 65 (1970):

    P(i is preferred to j) = π_i / (π_i + π_j + ν √(π_i π_j)),    P(tie) = ν √(π_i π_j) / (π_i + π_j + ν √(π_i π_j))
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

BOUND = 10.0
"""Log-strengths and log ν are kept within ± 10 (22,026 to 1): who never loses has no largest likelihood otherwise."""


@dataclass(kw_only=True, slots=True)
class Davidson:
    """A fitted model.

    log_strengths: log π of each system; their mean is 0. log_nu: log ν, by which ties are likelier than even
    strengths alone would say.
    """

    log_strengths: Float64[np.ndarray, "K"]
    log_nu: float

    @property
    def strengths(self) -> Float64[np.ndarray, "K"]:
        """π, scaled to a sum of 1 as Davidson does."""
        raw = np.exp(self.log_strengths)
        return raw / raw.sum()

    @property
    def nu(self) -> float:
        """ν; near 0 where nothing ties."""
        return float(np.exp(self.log_nu))


def fit(pairs: Int[np.ndarray, "P 2"], counts: Float[np.ndarray, "P 3"], num_systems: int) -> Davidson:
    """The strengths of the largest likelihood.

    pairs: the two systems of each compared pair. counts: how often the first was preferred, both tied, and the second
    was preferred.
    """
    return fit_each(pairs, counts[None], num_systems)[0]


def fit_each(
    pairs: Int[np.ndarray, "P 2"], counts: Float[np.ndarray, "B P 3"], num_systems: int
) -> list[Davidson]:
    """The same for B sets of counts, fitted at once: their losses share no parameter, so the peak of the sum is
    theirs.

    With the log-strengths as parameters the likelihood is that of a multinomial logit, so it has one peak.
    """
    from scipy.optimize import minimize

    first, second = pairs.T
    totals = counts.sum(axis=2)
    scale = np.maximum(totals.sum(axis=1), 1.0)[:, None]
    wins, ties, losses = (counts[..., outcome] for outcome in range(3))
    credit = np.zeros((len(pairs), num_systems))
    debit = np.zeros((len(pairs), num_systems))
    credit[np.arange(len(pairs)), first] = 1.0
    debit[np.arange(len(pairs)), second] = 1.0

    def loss(flat: Float64[np.ndarray, "N"]) -> tuple[float, Float64[np.ndarray, "N"]]:
        parameters = flat.reshape(len(counts), num_systems)
        log_strengths = _from_first(parameters)
        utilities = _utilities(log_strengths[:, first], log_strengths[:, second], parameters[:, -1:])
        log_sums = np.logaddexp.reduce(utilities, axis=0)
        observed = np.stack([wins, ties, losses])
        residuals = (observed - totals * np.exp(utilities - log_sums)) / scale
        value = ((totals * log_sums - (observed * utilities).sum(axis=0)) / scale).sum()
        gradient = (residuals[0] + residuals[1] / 2) @ credit + (residuals[2] + residuals[1] / 2) @ debit
        gradient = np.concatenate([gradient[:, 1:], residuals[1].sum(axis=1, keepdims=True)], axis=1)
        return float(value), -gradient.ravel()

    size = len(counts) * num_systems
    found = minimize(
        loss,
        np.zeros(size),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BOUND, BOUND)] * size,
        options={"ftol": 0.0, "gtol": 1e-7, "maxiter": 2000, "maxfun": 4000},
    )
    parameters = found.x.reshape(len(counts), num_systems)
    log_strengths = _from_first(parameters)
    log_strengths -= log_strengths.mean(axis=1, keepdims=True)
    return [
        Davidson(log_strengths=of_one, log_nu=float(log_nu))
        for of_one, log_nu in zip(log_strengths, parameters[:, -1], strict=True)
    ]


def _from_first(parameters: Float64[np.ndarray, "B K"]) -> Float64[np.ndarray, "B K"]:
    """Log-strengths relative to the first system's, which is no parameter; the last parameter is log ν."""
    return np.concatenate([np.zeros((len(parameters), 1)), parameters[:, :-1]], axis=1)


def _utilities(
    first: Float64[np.ndarray, "B P"], second: Float64[np.ndarray, "B P"], log_nu: Float64[np.ndarray, "B 1"]
) -> Float64[np.ndarray, "3 B P"]:
    """The logits of the three answers: first preferred, tie, second preferred."""
    return np.stack([first, log_nu + (first + second) / 2, second])
