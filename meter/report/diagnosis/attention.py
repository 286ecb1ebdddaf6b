"""What the slots of text and picture attend to."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from meter.report.diagnosis.parts import DiagnosisPart, HeatCell, HeatRow, HeatTable

TARGETS = {
    "bos": "begin of sentence",
    "words": "other words",
    "named_feature": "feature word",
    "boi": "begin of picture",
    "codes": "codes so far",
}
IN_SENTENCE = ("words", "named_feature", "value_word")


def attention_part(attention: Mapping[str, Any]) -> DiagnosisPart:
    """What the slots of text and picture attend to, layer by layer and head by head."""
    value = "value word" if attention["value_known"] else "word after it"
    text = []
    if attention["picture"]:
        uniform, mean = attention["picture"]["uniform"], _mean_shares(attention["picture"])
        learned, even = (sum(shares.get(key, 0.0) for key in IN_SENTENCE) for shares in (mean, uniform))
        line = f"A slot of the picture puts {learned:.1%} of its attention on the sentence (if uniform: {even:.1%})"
        if "value_word" in mean:
            line += f", {mean['value_word']:.1%} on the {value} alone ({uniform['value_word']:.1%})"
        text.append(f"{line}, and {mean['item']:.1%} on the item ({uniform['item']:.1%}).")
    text.append(
        "Attention shows where a prediction can take information from, not what it takes (Jain and Wallace, 2019, "
        "“Attention is not explanation”); what is used is measured above. Words come before the picture and cannot "
        "attend to it."
    )
    return DiagnosisPart(
        title="What the model attends to",
        text=text,
        heats=[
            _attention_table(f"Attention of the {name}’s slots, percent", attention[name], value)
            for name in ("picture", "text")
            if attention[name]
        ],
    )


def _attention_table(title: str, slots: Mapping[str, Any], value: str) -> HeatTable:
    targets: list[str] = list(slots["uniform"])

    def cells(shares: Mapping[str, float]) -> list[HeatCell]:
        return [
            HeatCell(
                written=f"{100 * shares[target]:.1f}",
                strength=_strength(shares[target], slots["uniform"][target]),
            )
            for target in targets
        ]

    heads = [
        HeatRow(name=f"layer {head['layer']}, head {head['head']}", cells=cells(head["shares"]))
        for head in slots["heads"]
    ]
    return HeatTable(
        title=title,
        columns=[value if target == "value_word" else TARGETS.get(target, target) for target in targets],
        rows=[
            *heads,
            HeatRow(name="mean", cells=cells(_mean_shares(slots)), apart=True),
            HeatRow(name="uniform attention", cells=cells(slots["uniform"])),
        ],
        note="Cells are coloured where the share is above that of uniform attention, fully at eight times as much.",
    )


def _strength(share: float, uniform: float) -> float:
    return min(max(math.log2(share / uniform), 0.0) / 3, 1.0) if share > 0 else 0.0


def _mean_shares(slots: Mapping[str, Any]) -> dict[str, float]:
    heads: Sequence[Mapping[str, Any]] = slots["heads"]
    return {target: sum(head["shares"][target] for head in heads) / len(heads) for target in slots["uniform"]}
