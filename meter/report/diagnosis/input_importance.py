"""What the model uses: how much its losses rise when an input is swapped."""

from collections.abc import Mapping
from typing import Any

from meter.metrics.labels import number
from meter.report.diagnosis.parts import DiagnosisPart, HeatCell, HeatRow, HeatTable

SWAPS = {
    "user": "user",
    "item": "item",
    "feature": "feature word",
    "sentence": "sentence",
    "sentence_and_item": "sentence and item",
}


def input_importance_of_visits_part(importance: Mapping[str, Any]) -> DiagnosisPart:
    """The same over records about what belongs to the visit."""
    part = input_importance_part(importance)
    part.title = "What the model uses where the visit decides"
    part.text.insert(
        0,
        "Of these features only the sentence knows what the photo of the visit shows: items offer several values.",
    )
    return part


def input_importance_part(importance: Mapping[str, Any]) -> DiagnosisPart:
    """How much each loss rises when an input is another record's."""
    losses = {
        name: {swap["swapped"]: swap for swap in importance[key]}
        for name, key in (("word", "text"), ("code", "picture"))
        if importance[key]
    }
    highest = {
        name: max(max(swap["rise"] for swap in swaps.values()), 1e-9) for name, swaps in losses.items()
    }
    rows = []
    for swapped, label in SWAPS.items():
        cells: list[HeatCell] = []
        for name, swaps in losses.items():
            swap = swaps.get(swapped)
            if swap is None:
                cells += [HeatCell(written=""), HeatCell(written="")]
                continue
            cells += [
                HeatCell(written=f"{swap['rise']:+.4f}", strength=max(swap["rise"], 0) / highest[name]),
                HeatCell(written=f"{swap['worse']:.0%}"),
            ]
        if any(cell.written for cell in cells):
            rows.append(HeatRow(name=label, cells=cells))
    own = [f"{number(next(iter(swaps.values()))['own'])} nats per {name}" for name, swaps in losses.items()]
    columns = [column for name in losses for column in (f"nats per {name}", "records worse")]
    return DiagnosisPart(
        title="What the model uses",
        text=[
            f"On {number(importance['count'])} held-out records with their true sentences"
            f"{' and pictures' if 'code' in losses else ''} the loss is {' and '.join(own)}. The table says how much "
            "it rises when one input is taken from another record. Where the model does not use an input, the loss "
            "stays, and about half of the records get worse by chance.",
            *_most_important(losses),
        ],
        heats=[
            HeatTable(
                title="Rise of the loss when an input is swapped",
                columns=columns,
                rows=rows,
                note="Items and sentences are swapped between records with the same feature and different items.",
            )
        ]
        if rows
        else [],
    )


def _most_important(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Which single input matters most for each loss, and how much the sentence matters for the picture."""
    lines = []
    for name, swaps in losses.items():
        single = [swap for swap in swaps.values() if swap["swapped"] != "sentence_and_item"]
        most = max(single, key=lambda swap: swap["rise"])
        if most["rise"] > 0:
            lines.append(
                f"For a {name}, the {SWAPS[most['swapped']]} matters most ({most['rise']:+.4f} nats)."
            )
    if "sentence" in losses.get("code", {}):
        sentence = losses["code"]["sentence"]
        lines.append(
            f"With another sentence, the picture’s loss changes by {sentence['rise']:+.4f} nats per code."
        )
    return lines
