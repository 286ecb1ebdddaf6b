"""Measures what was generated: texts, ratings, match of sentence and picture, and in the world their truth."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.generations import Generation
from meter.evaluate.summary import summarize
from meter.metrics import (
    METRICS_VERSION,
    count_truth,
    draw_candidates,
    embedding_scores,
    judge,
    rating_floor,
    retrieval_metrics,
    retrieve,
)
from meter.model import EOS, PAD
from meter.train.vqgan import reconstruct
from meter.vq import VQGAN, pixels_from_images


@dataclass(kw_only=True, slots=True)
class Measured:
    """metrics: as they stand in ``metrics.json``. scores: of single examples, as they stand in ``scores.jsonl``."""

    metrics: dict[str, Any]
    scores: list[dict[str, Any]]


def measure(
    generated: list[Generation],
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
    metrics: dict[str, Any] = {"metrics_version": METRICS_VERSION}
    scores: list[dict[str, Any]] = []
    for split in dict.fromkeys(generation.split for generation in generated):
        members = [generation for generation in generated if generation.split == split]
        noted: list[dict[str, Any]] = [{"split": split, "row": member.row} for member in members]
        sections = summarize(members, prepared.features, lowest_rating, highest_rating)
        if matcher is not None and photo_codes is not None:
            sections |= match_sections(members, noted, prepared, photo_codes, matcher, seed)
        if prepared.truth is not None:
            sections |= truth_sections(members, noted, prepared.truth, vq, sections["rating"]["rmse"])
        metrics[split] = sections
        scores += noted
    return Measured(metrics=metrics, scores=scores)


def vq_sections(
    prepared: Prepared, vq: VQGAN, summary: dict[str, Any], rows: Int[np.ndarray, " H"]
) -> dict[str, Any]:
    """What the VQ-GAN keeps of photos it was not trained on; in the world, what the oracle still reads of them."""
    if prepared.truth is None or prepared.photos is None:
        return summary
    from meter.world import read_image

    made = reconstruct(vq, np.asarray(prepared.photos.pixels[rows]))
    right: list[bool] = []
    for row, picture in zip(rows, made, strict=True):
        item = prepared.photos.rows[row]["item"]
        shown = read_image(picture)
        right += [shown.get(name) == value for name, value in prepared.truth["items"][item]["values"].items()]
    return {**summary, "read_image_truth": sum(right) / len(right)}


def match_sections(
    generated: list[Generation],
    scores: list[dict[str, Any]],
    prepared: Prepared,
    photo_codes: Int[np.ndarray, "P M"],
    matcher: Discriminator,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Retrieval of a sentence's picture among 100: of generated pairs, noted in ``scores``, and of the true ones."""
    places = [place for place, one in enumerate(generated) if one.photo >= 0 and one.codes]
    with_photo = [generated[place] for place in places]
    if len({generation.item for generation in with_photo}) < 2:
        return {}
    candidates = draw_candidates([generation.item for generation in with_photo], seed)
    rows = [generation.row for generation in with_photo]
    made_words = encode_words(with_photo, prepared)
    true_words = torch.from_numpy(np.array(prepared.records.words[rows], dtype=np.int64))
    made_codes = torch.tensor([generation.codes for generation in with_photo])
    true_codes = torch.from_numpy(photo_codes[[one.photo for one in with_photo]].astype(np.int64))
    pairs = {"match": (made_words, made_codes), "match_of_true_pairs": (true_words, true_codes)}
    compared = {
        name: embedding_scores(*encode_pairs(matcher, words, codes), candidates)
        for name, (words, codes) in pairs.items()
    }
    each = retrieve(compared["match"])
    for row, place in enumerate(places):
        scores[place]["match"] = {
            "recall_at_1": float(each.recall_at_1[row]),
            "recall_at_5": float(each.recall_at_5[row]),
            "reciprocal_rank": float(each.reciprocal_rank[row]),
        }
    return {name: asdict(retrieval_metrics(found)) for name, found in compared.items()}


@torch.no_grad()
def encode_pairs(
    matcher: Discriminator, words: Int[Tensor, "N S"], codes: Int[Tensor, "N M"]
) -> tuple[np.ndarray, np.ndarray]:
    """The matcher's vectors of N sentences and of N pictures."""
    device = matcher.log_scale.device
    texts = [matcher.encode_text(chunk.to(device)) for chunk in words.split(256)]
    images = [matcher.encode_image(chunk.to(device)) for chunk in codes.split(256)]
    return torch.cat(texts).cpu().numpy(), torch.cat(images).cpu().numpy()


def truth_sections(
    generated: list[Generation],
    scores: list[dict[str, Any]],
    truth: dict[str, Any],
    vq: VQGAN | None,
    rmse: float,
) -> dict[str, dict[str, Any]]:
    """What the world's oracles say of the sentences and pictures of one split, noted one by one in ``scores``."""
    from meter.world import read_image, read_text

    pictures = decode_pictures(generated, vq)
    judgements = judge(
        [generation.item for generation in generated],
        [generation.feature for generation in generated],
        [read_text(generation.text) for generation in generated],
        [None if picture is None else read_image(picture) for picture in pictures],
        {item: entry["values"] for item, entry in truth["items"].items()},
    )
    for score, judgement in zip(scores, judgements, strict=True):
        score["truth"] = asdict(judgement)
    floor = truth["ratings"]["noise_floor"][generated[0].split]
    return {"truth": asdict(count_truth(judgements)), "rating_floor": asdict(rating_floor(rmse, floor))}


@torch.no_grad()
def decode_pictures(generated: list[Generation], vq: VQGAN | None) -> list[UInt8[np.ndarray, "S S 3"] | None]:
    """The generated pictures as pixels; None where there is none."""
    if vq is None or not generated or generated[0].codes is None:
        return [None] * len(generated)
    device = next(vq.parameters()).device
    codes = torch.tensor([generation.codes for generation in generated], device=device)
    return [picture for chunk in codes.split(128) for picture in pixels_from_images(vq.decode(chunk).cpu())]


def encode_words(generated: list[Generation], prepared: Prepared) -> Int[Tensor, "B S"]:
    """The generated sentences as the model's numbers: words, EOS, PAD."""
    length = prepared.records.words.shape[1]
    words = torch.full((len(generated), length), PAD)
    for row, generation in enumerate(generated):
        numbers = [*prepared.vocabulary.encode(generation.text.split())[: length - 1], EOS]
        words[row, : len(numbers)] = torch.tensor(numbers)
    return words
