"""How well the discriminator and the matcher tell true pairs of sentence and picture from other pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import encode_pairs, features_of, generated_words
from meter.evaluate.other_records import draw_other_records
from meter.metrics import Reliability, area_under_curve, reliability
from meter.train.batches import Examples

DISCRIMINATOR, MATCHER = "discriminator", "matcher"
"""The scorers. σ(score) of the discriminator is a probability; a matcher's scores can only be compared."""


@dataclass(kw_only=True, slots=True)
class ScoredPairs:
    """What one scorer gives to one kind of pairs.

    mean: of D = σ(score). None for a scorer whose scores are no probabilities.
    auc: probability that a true pair scores above one of these; None for the true pairs themselves.
    """

    mean: float | None
    auc: float | None


@dataclass(kw_only=True, slots=True)
class ScorerDiagnosis:
    """What one scorer gives to all kinds of pairs; reliability is that of true against swapped pairs."""

    pairs: dict[str, ScoredPairs]
    reliability: Reliability | None


@dataclass(kw_only=True, slots=True)
class PairScores:
    """The scorers side by side.

    count: held-out records with a photo, and pairs of each kind.
    swapped_also_true: in the world, share of swapped pairs that are true as well, since the other photo shows the value
        that the sentence says. None elsewhere.
    """

    count: int
    swapped_also_true: float | None
    scorers: dict[str, ScorerDiagnosis]


def measure_pair_scores(
    generated: Sequence[Generation],
    prepared: Prepared,
    examples: Examples,
    scorers: Mapping[str, Discriminator],
    seed: int,
) -> PairScores:
    """Scores true, swapped and generated pairs.

    generated: of records with a photo, of two items at least. scorers: by name, ``DISCRIMINATOR`` or ``MATCHER``.
    """
    true = examples.batch(torch.tensor([generation.row for generation in generated]).to(examples.device))
    assert true.codes is not None
    words, features = generated_words(generated, prepared), features_of(generated, prepared)
    codes = torch.tensor([generation.codes for generation in generated])
    items = [generation.item for generation in generated]
    others = draw_other_records([0] * len(items), items, np.random.default_rng(seed))
    return PairScores(
        count=len(generated),
        swapped_also_true=swapped_also_true(generated, others, prepared),
        scorers={
            name: diagnose_scorer(
                score_pairs(network, features, true.words, true.codes, words, codes, others),
                is_probability=name == DISCRIMINATOR,
            )
            for name, network in scorers.items()
        },
    )


def score_pairs(
    network: Discriminator,
    features: Int[Tensor, " N"],
    words: Int[Tensor, "N S"],
    codes: Int[Tensor, "N M"],
    generated_words: Int[Tensor, "N S"],
    generated_codes: Int[Tensor, "N M"],
    others: Int64[np.ndarray, "N"],
) -> dict[str, Float[np.ndarray, "N"]]:
    """The logits of each kind of pairs, every sentence and picture encoded once.

    features: those that the sentences were asked for.  words, codes: the true ones.
    others: whose true picture stands in the swapped pairs.
    """
    true = encode_pairs(network, words, codes, features)
    generated = encode_pairs(network, generated_words, generated_codes, features)
    pairs = {
        "true": (true.texts, true.images),
        "swapped": (true.texts, true.images[others]),
        "generated_picture": (true.texts, generated.images),
        "generated_text": (generated.texts, true.images),
        "generated_pair": (generated.texts, generated.images),
    }
    scale, offset = network.log_scale.exp().item(), network.offset.item()
    return {
        kind: (texts.astype(np.float64) * images).sum(axis=1) * scale + offset
        for kind, (texts, images) in pairs.items()
    }


def diagnose_scorer(scores: Mapping[str, Float[np.ndarray, "_"]], *, is_probability: bool) -> ScorerDiagnosis:
    """What logits say of each kind of pairs beside the ``true`` ones; is_probability: whether σ of a logit is one."""
    probabilities = {kind: 1 / (1 + np.exp(-logits)) for kind, logits in scores.items()}
    return ScorerDiagnosis(
        pairs={
            kind: ScoredPairs(
                mean=float(probabilities[kind].mean()) if is_probability else None,
                auc=None if kind == "true" else area_under_curve(scores["true"], logits),
            )
            for kind, logits in scores.items()
        },
        reliability=reliability(probabilities["true"], probabilities["swapped"]) if is_probability else None,
    )


def also_true(
    generated: Sequence[Generation], others: Int64[np.ndarray, "N C"], prepared: Prepared
) -> Bool[np.ndarray, "N C"] | None:
    """Whether each true sentence is true of the photos of C other records as well; None outside the world."""
    if prepared.truth is None:
        return None
    assert prepared.photos is not None
    truth = prepared.truth
    shown = [truth.shows[str(prepared.photos.entries[generation.photo]["file"])] for generation in generated]
    said = [truth.said[prepared.records.lines[generation.row]] for generation in generated]
    return np.array(
        [
            [
                generation.feature is not None and shown[other].get(generation.feature or "") == value
                for other in row
            ]
            for generation, value, row in zip(generated, said, others, strict=True)
        ]
    )


def swapped_also_true(
    generated: Sequence[Generation], others: Int64[np.ndarray, "N"], prepared: Prepared
) -> float | None:
    """The share of sentences that are true of the other record's photo as well; None outside the world."""
    true = also_true(generated, others[:, None], prepared)
    return None if true is None else float(true.mean())
