"""The report of a run: what its folder and its networks hold, put on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meter.config import RunConfig
from meter.data import Prepared, overview
from meter.disc import Matcher
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import decode_pictures, generated_words
from meter.metrics.labels import Better, label_of, look_up
from meter.report.card import Card
from meter.report.explanation import Mark
from meter.report.page import KeyFigure, LeftOut, Ratings, Report, write_report
from meter.run_folder import RunFolder
from meter.storage.journal import Journal
from meter.train.vqgan import VisualCodes, reconstruct
from meter.vq import VQGAN


def run_report(
    folder: RunFolder,
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
        subtitle=f"{folder.path.name} · {len(prepared):,} reviews · {len(prepared.users):,} users · "
        f"{len(prepared.items):,} items"
        + (f" · {count // visual.codes.shape[1]:,} photos" if visual else ""),
        key_figures=key_figures(metrics),
        metrics=metrics,
        joint_journal=folder.journal.read(),
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
        left_out=left_out(summary),
        provenance=manifest,
        config=config,
    )
    if visual is not None:
        report.vq_journal = Journal(visual.stage.folder / "metrics.jsonl").read()
        report.code_counts = np.array(visual_counts(visual))
        report.reconstructions = reconstructions(prepared, visual)
    return write_report(folder.report_file, report)


def visual_counts(visual: VisualCodes) -> list[int]:
    """How often each code stands in a photo."""
    return np.bincount(np.asarray(visual.codes).ravel(), minlength=visual.vq.config.num_codes).tolist()


def left_out(summary: dict[str, Any]) -> list[LeftOut]:
    """Everything that was left out, with the first place of each reason."""
    counted = [summary["reviews"], summary["photos"] or {"dropped": {}}]
    return [
        LeftOut(reason=reason, count=entry["count"], first=entry["first"])
        for records in counted
        for reason, entry in records["dropped"].items()
    ]


def retrieval(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Recalls of generated and of true pairs, by split."""
    recalls = {}
    for split in metrics:
        for section, pairs in (("match", "generated"), ("match_of_true_pairs", "true pairs")):
            if (found := look_up(metrics, f"{split}.{section}")) is not None:
                keys = ("recall_at_1", "recall_at_5")
                recalls[f"{split}, {pairs}"] = {label_of(f"match.{key}").name: found[key] for key in keys}
    return recalls


@dataclass(frozen=True, slots=True)
class Headline:
    """A metric that the page opens with, by its key in metrics.json. target: in the world, the value to reach."""

    key: str
    target: float | None = None
    note: str = ""


HEADLINES = (
    Headline("test.rating.rmse", note="error of the predicted rating"),
    Headline("test.rating_floor.ratio", target=1.15, note="1 is the best possible"),
    Headline(
        "test.truth.sentence_truth", target=0.95, note="sentences that are right about the asked feature"
    ),
    Headline("unseen.truth.sentence_truth", note="the same for features that only photos show"),
    Headline("test.truth.picture_truth", target=0.90, note="features drawn as the item has them"),
    Headline("test.truth.agreement", target=0.90, note="sentence and picture say the same"),
    Headline("test.diversity.usr"),
    Headline("test.text.bleu_4", note="likeness to the true sentences, of 100"),
    Headline("test.match.recall_at_5"),
    Headline("vq.usage", target=0.90),
    Headline("vq.read_image_truth", target=0.97, note="features still right after coding"),
)


def key_figures(metrics: dict[str, Any]) -> list[KeyFigure]:
    """The headlines that were measured, written out; each with the split it is of and whether it reaches its target."""
    figures = []
    for headline in HEADLINES:
        value = look_up(metrics, headline.key)
        if value is None:
            continue
        first, _, rest = headline.key.partition(".")
        split, label = ("", label_of(headline.key)) if first == "vq" else (first, label_of(rest))
        figure = KeyFigure(
            label=label.name,
            value=label.write(value),
            note=" · ".join(filter(None, [split, headline.note or label.meaning])),
        )
        if headline.target is not None:
            lower = label.better is Better.LOWER
            figure.target = f"{'≤' if lower else '≥'} {headline.target:g}"
            figure.met = value <= headline.target if lower else value >= headline.target
        figures.append(figure)
    return figures


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
