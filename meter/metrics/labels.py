"""What every measured number is called and how it is written: said once, for terminal, report and comparison.

A number is known by the section of ``metrics.json`` it stands in and its dotted name there: ``text.rouge_1.f``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from numbers import Integral, Real
from typing import Any


class Better(Enum):
    """Which way a metric improves, as the arrow beside its name; a count improves neither way."""

    HIGHER = "↑"
    LOWER = "↓"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class Label:
    """How a number is shown.

    name: short, for a row or a heading. meaning: what the name abbreviates.
    decimals: of a written value; None writes the three or four digits that count. unit: beside the name.
    """

    name: str
    decimals: int | None = None
    better: Better = Better.NEITHER
    meaning: str = ""
    unit: str = ""

    @property
    def full_name(self) -> str:
        """The name with its meaning and unit: ``"USR, unique sentence ratio"``, ``"PSNR, dB"``."""
        return ", ".join(part for part in (self.name, self.meaning, self.unit) if part)

    def write(self, value: Any) -> str:
        """The value with the metric's decimals; anything but a finite number as ``number`` writes it."""
        if self.decimals is None or isinstance(value, bool) or not isinstance(value, Real):
            return number(value)
        return f"{float(value):,.{self.decimals}f}" if math.isfinite(value) else number(value)


def higher(name: str, decimals: int, meaning: str = "", unit: str = "") -> Label:
    """The label of a metric that is better when it is higher."""
    return Label(name, decimals, Better.HIGHER, meaning, unit)


def lower(name: str, decimals: int, meaning: str = "", unit: str = "") -> Label:
    """The label of a metric that is better when it is lower."""
    return Label(name, decimals, Better.LOWER, meaning, unit)


SECTIONS = {
    "rating": "Rating",
    "rating_floor": "Rating beside the noise floor",
    "text": "Sentence against the true one",
    "diversity": "Features and diversity",
    "group_uniqueness": "Repetition for one user, about one item",
    "item_features": "Features of the item",
    "feature_frequency": "Coverage of rare and frequent features",
    "coherence": "Sentence against the predicted rating",
    "bertscore": "Sentence against the true one, by a language model",
    "mauve": "All sentences against all true ones, by a language model",
    "clipscore": "Picture against its sentence, by an image–text model",
    "fid": "All pictures against all photos, by an image model",
    "image": "Picture against the photo",
    "match": "Finding the picture of a sentence",
    "truth": "Truth in the synthetic world",
    "vq": "VQ-GAN",
}
"""The sections of ``metrics.json`` by title."""

VARIANTS = {
    "_peter_compat": "as in PETER",
    "_maple_compat": "as in MAPLE",
    "_of_references": "true sentences",
    "_of_true_pairs": "true pairs",
}
"""Sections with these endings hold the metrics of the section without, computed otherwise or from other data."""

