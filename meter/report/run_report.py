"""Shows a run: tables in the terminal, and the report's page."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from meter.data import Prepared, overview
from meter.disc import Matcher
from meter.evaluate.generations import Generation
from meter.evaluate.measure import decode_pictures, encode_words
from meter.report import Card, Dropped, Mark, Ratings, Report, Tile, write_report
from meter.storage.journal import Journal
from meter.train.vqgan import held_out_rows, reconstruct
from meter.vq import VQGAN

if TYPE_CHECKING:
    from meter.config import RunConfig
    from meter.pipeline import Visual


def print_overview(prepared: Prepared, console: Console) -> None:
    """What was read, dropped and why."""
    table = Table(title="data", title_justify="left", header_style="bold")
    for name in ("", "what", "count", "share", "first place"):
        table.add_column(name, justify="right" if name in ("count", "share") else "left")
    last = ""
    for row in overview(prepared.stage.summary):
        if last and row.group != last:
            table.add_section()
        table.add_row(row.group if row.group != last else "", row.what, row.count, row.share, row.note)
        last = row.group
    console.print(table)


RESULTS: tuple[tuple[str, str, str, str], ...] = (
    ("rating", "rmse", "rating RMSE", ".3f"),
    ("rating", "mae", "rating MAE", ".3f"),
    ("rating_floor", "ratio", "RMSE / noise floor", ".3f"),
    ("text", "bleu_1", "BLEU-1", ".2f"),
    ("text", "bleu_4", "BLEU-4", ".2f"),
    ("text", "rouge_1.f", "ROUGE-1 F", ".2f"),
    ("text", "rouge_2.f", "ROUGE-2 F", ".2f"),
    ("text", "rouge_l.f", "ROUGE-L F", ".2f"),
    ("diversity", "usr", "USR (unique sentences)", ".3f"),
    ("diversity_of_references", "usr", "USR of the true sentences", ".3f"),
    ("diversity", "usn", "USN", "d"),
    ("diversity", "fmr", "FMR", ".3f"),
    ("diversity", "fcr", "FCR", ".3f"),
    ("diversity", "div", "DIV", ".3f"),
    ("diversity", "distinct_1", "distinct-1", ".4f"),
    ("diversity", "distinct_2", "distinct-2", ".4f"),
    ("match", "recall_at_1", "match R@1 of 100", ".3f"),
    ("match", "recall_at_5", "match R@5 of 100", ".3f"),
    ("match_of_true_pairs", "recall_at_1", "R@1 of true pairs", ".3f"),
    ("match_of_true_pairs", "recall_at_5", "R@5 of true pairs", ".3f"),
    ("truth", "sentence_truth", "sentence truth", ".3f"),
    ("truth", "picture_truth", "picture truth", ".3f"),
    ("truth", "agreement", "sentence–picture agreement", ".3f"),
)
"""Section, metric, name and format of what the terminal shows; metrics.json and the report hold all."""


def lookup(metrics: dict[str, Any], *path: str) -> Any:
    """The value at a path of nested dicts, dots within a step included; None where it is absent."""
    value: Any = metrics
    for step in ".".join(path).split("."):
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value


def print_results(metrics: dict[str, Any], console: Console) -> None:
    """The results, a column for every split."""
    splits = [
        name for name, sections in metrics.items() if isinstance(sections, dict) and "rating" in sections
    ]
    table = Table(title="results", title_justify="left", header_style="bold")
    table.add_column("metric")
    for split in splits:
        table.add_column(split, justify="right")
    last = ""
    for section, metric, label, style in RESULTS:
        values = [lookup(metrics, split, section, metric) for split in splits]
        if all(value is None for value in values):
            continue
        family = section.split("_")[0]
        if last and family != last:
            table.add_section()
        table.add_row(label, *("" if value is None else format(value, style) for value in values))
        last = family
    if "vq" in metrics:
        table.add_section()
        for name, value in metrics["vq"].items():
            if isinstance(value, float):
                table.add_row(f"VQ-GAN {name}", f"{value:.3f}")
    console.print(table)


def run_report(
    folder: Path,
    config: "RunConfig",
    prepared: Prepared,
    visual: "Visual | None",
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
        report.reconstructions = reconstructions(prepared, visual, config)
    return write_report(folder / "report.html", report)


def visual_counts(visual: "Visual") -> list[int]:
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


def held_out(config: "RunConfig", prepared: Prepared) -> np.ndarray:
    """Rows of the photos that the VQ-GAN was not trained on."""
    assert prepared.photos is not None
    return held_out_rows(len(prepared.photos.pixels), config.pretrain.held_out, config.data_seed)[1]


def reconstructions(
    prepared: Prepared, visual: "Visual", config: "RunConfig", count: int = 8
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Photos that the VQ-GAN was not trained on, each beside what its codes keep of it."""
    assert prepared.photos is not None
    rows = held_out(config, prepared)[:count]
    photos = np.asarray(prepared.photos.pixels[rows])
    return list(zip(photos, reconstruct(visual.vq, photos), strict=True))


def gallery(
    generated: Sequence[Generation],
    prepared: Prepared,
    vq: VQGAN | None,
    matcher: Matcher | None,
    config: "RunConfig",
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
    words = encode_words([one], prepared)
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
