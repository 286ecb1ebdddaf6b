"""The model card of an exported run: what it is, how it was made, what its numbers say and what they do not."""

from dataclasses import dataclass
from typing import Any

import yaml

from meter.metrics.labels import is_measurable, label_of, look_up
from meter.metrics.version import METRICS_VERSION
from meter.report.rendering import render
from meter.run_folder import RunFolder
from meter.version import __version__

KEYS = (
    "rating.rmse",
    "rating.mae",
    "text.bleu_1",
    "text.bleu_4",
    "text.rouge_1.f",
    "text.rouge_2.f",
    "text.rouge_l.f",
    "diversity.usr",
    "diversity.fmr",
    "diversity.fcr",
    "diversity.div",
    "match.recall_at_5",
    "truth.sentence_truth",
    "truth.picture_truth",
    "truth.agreement",
)
"""The metrics of the card, in its order."""


@dataclass(kw_only=True, slots=True)
class CardMetric:
    """A row of the card's table. values: written, one for each split; empty where not measured."""

    name: str
    values: list[str]


def model_card(run: RunFolder, *, license_name: str, user_names: bool) -> str:
    """The card as Markdown, its head as the Hub reads it."""
    splits = [name for name in run.metrics if look_up(run.metrics, f"{name}.text") is not None]
    head = yaml.safe_dump(front_matter(run, splits, license_name), sort_keys=False, allow_unicode=True)
    return render(
        "model_card.md.j2",
        head=head,
        run=run,
        config=run.config,
        names=run.names,
        reviews=sum(run.catalogue.item_reviews),
        splits=splits,
        metrics=card_metrics(run, splits),
        signatures=signatures(run, splits),
        user_names=user_names,
        license_name=license_name,
        metrics_version=METRICS_VERSION,
        package=run.manifest.get("package", __version__),
    )


def front_matter(run: RunFolder, splits: list[str], license_name: str) -> dict[str, Any]:
    """What the Hub shows beside a model and searches by."""
    results = [
        {
            "task": {"type": "text-generation", "name": "explainable recommendation"},
            "dataset": {"type": run.names.dataset, "name": run.names.dataset, "split": split},
            "metrics": [
                {"type": key, "name": label_of(key).name, "value": round(float(value), 4)}
                for key in KEYS
                if (value := measured(run, split, key)) is not None
            ],
        }
        for split in splits
    ]
    return {
        "license": license_name,
        "library_name": "meter-explain",
        "tags": ["explainable-recommendation", "recommender-systems", run.config.system.value],
        "model-index": [{"name": run.config.name, "results": results}],
    }


def measured(run: RunFolder, split: str, key: str) -> float | None:
    """A metric of a split; None where it was not measured, or says nothing."""
    section = run.metrics[split].get(key.partition(".")[0])
    value = look_up(run.metrics[split], key)
    return value if value is not None and is_measurable(section, label_of(key)) else None


def card_metrics(run: RunFolder, splits: list[str]) -> list[CardMetric]:
    """The rows of the table that have a value."""
    rows = []
    for key in KEYS:
        values = [measured(run, split, key) for split in splits]
        if any(value is not None for value in values):
            label = label_of(key)
            written = ["" if value is None else label.write(value) for value in values]
            rows.append(CardMetric(name=f"{label.full_name} {label.better.value}".strip(), values=written))
    return rows


def signatures(run: RunFolder, splits: list[str]) -> list[str]:
    """How the sections of the table were computed, each signature once."""
    found = [
        section["signature"]
        for split in splits
        for name in dict.fromkeys(key.partition(".")[0] for key in KEYS)
        if isinstance(section := run.metrics[split].get(name), dict) and "signature" in section
    ]
    return list(dict.fromkeys(found))