LABELS = {
    "rating.rmse": lower("RMSE", 3),
    "rating.mae": lower("MAE", 3),
    "rating_floor.rmse": lower("RMSE", 3),
    "rating_floor.floor": Label("Noise floor", 3, meaning="the best possible RMSE"),
    "rating_floor.ratio": lower("RMSE / noise floor", 3),
    "text.bleu_1": higher("BLEU-1", 2),
    "text.bleu_4": higher("BLEU-4", 2),
    "text.rouge_1.precision": higher("ROUGE-1 precision", 2),
    "text.rouge_1.recall": higher("ROUGE-1 recall", 2),
    "text.rouge_1.f": higher("ROUGE-1 F", 2),
    "text.rouge_2.precision": higher("ROUGE-2 precision", 2),
    "text.rouge_2.recall": higher("ROUGE-2 recall", 2),
    "text.rouge_2.f": higher("ROUGE-2 F", 2),
    "text.rouge_l.precision": higher("ROUGE-L precision", 2),
    "text.rouge_l.recall": higher("ROUGE-L recall", 2),
    "text.rouge_l.f": higher("ROUGE-L F", 2),
    "text.generated_length": Label("Words, generated", 2),
    "text.reference_length": Label("Words, true", 2),
    "text.empty": Label("Empty sentences", 0),
    "diversity.usr": higher("USR", 3, "unique sentence ratio"),
    "diversity.usn": higher("USN", 0, "unique sentences"),
    "diversity.fmr": higher("FMR", 3, "feature matching ratio"),
    "diversity.fcr": higher("FCR", 3, "feature coverage ratio"),
    "diversity.div": lower("DIV", 3, "features two sentences share"),
    "diversity.distinct_1": higher("distinct-1", 4),
    "diversity.distinct_2": higher("distinct-2", 4),
    "diversity.distinct_3": higher("distinct-3", 4),
    "diversity.entropy_1": higher("Entropy of words", 3, unit="bits"),
    "diversity.entropy_2": higher("Entropy of pairs of words", 3, unit="bits"),
    "diversity.entropy_3": higher("Entropy of three words", 3, unit="bits"),
    "diversity.entropy": higher("ENTR", 3, "mean entropy of one to three words", unit="bits"),
    "diversity.num_features": Label("Features of the dataset", 0),
    "group_uniqueness.usr_by_user": higher("USR by user", 3, "unique among one user’s sentences"),
    "group_uniqueness.usr_by_item": higher("USR by item", 3, "unique among one item’s sentences"),
    "group_uniqueness.num_users": Label("Users counted", 0),
    "group_uniqueness.num_items": Label("Items counted", 0),
    "item_features.ifmr": higher("iFMR", 3, "sentences that name a feature of the item"),
    "item_features.ifcr": higher("iFCR", 3, "an item’s features that are named"),
    "item_features.gt_fmr": higher("GT-FMR", 3, "sentences that name a feature of the true one"),
    "item_features.count_with_item_feature": Label("Records whose item has a feature", 0),
    "item_features.count_with_true_feature": Label("Records whose true sentence has a feature", 0),
    "item_features.num_items": Label("Items counted", 0),
    "feature_frequency.fcr_rarest": higher("FCR, rarest quarter", 3),
    "feature_frequency.fcr_rare": higher("FCR, second quarter", 3),
    "feature_frequency.fcr_frequent": higher("FCR, third quarter", 3),
    "feature_frequency.fcr_most_frequent": higher("FCR, most frequent quarter", 3),
    "feature_frequency.num_features": Label("Features of the dataset", 0),
    "coherence.correlation": higher("Rating–text coherence", 3, "correlation with the rating that is read"),
    "coherence.difference": lower("Rating–text difference", 3, "from the rating that is read"),
    "coherence.measurable": Label("Ratings can be read"),
    "bertscore.precision": higher("BERTScore precision", 3),
    "bertscore.recall": higher("BERTScore recall", 3),
    "bertscore.f": higher("BERTScore F", 3),
    "mauve.mauve": higher("MAUVE", 3),
    "mauve.frontier_integral": lower("Frontier integral", 3),
    "clipscore.mean": higher("CLIPScore", 3),
    "fid.distance": lower("FID", 2),
    "fid.count_of_photos": Label("Photos", 0),
    "image.psnr": higher("PSNR", 2, unit="dB"),
    "image.ssim": higher("SSIM", 3),
    "image.identical": Label("Identical pictures", 0),
    "match.recall_at_1": higher("R@1", 3, "its own picture comes first"),
    "match.recall_at_5": higher("R@5", 3, "its own picture is among the first five"),
    "match.median_rank": lower("Median rank", 1),
    "match.mean_reciprocal_rank": higher("MRR", 3, "mean reciprocal rank"),
    "match.auc": higher("Matching AUC", 3, "its own picture scores above another one"),
    "match.auc_error": Label("Standard error of the matching AUC", 3),
    "match.measurable": Label("Matcher above chance"),
    "match.ceiling": Label("Highest possible matching AUC", 3),
    "match.same_label": higher("Best other picture has the label", 3),
    "match.same_label_by_chance": Label("The same by chance", 3),
    "match.chance_at_1": Label("R@1 by chance", 3),
    "match.tied": Label("Ties", 0),
    "match.num_candidates": Label("Candidates", 0),
    "truth.sentence_truth": higher("Sentence truth", 3),
    "truth.silent": lower("Silent on the asked feature", 3),
    "truth.statement_truth": higher("Statement truth", 3),
    "truth.picture_truth": higher("Picture truth", 3),
    "truth.picture_shows_asked": higher("Picture shows the asked feature", 3),
    "truth.picture_truth_named": higher("Picture truth of the asked feature", 3),
    "truth.agreement": higher("Sentence–picture agreement", 3),
    "truth.chance": Label("Sentence truth by chance", 3),
    "truth.guess_from_ratings": Label("Sentence truth by guessing from ratings", 3),
    "truth.count_with_both": Label("Records with feature and picture", 0),
    "truth.num_statements": Label("Statements in the sentences", 0),
    "truth.num_values": Label("Values in the pictures", 0),
    "truth.visit.sentence_truth": higher("Sentence truth, visit values", 3),
    "truth.visit.picture_shows_asked": higher("Picture shows the asked feature, visit values", 3),
    "truth.visit.picture_truth_named": higher("Picture truth of the asked feature, visit values", 3),
    "truth.visit.agreement": higher("Sentence–picture agreement, visit values", 3),
    "truth.visit.chance": Label("Sentence truth by chance, visit values", 3),
    "truth.visit.count": Label("Records that ask for a visit value", 0),
    "truth.visit.count_with_picture": Label("Records that ask for a visit value, with a picture", 0),
    "vq.psnr": higher("PSNR", 2, unit="dB"),
    "vq.ssim": higher("SSIM", 3),
    "vq.usage": higher("Share of codes in use", 3),
    "vq.perplexity": higher("Perplexity of the codes", 1),
    "vq.read_image_truth": higher("Picture truth of held-out photos", 3),
    "vq.num_codes": Label("Codes", 0),
    "vq.grid": Label("Codes of a picture, rows and columns"),
    "vq.photos": Label("Photos", 0),
    "vq.held_out": Label("Held-out photos", 0),
    "vq.parameters": Label("Parameters", 0),
    "vq.steps": Label("Steps", 0),
    "vq.seconds": Label("Time of pretraining", 1, unit="s"),
    "vq.reconstruction": Label("Reconstruction loss"),
    "vq.codebook": Label("Codebook loss"),
    "vq.perceptual": Label("Perceptual loss"),
    "vq.adversarial": Label("Adversarial loss"),
    "vq.adaptive_weight": Label("Weight of the adversarial loss"),
    "vq.discriminator": Label("Discriminator’s loss"),
    "vq.total": Label("Total loss"),
    "vq.revived": Label("Unused codes replaced"),
    "objective.total": Label("Objective J"),
    "objective.text": Label("Text loss"),
    "objective.visual": Label("Visual loss"),
    "objective.rating": Label("Rating loss"),
    "objective.context": Label("Context loss"),
    "objective.matching": Label("Matching objective L_d"),
    "objective.generator": Label("Generator’s loss"),
    "metrics_version": Label("Version of the metrics"),
    "count": Label("Records", 0),
    "count_with_feature": Label("Records with a feature", 0),
    "count_with_picture": Label("Records with a picture", 0),
}
"""By section and name; by name alone where every section means the same by it. ``objective`` is of the training's
journal, where ``vq`` has its losses too."""


