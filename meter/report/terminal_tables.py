"""What was read and what was measured, as tables in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from meter.data import FoundFeature, Prepared, found_features, overview
from meter.metrics.labels import (
    NOT_MEASURABLE,
    is_measurable,
    label_of,
    look_up,
    section_and_variant,
    section_title,
)
from meter.report.terminal import visible


def print_overview(prepared: Prepared, console: Console) -> None:
    """What was read, dropped and why."""
    table = Table(title="data", title_justify="left", header_style="bold")
    for name in ("", "what", "count", "share", "first location"):
        table.add_column(name, justify="right" if name in ("count", "share") else "left")
    last = ""
    for row in overview(prepared.stage.summary):
        if last and row.group != last:
            table.add_section()
        table.add_row(row.group if row.group != last else "", row.what, row.count, row.share, row.note)
        last = row.group
    console.print(table)
    features = found_features(prepared)
    if features:
        _print_features(features, console)


NUM_FREQUENT, NUM_RARE = 30, 10
"""Feature words that are shown: most frequent ones, and rarest ones, which are wrong more often."""


def _print_features(features: list[FoundFeature], console: Console) -> None:
    """The feature words that were mined, for a look before training."""
    table = Table(
        title="feature words found in training reviews",
        title_justify="left",
        header_style="bold",
        expand=True,
    )
    table.add_column("word", no_wrap=True)
    table.add_column("sentences", justify="right", no_wrap=True)
    # What is left of the line: an example is cut before a word is.
    table.add_column("example", no_wrap=True, overflow="ellipsis", ratio=1)
    shown = [*features[:NUM_FREQUENT], *features[NUM_FREQUENT:][-NUM_RARE:]]
    left_out = len(features) - len(shown)
    for index, feature in enumerate(shown):
        if left_out and index == NUM_FREQUENT:
            table.add_row("…", "", Text(f"{left_out:,} more, all in features.json", style="dim"))
        table.add_row(Text(visible(feature.word)), f"{feature.count:,}", Text(visible(feature.example)))
    console.print(table)


RESULTS = (
    "rating.rmse",
    "rating.mae",
    "rating_floor.ratio",
    "text.bleu_1",
    "text.bleu_4",
    "text.rouge_1.f",
    "text.rouge_2.f",
    "text.rouge_l.f",
    "diversity.usr",
    "diversity_of_references.usr",
    "diversity.usn",
    "diversity.fmr",
    "diversity.fcr",
    "diversity.div",
    "diversity.distinct_1",
    "diversity.distinct_2",
    "diversity.distinct_3",
    "group_uniqueness.usr_by_user",
    "group_uniqueness.usr_by_item",
    "item_features.ifmr",
    "item_features.ifcr",
    "item_features.gt_fmr",
    "coherence.correlation",
    "coherence_of_true_pairs.correlation",
    "match.recall_at_1",
    "match.recall_at_5",
    "match.auc",
    "match_of_true_pairs.recall_at_1",
    "match_of_true_pairs.recall_at_5",
    "match_of_true_pairs.auc",
    "match_of_true_pairs.ceiling",
    "match_of_true_pairs.same_label",
    "match_of_true_pairs.same_label_by_chance",
    "truth.sentence_truth",
    "truth.picture_truth",
    "truth.picture_shows_asked",
    "truth.agreement",
    "truth.visit.agreement",
)
"""What the terminal shows of each split; metrics.json and the report hold all."""
VQ_RESULTS = ("vq.psnr", "vq.ssim", "vq.usage", "vq.perplexity", "vq.read_image_truth")


def print_results(metrics: dict[str, Any], console: Console) -> None:
    """The results, a column for every split."""
    splits = [
        name
        for name in metrics
        if any(look_up(metrics, f"{name}.{section}") is not None for section in ("rating", "text"))
    ]
    table = Table(title="results", title_justify="left", header_style="bold")
    table.add_column("metric")
    for split in splits:
        table.add_column(split, justify="right")
    last = ""
    if all(look_up(metrics[split], "rating") is None for split in splits):
        table.add_row(Text("no ratings are predicted", style="dim"))
    for key in RESULTS:
        values = [look_up(metrics[split], key) for split in splits]
        if all(value is None for value in values):
            continue
        section, variant = section_and_variant(key.partition(".")[0])
        label = label_of(key)
        if section != last:
            table.add_section()
            table.add_row(Text(section_title(section), style="dim"))
            last = section
        table.add_row(
            f"{label.name}, {variant}" if variant else label.name,
            *(written(metrics[split], key) for split in splits),
        )
    if "vq" in metrics:
        table.add_section()
        table.add_row(Text(section_title("vq"), style="dim"))
        for key in VQ_RESULTS:
            if (value := look_up(metrics, key)) is not None:
                table.add_row(label_of(key).name, label_of(key).write(value))
    console.print(table)


def written(values: Mapping[str, Any], key: str) -> str:
    """A metric of one split as a cell: empty where it was not measured."""
    value = look_up(values, key)
    if value is None:
        return ""
    label = label_of(key)
    return label.write(value) if is_measurable(values[key.partition(".")[0]], label) else NOT_MEASURABLE
