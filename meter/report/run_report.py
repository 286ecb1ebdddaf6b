"""The report of a run: what its folder and its networks hold, put on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from meter.baselines import Baseline
from meter.config import RunConfig
from meter.data import Prepared, overview
from meter.disc import Matcher
from meter.evaluate.generations import Generation, predicted_ratings
from meter.evaluate.network_inputs import decode_pictures, features_of, generated_words
from meter.metrics.labels import Better, is_measurable, label_of, look_up
from meter.report.card import Card
from meter.report.explanation import Mark
from meter.report.page import KeyFigure, LeftOut, Ratings, Report, write_report
from meter.run_folder import RunFolder
from meter.storage.journal import Journal
from meter.train.systems import system_class
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
    sizes = {"reviews": len(prepared), "users": len(prepared.users), "items": len(prepared.items)}
    if visual is not None:
        sizes["photos"] = len(visual.codes)
    report = Report(
        title=f"{config.name.replace('_', ' ').upper()} on {config.dataset.name}",
        subtitle=" · ".join([folder.path.name, *(f"{count:,} {name}" for name, count in sizes.items())]),
        key_figures=key_figures(metrics),
        metrics=metrics,
        joint_journal=folder.journal.read(),
        phase_journals=phase_journals(folder),
        ratings=ratings_by_split(generated),
        retrieval=retrieval(metrics),
        gallery=gallery(generated, prepared, visual.vq if visual else None, matcher, config),
        gallery_note="The records were drawn at random, not chosen by hand.",
        dataset={row.what: row.count for row in overview(summary) if row.group in ("size", "splits")},
        left_out=left_out(summary),
        provenance=manifest,
        config=config,
    )
    if visual is not None:
        report.vq_journal = Journal(visual.stage.folder / "metrics.jsonl").read()
        report.code_counts = np.bincount(visual.codes.ravel(), minlength=visual.vq.config.num_codes)
        report.reconstructions = reconstructions(prepared, visual)
    return write_report(folder.report_file, report)


def phase_journals(folder: RunFolder) -> dict[str, list[dict[str, Any]]]:
    """The journals of a baseline's phases before its last, by name."""
    model = folder.model
    names = [phase.name for phase in model.phases() if phase.name] if isinstance(model, Baseline) else []
    return {name: folder.of_phase(name).journal.read() for name in names}


def ratings_by_split(generated: Sequence[Generation]) -> dict[str, Ratings]:
    """Predicted and true ratings of every evaluated split; none where the system predicts none."""
    splits = {}
    for split in dict.fromkeys(record.split for record in generated):
        records = [record for record in generated if record.split == split]
        predicted = predicted_ratings(records)
        if predicted is None:
            continue
        splits[split] = Ratings(
            predicted=np.array(predicted),
            true=np.array([record.rating for record in records]),
        )
    return splits


def left_out(summary: dict[str, Any]) -> list[LeftOut]:
    """Reviews and photos that were left out, by reason, each with where the first one is."""
    dropped = [counts["dropped"] for counts in (summary["reviews"], summary["photos"]) if counts]
    return [
        LeftOut(reason=reason, count=records["count"], first=records["first"])
        for reasons in dropped
        for reason, records in reasons.items()
    ]


def retrieval(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Recalls and AUC of generated and of true pairs, by split; of generated ones where it is measurable."""
    recalls = {}
    for split in metrics:
        for section, pairs in (("match", "generated"), ("match_of_true_pairs", "true pairs")):
            values = look_up(metrics, f"{split}.{section}")
            if values is not None and values.get("measurable", True):
                keys = ("recall_at_1", "recall_at_5", "auc")
                recalls[f"{split}, {pairs}"] = {label_of(f"match.{key}").name: values[key] for key in keys}
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
    Headline("test.truth.picture_shows_asked", target=0.95, note="whole or close up"),
    Headline("test.truth.agreement", target=0.90, note="sentence and picture say the same"),
    Headline("test.truth.visit.agreement", target=0.90, note="the same where only the sentence can know"),
    Headline("test.diversity.usr"),
    Headline("test.text.bleu_4", note="likeness to the true sentences, of 100"),
    Headline("test.match_of_true_pairs.auc", note="how well the matcher tells true pairs from others"),
    Headline("test.match.auc", note="its verdict on the generated pairs"),
    Headline("vq.usage", target=0.90),
    Headline("vq.read_image_truth", target=0.97, note="features still right after coding"),
)


def key_figures(metrics: dict[str, Any]) -> list[KeyFigure]:
    """The headlines that were measured, written out; each with the split it is of and whether it reaches its target."""
    figures = []
    for headline in HEADLINES:
        value = look_up(metrics, headline.key)
        first, _, rest = headline.key.partition(".")
        if value is None:
            continue
        split, label = ("", label_of(headline.key)) if first == "vq" else (first, label_of(rest))
        if split and not is_measurable(metrics[split][rest.partition(".")[0]], label):
            continue
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
) -> list[Card]:
    """Cards of records drawn at random, equally many of each split."""
    splits = list(dict.fromkeys(record.split for record in generated))
    generator = np.random.default_rng(config.data_seed)
    chosen: list[Generation] = []
    for split in splits:
        records = [record for record in generated if record.split == split]
        drawn = generator.permutation(len(records))[: config.evaluation.gallery // len(splits)]
        chosen += [records[index] for index in drawn]
    return [
        Card(
            user=record.user,
            item=record.item,
            feature=record.feature,
            rating=record.predicted_rating,
            true_rating=record.rating,
            text=record.text,
            true_text=record.reference,
            context=record.context,
            image=picture,
            image_source=system_class(config.system).image_source,
            photo=photo_of(record, prepared),
            match=match_of(record, prepared, matcher),
            matcher_auc=matcher.auc if matcher else None,
            marks=marks_of(record, picture, prepared),
            split=record.split,
            best_rating=round(config.dataset.max_rating),
        )
        for record, picture in zip(chosen, decode_pictures(chosen, vq), strict=True)
    ]


def photo_of(record: Generation, prepared: Prepared) -> np.ndarray | None:
    """The photo that belongs to the record."""
    if prepared.photos is None or record.photo < 0:
        return None
    return np.asarray(prepared.photos.pixels[record.photo])


def match_of(record: Generation, prepared: Prepared, matcher: Matcher | None) -> float | None:
    """Share of other pictures that suit the generated sentence less than its own does; None where not measurable."""
    if matcher is None or not matcher.above_chance or record.codes is None:
        return None
    words, features = generated_words([record], prepared), features_of([record], prepared)
    return float(matcher.match(words, torch.tensor([record.codes]), features)[0])


def marks_of(record: Generation, picture: np.ndarray | None, prepared: Prepared) -> list[Mark]:
    """What the synthetic world's oracles read in sentence and picture, held against the truth; empty elsewhere."""
    if prepared.truth is None or record.feature is None:
        return []
    from meter.world import read_image, read_text

    possible = prepared.truth.values[record.item]
    said = read_text(record.text).get(record.feature)
    marks = [
        Mark(
            label="sentence is true",
            ok=said in possible[record.feature],
            detail=f"{record.feature}: {said or 'nothing said'}",
        )
    ]
    if picture is not None:
        shown = read_image(picture)
        right = [value in possible[feature] for feature, value in shown.items() if feature in possible]
        marks += [
            Mark(
                label="picture is true",
                ok=bool(right) and all(right),
                detail=f"{sum(right)} of {len(right)} features",
            ),
            Mark(
                label="sentence and picture agree", ok=said is not None and said == shown.get(record.feature)
            ),
        ]
    return marks
