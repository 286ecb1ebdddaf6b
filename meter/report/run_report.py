"""The report of a run: what its folder and its networks hold, put on a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meter.config import RunConfig
from meter.data import Prepared, overview
from meter.disc import Matcher
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import decode_pictures, generated_words
from meter.report.card import Card
from meter.report.explanation import Mark
from meter.report.page import Dropped, Ratings, Report, Tile, write_report
from meter.report.terminal_tables import lookup
from meter.storage.journal import Journal
from meter.train.vqgan import VisualCodes, reconstruct
from meter.vq import VQGAN


def run_report(
    folder: Path,
    config: RunConfig,
    prepared: Prepared,
    visual: VisualCodes | None,
    generated: Sequence[Generation],
    metrics: dict[str, Any],
    matcher: Matcher | None,
    manifest: dict[str, Any],
) -> Path:
    """Writes ``report.html`` and returns its path."""
    summary = prepared.stage.summary
    count = sum(visual_counts(visual)) if visual else 0
    report = Report(
        title=f"{config.name.replace('_', ' ').upper()} on {config.dataset.name}",
        subtitle=f"{folder.name} · {len(prepared):,} reviews · {len(prepared.users):,} users · "
        f"{len(prepared.items):,} items"
        + (f" · {count // visual.codes.shape[1]:,} photos" if visual else ""),
        tiles=tiles(metrics),
        metrics=metrics,
        joint_journal=Journal(folder / "metrics.jsonl").read(),
        ratings={
            split: Ratings(
                predicted=np.array([one.predicted_rating for one in generated if one.split == split]),
                true=np.array([one.rating for one in generated if one.split == split]),
            )
            for split in dict.fromkeys(one.split for one in generated)
        },
        retrieval=retrieval(metrics),
        gallery=gallery(
            generated, prepared, visual.vq if visual else None, matcher, config, seed=config.data_seed
        ),
        gallery_note="Drawn at random (seeded) from every evaluated split; not chosen by hand.",
        dataset={row.what: row.count for row in overview(summary) if row.group in ("size", "splits")},
        dropped=dropped(summary),
        provenance=manifest,
        config=config,
    )
    if visual is not None:
        report.vq_journal = Journal(visual.stage.folder / "metrics.jsonl").read()
        report.code_counts = np.array(visual_counts(visual))
        report.reconstructions = reconstructions(prepared, visual)
    return write_report(folder / "report.html", report)


def visual_counts(visual: VisualCodes) -> list[int]:
    """How often each code stands in a photo."""
    return np.bincount(np.asarray(visual.codes).ravel(), minlength=visual.vq.config.num_codes).tolist()


def dropped(summary: dict[str, Any]) -> list[Dropped]:
    """Everything that was left out, with the first place of each reason."""
    tallies = [summary["reviews"], summary["photos"] or {"dropped": {}}]
    return [
        Dropped(reason=reason, count=one["count"], first=one["first"])
        for tally in tallies
        for reason, one in tally["dropped"].items()
    ]


def retrieval(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Recalls of generated and of true pairs, by split."""
    found = {}
    for split in metrics:
        for section, label in (("match", "generated"), ("match_of_true_pairs", "true pairs")):
            if (recall := lookup(metrics, split, section)) is not None:
                found[f"{split}, {label}"] = {"R@1": recall["recall_at_1"], "R@5": recall["recall_at_5"]}
    return found


