"""Whether a sentence finds its own picture among others: R@1, R@5, median rank, mean reciprocal rank, AUC.

N sentences, each with C candidate pictures, the true one first.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from meter.errors import InputError
from meter.metrics.version import signature


@dataclass(kw_only=True, slots=True)
class RetrievalMetrics:
    """Means over sentences; ties are broken at random in expectation, so a constant score gets the chance value."""

    recall_at_1: float
    """Share of sentences whose own picture scores highest."""
    recall_at_5: float
    """Share of sentences whose own picture is among the five highest."""
    median_rank: float
    """Median rank of the own picture, 1 is best; tied pictures share the middle of their ranks."""
    mean_reciprocal_rank: float
    """Mean of 1 / rank."""
    auc: float
    """Probability that the own picture scores above another one; chance is 0.5."""
    auc_error: float
    """Standard error of auc over sentences."""
    chance_at_1: float
    """recall_at_1 of a score that knows nothing: 1 / candidates."""
    tied: int
    """Sentences for which another candidate scores exactly as the own picture does."""
    num_candidates: int
    """Pictures that a sentence chooses from, its own among them."""
    count: int
    """Sentences scored."""
    signature: str


@dataclass(kw_only=True, slots=True)
class SentenceRetrieval:
    """The same sentence by sentence: exact expectations over the order of ties."""

    recall_at_1: Float64[np.ndarray, "N"]
    recall_at_5: Float64[np.ndarray, "N"]
    reciprocal_rank: Float64[np.ndarray, "N"]
    rank: Float64[np.ndarray, "N"]
    """The middle of the tied ranks."""
    ties: Int64[np.ndarray, "N"]
    """Other candidates that score exactly as the own picture does."""


def draw_candidates(
    groups: Sequence[Hashable], seed: int, num_candidates: int = 100
) -> Int64[np.ndarray, "N C"]:
    """Indices of the candidate pictures of each pair: its own first, then others drawn without replacement.

    Pairs of the same group (the same item) are never drawn as each other's false candidates: their pictures may
    rightly be the same. Equal pictures of different groups are drawn; they tie with the own picture, so a model
    that makes one picture for all gets the chance value. Where a large group leaves fewer than
    ``num_candidates`` − 1 other pairs, all sentences get as many candidates as that group can.

    Args:
        groups: what each pair's picture belongs to, usually the item.
        seed: the same seed and groups draw the same candidates.
        num_candidates: C, the own picture included.

    Raises:
        InputError: fewer than two groups, or fewer than two candidates asked for.
    """
    numbers: dict[Hashable, int] = {}
    group_of = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    if len(numbers) < 2 or num_candidates < 2:
        raise InputError(
            f"matching needs at least two groups and two candidates, found {len(numbers)} and {num_candidates}"
        )
    by_group = np.argsort(group_of, kind="stable")
    sizes = np.bincount(group_of)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    drawn = min(num_candidates - 1, len(group_of) - int(sizes.max()))
    generator = np.random.default_rng(seed)
    candidates = np.empty((len(group_of), drawn + 1), dtype=np.int64)
    for index, group in enumerate(group_of):
        # Positions among the pairs of all other groups, then among all pairs.
        positions = generator.choice(len(group_of) - sizes[group], size=drawn, replace=False)
        positions += np.where(positions >= first[group], sizes[group], 0)
        candidates[index, 0] = index
        candidates[index, 1:] = by_group[positions]
    return candidates


def embedding_scores(
    texts: Float[np.ndarray, "N D"],
    pictures: Float[np.ndarray, "N D"],
    candidates: Int64[np.ndarray, "N C"],
) -> Float[np.ndarray, "N C"]:
    """Inner products of each sentence's vector with its candidates' picture vectors."""
    chunk = 256
    parts = [
        np.einsum("nd,ncd->nc", texts[start : start + chunk], pictures[candidates[start : start + chunk]])
        for start in range(0, len(texts), chunk)
    ]
    return np.concatenate(parts)


def retrieval_metrics(scores: Float[np.ndarray, "N C"], true_column: int = 0) -> RetrievalMetrics:
    """Ranks the own picture among the candidates and averages over sentences; see ``retrieve``."""
    ranked = retrieve(scores, true_column)
    num_candidates = scores.shape[1]
    above = (num_candidates - ranked.rank) / (num_candidates - 1)
    return RetrievalMetrics(
        recall_at_1=float(ranked.recall_at_1.mean()),
        recall_at_5=float(ranked.recall_at_5.mean()),
        median_rank=float(np.median(ranked.rank)),
        mean_reciprocal_rank=float(ranked.reciprocal_rank.mean()),
        auc=float(above.mean()),
        auc_error=float(above.std() / len(above) ** 0.5),
        chance_at_1=1 / num_candidates,
        tied=int((ranked.ties > 0).sum()),
        num_candidates=num_candidates,
        count=len(scores),
        signature=signature("match", candidates=num_candidates, ties="expected"),
    )


@dataclass(kw_only=True, slots=True)
class LabelAgreement:
    """Whether sentences prefer pictures of the right kind: a bathroom beside "shower"."""

    same_label: float
    """Share of sentences whose highest picture of *another* item has the label of their own one; ties share."""
    same_label_by_chance: float
    """The same of a score that knows nothing: the mean share of such pictures among the others."""


def label_agreement(
    scores: Float[np.ndarray, "N C"], labels: Sequence[str], candidates: Int64[np.ndarray, "N C"]
) -> LabelAgreement:
    """Compares the label of each sentence's own picture with that of the other picture it scores highest.

    Args:
        scores: of the candidates; the own picture first.
        labels: of the N pictures.
        candidates: indices of the pictures, as ``draw_candidates`` gives them.
    """
    numbers = np.unique(np.asarray(labels), return_inverse=True)[1]
    others = scores[:, 1:]
    same = numbers[candidates[:, 1:]] == numbers[:, None]
    best = others == others.max(axis=1, keepdims=True)
    return LabelAgreement(
        same_label=float(((same & best).sum(axis=1) / best.sum(axis=1)).mean()),
        same_label_by_chance=float(same.mean()),
    )


def is_above_chance(auc: float, auc_error: float) -> bool:
    """Whether an AUC lies more than two standard errors above 0.5; what a scorer at chance says means nothing."""
    return auc - 2 * auc_error > 0.5


def retrieve(scores: Float[np.ndarray, "N C"], true_column: int = 0) -> SentenceRetrieval:
    """Ranks the own picture of each sentence among the candidates by score, higher is better.

    With g candidates that score higher and t others that score the same, the rank is one of g + 1 … g + t + 1 with
    equal probability: every value is the exact mean over that draw.

    Raises:
        InputError: no sentence, or a score that is not a finite number.
    """
    if scores.size == 0 or not np.isfinite(scores).all():
        raise InputError(
            f"retrieval needs finite scores of at least one sentence, found shape {scores.shape}"
        )
    own = scores[:, true_column, None]
    higher = (scores > own).sum(axis=1)
    ties = (scores == own).sum(axis=1) - 1
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, scores.shape[1] + 1))])
    return SentenceRetrieval(
        recall_at_1=np.clip((1 - higher) / (ties + 1), 0, 1),
        recall_at_5=np.clip((5 - higher) / (ties + 1), 0, 1),
        reciprocal_rank=(harmonic[higher + ties + 1] - harmonic[higher]) / (ties + 1),
        rank=1 + higher + ties / 2,
        ties=ties,
    )
