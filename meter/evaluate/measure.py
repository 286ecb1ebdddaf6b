"""Measures what was generated: texts, ratings, match of sentence and picture, and in the world their truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.generations import Generation, predicted_ratings
from meter.evaluate.network_inputs import decode_pictures, encode_pairs, features_of, generated_words
from meter.evaluate.pair_scores import also_true
from meter.evaluate.summary import summarize
from meter.metrics import (
    METRICS_VERSION,
    check_truth,
    coherence,
    draw_candidates,
    embedding_scores,
    frequency_coverage,
    guess_from_ratings,
    is_above_chance,
    is_readable,
    item_feature_metrics,
    item_feature_metrics_maple_compat,
    label_agreement,
    name_item_features,
    rating_floor,
    read_ratings,
    retrieval_metrics,
    retrieve,
    summarize_truth,
)
from meter.metrics.labels import look_up
from meter.train.vqgan import reconstruct
from meter.vq import VQGAN
from meter.world.truth import Truth

NUM_READ = 100_000
"""Training records at most that the reader of ratings learns from."""


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
    training = _TrainingFeatures.of(prepared)
    read = _read(generated, prepared)
    for split in dict.fromkeys(generation.split for generation in generated):
        of_split = [generation for generation in generated if generation.split == split]
        metrics = summarize(of_split, prepared.features, lowest_rating, highest_rating)
        scores: list[dict[str, Any]] = [{"split": split, "row": generation.row} for generation in of_split]
        parts = [
            _item_features(of_split, training, prepared.features),
            _coherence(of_split, [read[generation.split, generation.row] for generation in of_split]),
        ]
        if matcher is not None and photo_codes is not None:
            parts.append(_match(of_split, prepared, photo_codes, matcher, seed))
        if prepared.truth is not None:
            parts.append(_truth(of_split, prepared.truth, vq, look_up(metrics, "rating.rmse")))
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


@dataclass(kw_only=True, slots=True)
class _TrainingFeatures:
    """What training records say of which item. frequency: training records of each feature of the data set."""

    of_item: dict[str, set[str]]
    frequency: dict[str, int]

    @classmethod
    def of(cls, prepared: Prepared) -> "_TrainingFeatures":
        """Counts the records of the training split; words that are outside the vocabulary are known by no name."""
        training, records = prepared.splits["train"], prepared.records
        pairs, counts = np.unique(
            np.stack([records.items[training], records.features[training]]), axis=1, return_counts=True
        )
        of_item: dict[str, set[str]] = {}
        frequency = dict.fromkeys(prepared.features, 0)
        for item, number, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
            for feature in prepared.vocabulary.decode([number]):
                if feature in frequency:
                    of_item.setdefault(prepared.items[item], set()).add(feature)
                    frequency[feature] += count
        return cls(of_item=of_item, frequency=frequency)


def _item_features(
    generated: Sequence[Generation], training: _TrainingFeatures, feature_set: Sequence[str]
) -> _Sections:
    """Whether the features of the item and of the true sentence are named, and the rare ones of the data set."""
    texts, references, items = (
        [getattr(generation, name) for generation in generated] for name in ("text", "reference", "item")
    )
    asked = (references, items, training.of_item, feature_set)
    return _Sections(
        metrics={
            "item_features": asdict(item_feature_metrics(texts, *asked)),
            "item_features_maple_compat": asdict(item_feature_metrics_maple_compat(texts, *asked)),
            "item_features_of_references": asdict(item_feature_metrics(references, *asked)),
            "feature_frequency": asdict(frequency_coverage(texts, training.frequency)),
            "feature_frequency_of_references": asdict(frequency_coverage(references, training.frequency)),
        },
        scores=[{"item_features": asdict(named)} for named in name_item_features(texts, *asked)],
    )


@dataclass(kw_only=True, slots=True)
class _ReadRatings:
    """The ratings that a generated sentence and its true one sound like."""

    text: float
    reference: float


def _read(generated: Sequence[Generation], prepared: Prepared) -> dict[tuple[str, int], _ReadRatings]:
    """Reads every sentence, and its true one, by what training records say of ratings; by split and row."""
    training = prepared.splits["train"]
    if len(training) > NUM_READ:
        training = training[np.linspace(0, len(training) - 1, NUM_READ).astype(np.int64)]
    read = read_ratings(
        [prepared.sentence(int(row)) for row in training],
        np.asarray(prepared.records.ratings[training], dtype=np.float64),
        [*(generation.text for generation in generated), *(generation.reference for generation in generated)],
    ).tolist()
    texts, references = read[: len(generated)], read[len(generated) :]
    return {
        (generation.split, generation.row): _ReadRatings(text=text, reference=reference)
        for generation, text, reference in zip(generated, texts, references, strict=True)
    }


def _coherence(generated: Sequence[Generation], read: Sequence[_ReadRatings]) -> _Sections:
    """Whether the sentences say what the predicted ratings say, and how well the reader reads the true pairs.

    Where true sentences say nothing of their ratings, coherence is not measurable, and no record gets a score. Where no
    rating is predicted, there is nothing to measure.
    """
    ratings = predicted_ratings(generated)
    if ratings is None:
        return _Sections(metrics={}, scores=[{} for _ in read])
    predicted = coherence(ratings, [each.text for each in read])
    true = coherence([generation.rating for generation in generated], [each.reference for each in read])
    measurable = is_readable(true)
    return _Sections(
        metrics={
            "coherence": {**asdict(predicted), "measurable": measurable},
            "coherence_of_true_pairs": asdict(true),
        },
        scores=[{"coherence": {"read_rating": each.text}} if measurable else {} for each in read],
    )


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
    labels = _labels(with_photo, prepared)
    if labels is not None:
        agreement = label_agreement(pair_scores["match_of_true_pairs"], labels, candidates)
        metrics["match_of_true_pairs"] |= asdict(agreement)
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


def _labels(generated: Sequence[Generation], prepared: Prepared) -> list[str] | None:
    """The label of each record's photo; None where a photo has none."""
    assert prepared.photos is not None
    labels = [prepared.photos.entries[generation.photo]["label"] for generation in generated]
    known = [label for label in labels if label]
    return known if len(known) == len(labels) else None


def _truth(generated: Sequence[Generation], truth: Truth, vq: VQGAN | None, rmse: float | None) -> _Sections:
    """What the world's oracles read in the sentences and pictures of one split, compared with the truth.

    rmse: of the predicted ratings; None where there are none.
    """
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
    metrics = {"truth": asdict(summarize_truth(checked))}
    if rmse is not None:
        metrics["rating_floor"] = asdict(rating_floor(rmse, truth.noise_floor[generated[0].split]))
    return _Sections(
        metrics=metrics,
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