def tiles(metrics: dict[str, Any]) -> list[Tile]:
    """The figures that the page opens with; in the world they have targets."""
    wanted: list[tuple[str, tuple[str, ...], str, float | None, str]] = [
        ("rating RMSE", ("test", "rating", "rmse"), ".3f", None, "test"),
        (
            "RMSE / noise floor",
            ("test", "rating_floor", "ratio"),
            ".2f",
            -1.15,
            "test; 1 is the best possible",
        ),
        (
            "sentence truth",
            ("test", "truth", "sentence_truth"),
            ".1%",
            0.95,
            "test; says the item’s own value",
        ),
        ("sentence truth", ("unseen", "truth", "sentence_truth"), ".1%", None, "unseen: only photos show it"),
        ("picture truth", ("test", "truth", "picture_truth"), ".1%", 0.90, "test; all features of the item"),
        ("agreement", ("test", "truth", "agreement"), ".1%", 0.90, "sentence and picture say the same"),
        ("unique sentences", ("test", "diversity", "usr"), ".1%", None, "USR"),
        ("BLEU-4", ("test", "text", "bleu_4"), ".2f", None, "test"),
        ("match R@5", ("test", "match", "recall_at_5"), ".1%", None, "its picture among 100"),
        ("codebook use", ("vq", "usage"), ".1%", 0.90, "share of codes in use"),
        (
            "photos kept by codes",
            ("vq", "read_image_truth"),
            ".1%",
            0.97,
            "what is still read of held-out photos",
        ),
    ]
    shown = []
    for label, path, style, target, note in wanted:
        value = lookup(metrics, *path)
        if value is None:
            continue
        if target is None:
            shown.append(Tile(label=label, value=format(value, style), note=note))
            continue
        met = value <= -target if target < 0 else value >= target
        sign = "≤" if target < 0 else "≥"
        limit = format(abs(target), style)
        shown.append(
            Tile(label=label, value=format(value, style), target=f"{sign} {limit}", met=met, note=note)
        )
    return shown


def reconstructions(
    prepared: Prepared, visual: VisualCodes, count: int = 8
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Photos that the VQ-GAN was not trained on, each beside what its codes keep of it."""
    assert prepared.photos is not None
    photos = np.asarray(prepared.photos.pixels[visual.held_out[:count]])
    return list(zip(photos, reconstruct(visual.vq, photos), strict=True))


def gallery(
    generated: Sequence[Generation],
    prepared: Prepared,
    vq: VQGAN | None,
    matcher: Matcher | None,
    config: RunConfig,
    seed: int,
) -> list[Card]:
    """Cards of as many records of each split as fit, drawn at random."""
    splits = list(dict.fromkeys(one.split for one in generated))
    generator = np.random.default_rng(seed)
    chosen: list[Generation] = []
    for split in splits:
        members = [one for one in generated if one.split == split]
        drawn = generator.permutation(len(members))[: config.evaluation.gallery // len(splits)]
        chosen += [members[place] for place in drawn]
    pictures = decode_pictures(chosen, vq)
    return [
        Card(
            user=one.user,
            item=one.item,
            feature=one.feature,
            rating=one.predicted_rating,
            true_rating=one.rating,
            text=one.text,
            true_text=one.reference,
            context=one.context,
            image=picture,
            photo=photo(prepared, one),
            match=match(matcher, one, prepared),
            marks=marks(one, picture, prepared),
            split=one.split,
            best_rating=round(config.dataset.max_rating),
        )
        for one, picture in zip(chosen, pictures, strict=True)
    ]


def photo(prepared: Prepared, one: Generation) -> np.ndarray | None:
    """The photo that belongs to the record."""
    if prepared.photos is None or one.photo < 0:
        return None
    return np.asarray(prepared.photos.pixels[one.photo])


def match(matcher: Matcher | None, one: Generation, prepared: Prepared) -> float | None:
    """How well sentence and picture match in the matcher's eyes."""
    if matcher is None or one.codes is None:
        return None
    words = generated_words([one], prepared)
    return float(matcher.match(words, torch.tensor([one.codes]))[0])


def marks(one: Generation, picture: np.ndarray | None, prepared: Prepared) -> list[Mark]:
    """What the world's oracles say of a card; nothing outside the world."""
    if prepared.truth is None or one.feature is None:
        return []
    from meter.world import read_image, read_text

    true = prepared.truth["items"][one.item]["values"]
    said = read_text(one.text).get(one.feature)
    found = [
        Mark(
            label="sentence is true",
            ok=said == true[one.feature],
            detail=f"{one.feature}: {said or 'nothing'}",
        )
    ]
    if picture is not None:
        shown = read_image(picture)
        right = sum(shown.get(feature) == value for feature, value in true.items())
        found.append(
            Mark(label="picture is true", ok=right == len(true), detail=f"{right} of {len(true)} features")
        )
        found.append(Mark(label="they agree", ok=said is not None and said == shown.get(one.feature)))
    return found
