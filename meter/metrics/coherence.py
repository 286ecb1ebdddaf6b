"""Whether the sentence says what the rating says: rating–text coherence, by a reader learned from true pairs.

"The room was filthy" beside 4.6 stars is worth little, however near each of them is to the truth (Raczyński, Lango and
Stefanowski, CER, ECAI 2023). There people, and a classifier learned from their answers, say which pairs are coherent.
Here the reader is learned from the training records themselves, so that it fits every data set and needs no weights
from elsewhere: a ridge regression of the rating on the words, and pairs of adjacent words, of its sentence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from meter.errors import InputError
from meter.metrics.overlap import number_ngrams
from meter.metrics.rating import Ratings
from meter.metrics.version import signature

MAX_ORDER = 2
"""Words and pairs of adjacent ones: "not clean" is read as a whole."""
LEAST_SENTENCES = 5
"""Training sentences that a word or pair must stand in to be read."""
RIDGE = 10.0
"""As many sentences of the mean rating are added to each word's, so that a rare word moves the reading little."""


@dataclass(kw_only=True, slots=True)
class Coherence:
    """How well ratings agree with the ratings that are read in their sentences."""

    correlation: float
    """Pearson's r; 0 where all ratings or all readings are the same: then neither says anything of the other."""
    difference: float
    """Mean absolute difference, in units of the rating scale."""
    count: int
    """Pairs."""
    signature: str


def read_ratings(
    training_sentences: Sequence[str], training_ratings: Ratings, sentences: Sequence[str]
) -> Float64[np.ndarray, "S"]:
    """The rating that each sentence sounds like, to a reader who knows the training records alone.

    A sentence is the set of its words and pairs of adjacent words that stand in at least ``LEAST_SENTENCES`` training
    sentences. Their weights are the ridge regression of the ratings: they minimise Σ (r − r̄ − Σ w)² + ``RIDGE`` Σ w². A
    sentence of words that training does not know is read as the mean rating.

    Args:
        training_sentences: true sentences, tokenized.
        training_ratings: their ratings.
        sentences: S sentences to read, tokenized.

    Raises:
        InputError: no training sentence, or unequal numbers of training sentences and ratings.
    """
    from scipy.sparse.linalg import lsqr

    ratings = np.asarray(training_ratings, dtype=np.float64)
    if len(ratings) == 0 or len(ratings) != len(training_sentences):
        raise InputError(
            f"expected as many ratings as training sentences, found {len(ratings)} and {len(training_sentences)}"
        )
    phrases = _phrases([*training_sentences, *sentences], len(training_sentences))
    mean = float(ratings.mean())
    if phrases.shape[1] == 0:
        return np.full(len(sentences), mean)
    weights = lsqr(
        phrases[: len(ratings)], ratings - mean, damp=np.sqrt(RIDGE), atol=1e-8, btol=1e-8, iter_lim=1000
    )[0]
    return mean + phrases[len(ratings) :] @ weights


def coherence(ratings: Ratings, read: Ratings) -> Coherence:
    """How well ratings, predicted or true, agree with what ``read_ratings`` reads in their sentences.

    Raises:
        InputError: no rating, or unequal numbers.
    """
    given, heard = np.asarray(ratings, dtype=np.float64), np.asarray(read, dtype=np.float64)
    if len(given) == 0 or len(given) != len(heard):
        raise InputError(f"expected as many readings as ratings, found {len(heard)} and {len(given)}")
    return Coherence(
        correlation=float(correlation_of_sums(correlation_terms(given, heard).sum(axis=0))),
        difference=float(np.abs(given - heard).mean()),
        count=len(given),
        signature=signature("coherence", reader="ridge", ridge=f"{RIDGE:g}", phrases=f"1-{MAX_ORDER}"),
    )


def is_readable(of_true_pairs: Coherence) -> bool:
    """Whether sentences of this data say anything of ratings: r of true pairs is two standard errors above 0."""
    return of_true_pairs.correlation > 2 / math.sqrt(of_true_pairs.count)


def correlation_terms(
    ratings: Float64[np.ndarray, "N"], read: Float64[np.ndarray, "N"]
) -> Float64[np.ndarray, "N 6"]:
    """What each pair adds to Pearson's r: 1, x, y, x², y², xy."""
    return np.stack([np.ones_like(ratings), ratings, read, ratings**2, read**2, ratings * read], axis=1)


def correlation_of_sums(sums: Float64[np.ndarray, "*R 6"]) -> Float64[np.ndarray, "*R"]:
    """Pearson's r of summed ``correlation_terms``, of one sample or of many resamples; 0 where nothing varies."""
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread_x, spread_y = count * xx - x**2, count * yy - y**2
    # Rounding leaves of a constant no more than this part of the sums it is the difference of.
    varies = (spread_x > 1e-12 * count * xx) & (spread_y > 1e-12 * count * yy)
    scale = np.sqrt(np.where(varies, spread_x * spread_y, 1.0))
    return np.where(varies, np.clip((count * xy - x * y) / scale, -1.0, 1.0), 0.0)


def _phrases(sentences: Sequence[str], num_training: int) -> Any:
    """Which sentence has which word or pair that training knows: a sparse matrix, a row for each sentence."""
    from scipy.sparse import coo_array, csr_array, hstack

    columns = []
    for grams, owners in number_ngrams([sentence.split() for sentence in sentences], MAX_ORDER):
        shape = (len(sentences), int(grams.max()) + 1)
        has = csr_array(coo_array((np.ones(len(grams)), (owners, grams)), shape=shape))
        has.data[:] = 1.0  # twice in a sentence is once
        known = has[:num_training].sum(axis=0) >= LEAST_SENTENCES
        columns.append(has[:, np.flatnonzero(known)])
    return hstack(columns, format="csr") if columns else csr_array((len(sentences), 0))