def label_of(key: str) -> Label:
    """The label of a dotted key such as ``text.bleu_4``; the key itself as words where it has no entry.

    A key that names a group within its section (``truth.by_feature.pool.silent``) has the label of the section.
    """
    section, _, name = key.partition(".")
    last = key.rpartition(".")[2]
    base, _ = section_and_variant(section)
    known = (LABELS.get(found) for found in (f"{base}.{name}", f"{base}.{last}", last))
    return next((label for label in known if label is not None), Label(as_words(name or section)))


def section_and_variant(section: str) -> tuple[str, str]:
    """``text_peter_compat`` as ``("text", "as in PETER")``; a section without such an ending with ``""``."""
    for ending, variant in VARIANTS.items():
        if section.endswith(ending):
            return section.removesuffix(ending), variant
    return section, ""


def section_title(section: str) -> str:
    """The title of a section, or its name as words."""
    return SECTIONS.get(section, as_words(section))


def as_words(key: str) -> str:
    """A key without an entry, for readers: ``num_pairs.mean`` becomes ``Num pairs mean``."""
    words = key.replace("_", " ").replace(".", " ")
    return words[:1].upper() + words[1:]


def look_up(values: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key such as ``text.bleu_4`` of nested mappings; None where there is none."""
    found: Any = values
    for step in key.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


NOT_MEASURABLE = "not measurable here"


def is_measurable(section: Mapping[str, Any], label: Label) -> bool:
    """Whether a metric of these values of one section says anything: a verdict of a judge at chance does not."""
    return label.better is Better.NEITHER or section.get("measurable") is not False


def number(value: Any) -> str:
    """A number for readers: thousands apart, three or four digits that count, ``–`` where there is none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if not isinstance(value, Real) or not math.isfinite(value):
        return str(value)
    value = float(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    if size >= 0.001 or size == 0:
        return f"{value:.3f}"
    return f"{value:.1e}"
