"""The records that retrieval is fitted to and copies from, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(kw_only=True, slots=True)
class Records:
    """N records as arrays: rows of users and items, feature words, ratings, and sentences with EOS, then PAD."""

    users: Int64[np.ndarray, " N"]
    items: Int64[np.ndarray, " N"]
    features: Int64[np.ndarray, " N"]
    ratings: Float64[np.ndarray, " N"]
    words: Int64[np.ndarray, "N S"]
