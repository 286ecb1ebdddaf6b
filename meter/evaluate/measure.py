"""Measures what was generated: texts, ratings, match of sentence and picture, and in the world their truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import decode_pictures, encode_pairs, features_of, generated_words
from meter.evaluate.pair_scores import also_true
from meter.evaluate.summary import summarize
from meter.metrics import (
    METRICS_VERSION,
    check_truth,
    draw_candidates,
    embedding_scores,
    guess_from_ratings,
    is_above_chance,
    rating_floor,
    retrieval_metrics,
    retrieve,
    summarize_truth,
)
from meter.train.vqgan import reconstruct
from meter.vq import VQGAN
from meter.world.truth import Truth


@dataclass(kw_only=True, slots=True)
class Measured:
    """What the evaluation writes.

    metrics: as they stand in ``metrics.json``. scores: of single records, as they stand in ``scores.jsonl``.
    """

    metrics: dict[str, Any]
    scores: list[dict[str, Any]]


@dataclass(kw_only=True, slots=True)
class _Sections:
    """Metrics of one split by section, and the scores that each record adds to its line, in the same order."""

    metrics: dict[str, dict[str, Any]]
    scores: list[dict[str, Any]]


def measure(
    generated: Sequence[Generation],
    prepared: Prepared,
    photo_codes: Int[np.ndarray, "P M"] | None,
    vq: VQGAN | None,
    matcher: Discriminator | None,
    *,
    lowest_rating: float,
    highest_rating: float,
    seed: int,
) -> Measured:
    """All metrics of all evaluated splits."""
    measured = Measured(metrics={"metrics_version": METRICS_VERSION}, scores=[])
    for split in dict.fromkeys(generation.split for generation in generated):
        of_split = [generation for generation in generated if generation.split == split]
        metrics = summarize(of_split, prepared.features, lowest_rating, highest_rating)
        scores: list[dict[str, Any]] = [{"split": split, "row": generation.row} for generation in of_split]
        parts = []
        if matcher is not None and photo_codes is not None:
            parts.append(_match(of_split, prepared, photo_codes, matcher, seed))
        if prepared.truth is not None:
            parts.append(_truth(of_split, prepared.truth, vq, metrics["rating"]["rmse"]))
        for part in parts:
            metrics |= part.metrics
            scores = [score | more for score, more in zip(scores, part.scores, strict=True)]
        if prepared.truth is not None:
            metrics["truth"]["guess_from_ratings"] = _guess_level(of_split, prepared)
        measured.metrics[split] = metrics
        measured.scores += scores
    return measured


def vq_sections(
    prepared: Prepared, vq: VQGAN, summary: dict[str, Any], rows: Int[np.ndarray, " H"]
) -> dict[str, Any]:
    """What the VQ-GAN keeps of photos it was not trained on; in the world, what the oracle still reads of them.

    summary: of the VQ-GAN's stage. rows: of the photos.
    """
    if prepared.truth is None or prepared.photos is None:
        return summary
    from meter.world import read_image

    shows = prepared.truth.shows
    correct: list[bool] = []
    for row, picture in zip(rows, reconstruct(vq, np.asarray(prepared.photos.pixels[rows])), strict=True):
        read = read_image(picture)
        photo = shows[prepared.photos.entries[row]["file"]]
        correct += [read.get(feature) == value for feature, value in photo.items()]
    return {**summary, "read_image_truth": sum(correct) / len(correct)}


def _match(
    generated: Sequence[Generation],
    prepared: Prepared,
    photo_codes: Int[np.ndarray, "P M"],
    matcher: Discriminator,
    seed: int,
) -> _Sections:
    """Retrieval of a sentence's picture among 100: of the generated pairs, and of the true ones.

    Where the matcher does not surely tell true pairs from others, nothing is measured, and no record gets a score.
    """
    scores: list[dict[str, Any]] = [{} for _ in generated]
    indices = [
        index for index, generation in enumerate(generated) if generation.photo >= 0 and generation.codes
    ]
    with_photo = [generated[index] for index in indices]
    if len({generation.item for generation in with_photo}) < 2:
        return _Sections(metrics={}, scores=scores)
    candidates = draw_candidates([generation.item for generation in with_photo], seed)
    rows = [generation.row for generation in with_photo]
    true_words = torch.from_numpy(np.array(prepared.records.words[rows], dtype=np.int64))
    true_codes = torch.from_numpy(
        photo_codes[[generation.photo for generation in with_photo]].astype(np.int64)
    )
    codes = torch.tensor([generation.codes for generation in with_photo])
    features = features_of(with_photo, prepared)
    generated_pairs = encode_pairs(matcher, generated_words(with_photo, prepared), codes, features)
    true_pairs = encode_pairs(matcher, true_words, true_codes, features)
    pair_scores = {
        name: embedding_scores(pairs.texts, pairs.images, candidates)
        for name, pairs in (("match", generated_pairs), ("match_of_true_pairs", true_pairs))
    }
    by_pairs = {name: retrieval_metrics(of_pairs) for name, of_pairs in pair_scores.items()}
    of_true_pairs = by_pairs["match_of_true_pairs"]
    measurable = is_above_chance(of_true_pairs.auc, of_true_pairs.auc_error)
    metrics = {name: asdict(values) for name, values in by_pairs.items()}
    metrics["match"]["measurable"] = measurable
    suits = also_true(with_photo, candidates[:, 1:], prepared)
    if suits is not None:
        # A perfect matcher cannot tell the own picture from others that the sentence is true of.
        metrics["match_of_true_pairs"]["ceiling"] = 1 - float(suits.mean()) / 2
    if not measurable:
        return _Sections(metrics=metrics, scores=scores)
    ranked = retrieve(pair_scores["match"])
    for row, index in enumerate(indices):
        scores[index]["match"] = {
            "recall_at_1": float(ranked.recall_at_1[row]),
            "recall_at_5": float(ranked.recall_at_5[row]),
            "reciprocal_rank": float(ranked.reciprocal_rank[row]),
        }
    return _Sections(metrics=metrics, scores=scores)


def _truth(generated: Sequence[Generation], truth: Truth, vq: VQGAN | None, rmse: float) -> _Sections:
    """What the world's oracles read in the sentences and pictures of one split, compared with the truth."""
    from meter.world import read_image, read_text

    pictures = decode_pictures(generated, vq)
    checked = check_truth(
        [generation.item for generation in generated],
        [generation.feature for generation in generated],
        [read_text(generation.text) for generation in generated],
        [None if picture is None else read_image(picture) for picture in pictures],
        truth.values,
        truth.num_values,
        truth.visit_features,
    )
    floor = truth.noise_floor[generated[0].split]
    return _Sections(
        metrics={
            "truth": asdict(summarize_truth(checked)),
            "rating_floor": asdict(rating_floor(rmse, floor)),
        },
        scores=[{"truth": asdict(explanation)} for explanation in checked],
    )


def _guess_level(generated: Sequence[Generation], prepared: Prepared) -> float | None:
    """The share of true sentences in one split for someone who knows training ratings and other items' values."""
    truth = prepared.truth
    assert truth is not None
    train, records = prepared.splits["train"], prepared.records
    items, ratings = records.items[train], records.ratings[train]
    counts = np.bincount(items, minlength=len(prepared.items))
    sums = np.bincount(items, weights=ratings, minlength=len(prepared.items))
    pairs = np.unique(np.stack([items, records.features[train]]), axis=1).T.tolist()
    return guess_from_ratings(
        [generation.item for generation in generated],
        [generation.feature for generation in generated],
        possible=truth.values,
        named=[
            (prepared.items[item], feature)
            for item, number in pairs
            for feature in prepared.vocabulary.decode([number])
        ],
        mean_ratings={prepared.items[item]: sums[item] / counts[item] for item in counts.nonzero()[0]},
        values={
            feature: values for of_kind in truth.features.values() for feature, values in of_kind.items()
        },
    )
