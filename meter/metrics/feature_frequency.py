"""Whether rare features are named too: FCR by quarter of the features' frequency in training records.

A few frequent words carry most of FMR and of DIV. Coverage among the rarest quarter of the features tells a model that
learned the long tail from one that repeats what is said most.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from meter.metrics.diversity import UNKNOWN, find_features
from meter.metrics.version import signature


@dataclass(kw_only=True, slots=True)
class FrequencyCoverage:
    """Ratios in 0 … 1; None where the data set has no feature in a quarter."""

    fcr_rarest: float | None
    """Feature coverage ratio among the rarest quarter of the features."""
    fcr_rare: float | None
    """Of the second quarter."""
    fcr_frequent: float | None
    """Of the third quarter."""
    fcr_most_frequent: float | None
    """Of the most frequent quarter."""
    num_features: int
    """Features of all quarters."""
    signature: str


def frequency_coverage(sentences: Iterable[str], frequency: Mapping[str, int]) -> FrequencyCoverage:
    """Features found in any sentence over the features of each quarter.

    The features are sorted by frequency, equally frequent ones by the alphabet, and cut into four parts whose sizes
    differ by one at most. A feature is found where its words are adjacent.

    Args:
        sentences: generated (or true) sentences, tokenized.
        frequency: training records of each feature of the data set; ``<unk>`` is not one.
    """
    features = sorted(set(frequency) - {UNKNOWN, ""}, key=lambda feature: (frequency[feature], feature))
    found: set[str] = set().union(*find_features(sentences, features))
    shares = [
        _share(found, quarter.tolist()) for quarter in np.array_split(np.array(features, dtype=object), 4)
    ]
    return FrequencyCoverage(
        fcr_rarest=shares[0],
        fcr_rare=shares[1],
        fcr_frequent=shares[2],
        fcr_most_frequent=shares[3],
        num_features=len(features),
        signature=signature("frequency_coverage", features="words", quarters="equal_numbers"),
    )


def _share(found: set[str], features: Sequence[str]) -> float | None:
    return len(found.intersection(features)) / len(features) if features else None
