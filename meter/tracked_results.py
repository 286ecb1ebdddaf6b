"""What a finished run tells its trackers: metrics, cards, reconstructions, generations."""

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from meter.evaluate.generations import Generation
from meter.report import Card
from meter.report.poster import draw
from meter.tracking import LogConfig, Picture, Trackers

COLUMNS = ("split", "user", "item", "feature", "rating", "predicted", "true sentence", "sentence")


def track_results(
    trackers: Trackers,
    config: LogConfig,
    *,
    metrics: Mapping[str, Any],
    generated: Sequence[Generation],
    cards: Sequence[Card],
    reconstructions: Sequence[tuple[np.ndarray, np.ndarray]],
    report: Path,
) -> None:
    """Sends them, and ends.

    metrics: as in ``metrics.json``; the diagnosis stays on the page.
    reconstructions: photos beside what their codes keep of them.
    report: the page, named in the summary.
    """
    measured = {name: values for name, values in metrics.items() if name != "diagnosis"}
    trackers.summarise({**dict(flat(measured)), "report": str(report)})
    shown = {
        "cards": [card_picture(card) for card in cards[: config.cards]],
        "reconstructions": [
            Picture(caption="photo | its reconstruction", pixels=np.concatenate(pair, axis=1))
            for pair in reconstructions[: config.cards]
        ],
    }
    for name, pictures in shown.items():
        if pictures:
            trackers.show(name, pictures)
    trackers.tabulate("generations", COLUMNS, [row(each) for each in generated[: config.generations]])
    trackers.finish()


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested metrics by its dotted name: ``test.text.bleu_4``."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, Real) and not isinstance(value, bool):
            yield prefix + name, float(value)


def card_picture(card: Card) -> Picture:
    """A card as an image."""
    return Picture(caption=f"{card.item} for {card.user}", pixels=np.asarray(draw(card).convert("RGB")))


def row(generation: Generation) -> list[Any]:
    """A generation as the table has it; empty where there is nothing."""
    return [
        generation.split,
        generation.user,
        generation.item,
        generation.feature or "",
        generation.rating,
        "" if generation.predicted_rating is None else generation.predicted_rating,
        generation.reference,
        generation.text,
    ]
