"""Ratings by damped biases: a mean, and what each user, each item and, where wanted, each feature word adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float64

from meter.baselines.records import Records


@dataclass(kw_only=True, slots=True)
class Biases:
    """r̂ = mean + Σ bias of each column; what has no record has a bias of 0.

    tables: the biases of each column of the records that has some: users, items, features.
    """

    mean: float
    tables: dict[str, Float64[np.ndarray, " G"]]

    def predict(self, records: Records, *, without: str = "") -> Float64[np.ndarray, " N"]:
        """The ratings of N records; ``without`` the biases of one column."""
        ratings = np.full(len(records.ratings), self.mean)
        for column, biases in self.tables.items():
            if column != without:
                ratings += biases[getattr(records, column)]
        return ratings


def fit_biases(
    sizes: Mapping[str, int], dampings: Sequence[float], rounds: int, train: Records, validation: Records
) -> Biases:
    """The biases of those dampings, one for each column, that have the least squared error in validation.

    sizes: the number of users, items and feature words, of those columns that are to have biases.
    """
    candidates = [
        damped_biases(sizes, dict(zip(sizes, chosen, strict=True)), rounds, train)
        for chosen in product(dampings, repeat=len(sizes))
    ]
    errors = [
        float(np.square(biases.predict(validation) - validation.ratings).mean()) for biases in candidates
    ]
    return candidates[int(np.argmin(errors))]


def damped_biases(
    sizes: Mapping[str, int], dampings: Mapping[str, float], rounds: int, train: Records
) -> Biases:
    """Minimises Σ (r − r̂)² + Σ damping · bias², in turn for each column; the mean is that of the training ratings."""
    biases = Biases(
        mean=float(train.ratings.mean()), tables={column: np.zeros(size) for column, size in sizes.items()}
    )
    for _ in range(rounds):
        for column, size in sizes.items():
            left = train.ratings - biases.predict(train, without=column)
            owners = getattr(train, column)
            sums = np.bincount(owners, weights=left, minlength=size)
            counts = np.bincount(owners, minlength=size) + dampings[column]
            biases.tables[column] = np.divide(sums, counts, out=np.zeros(size), where=counts > 0)
    return biases
