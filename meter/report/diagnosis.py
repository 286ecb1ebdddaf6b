"""The diagnosis of a run, told: why it repeats itself, and whether it uses its picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meter.metrics.labels import label_of, number
from meter.report.plots import reliability_plot, repetition_plot
from meter.report.svg import Plot
from meter.report.tables import Table, TableRow

SWAPS = {
    "user": "user",
    "item": "item",
    "feature": "feature word",
    "sentence": "sentence",
    "sentence_and_item": "sentence and item",
}
PAIRS = {
    "true": "true sentence and picture (E, V)",
    "swapped": "sentence with the picture of another item",
    "generated_picture": "generated picture (E, V̂)",
    "generated_text": "generated sentence (Ê, V)",
    "generated_pair": "both generated (Ê, V̂)",
}
TARGETS = {
    "bos": "begin of sentence",
    "words": "other words",
    "named_feature": "feature word",
    "boi": "begin of picture",
    "codes": "codes so far",
}
SCORERS = {"discriminator": "D", "matcher": "matcher"}
IN_SENTENCE = ("words", "named_feature", "value_word")


@dataclass(kw_only=True, slots=True)
class HeatCell:
    """A written figure, and how strongly its cell is coloured: 0 … 1."""

    written: str
    strength: float = 0.0


@dataclass(kw_only=True, slots=True)
class HeatRow:
    """name: what the cells are of. apart: whether a line separates it from the row above."""

    name: str
    cells: list[HeatCell]
    apart: bool = False


@dataclass(kw_only=True, slots=True)
class HeatTable:
    """A table whose cells are coloured by their figures."""

    title: str
    columns: list[str]
    rows: list[HeatRow]
    note: str = ""


@dataclass(kw_only=True, slots=True)
class DiagnosisPart:
    """One question with its answer: in words, as drawings, as tables.

    folded: tables that are shown when asked for.
    """

    title: str
    text: list[str]
    plots: list[Plot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    heats: list[HeatTable] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)


def diagnosis_parts(diagnosis: Mapping[str, Any]) -> list[DiagnosisPart]:
    """What stands in ``metrics.json`` under ``diagnosis``, for readers; nothing where there is none."""
    writers = {
        "sentences": sentences_part,
        "input_importance": input_importance_part,
        "pair_scores": pair_scores_part,
        "attention": attention_part,
    }
    return [write(diagnosis[key]) for key, write in writers.items() if key in diagnosis]


def sentences_part(sentences: Mapping[str, Any]) -> DiagnosisPart:
    """Which sentences are repeated, and what the records share that get the same sentence."""
    generated, true = sentences["repetition"], sentences["repetition_of_references"]
    shares = {tuple(pairs["shared"]): pairs["generated"] for pairs in sentences["coincidences"]}
    text = [
        f"{number(generated['half'])} different sentences make up half of the {number(sentences['count'])} generated "
        f"ones; it takes {number(true['half'])} to make up half of the true ones."
    ]
    by_user, by_item = shares.get(("feature", "user")), shares.get(("feature", "item"))
    if by_user is not None and by_item is not None:
        decides = "the user" if by_user > by_item else "the item" if by_item > by_user else "neither"
        text.append(
            f"Two records with the same feature get the same sentence in {shares['feature',]:.1%} of cases; with "
            f"the same user as well in {by_user:.1%}, with the same item as well in {by_item:.1%}: of user and "
            f"item, {decides} decides more which sentence is written."
        )
    coincidences = Table(
        title="How often two records have the same sentence",
        columns=[("pairs", ""), ("generated", ""), ("true", "")],
        rows=[
            TableRow(
                name=f"same {' and '.join(pairs['shared'])}" if pairs["shared"] else "any two records",
                direction="",
                cells=[number(pairs["pairs"]), _percent(pairs["generated"]), _percent(pairs["reference"])],
            )
            for pairs in sentences["coincidences"]
        ],
    )
    repeated = Table(
        title="Most repeated sentences",
        columns=[(name, "") for name in ("times", "share", "users", "items", "among true ones")],
        rows=[
            TableRow(
                name=sentence["text"] or "(no word)",
                direction="",
                cells=[
                    number(sentence["count"]),
                    _percent(sentence["share"]),
                    *(number(sentence[key]) for key in ("users", "items", "in_references")),
                ],
            )
            for sentence in sentences["repeated"]
        ],
    )
    groups = [("feature", sentences["by_feature"]), ("user", sentences["by_user"])]
    return DiagnosisPart(
        title="Which sentences are repeated",
        text=text,
        plots=[repetition_plot(generated, true)],
        tables=[coincidences, *([repeated] if repeated.rows else [])],
        folded=[_groups_table(name, group) for name, group in groups if group and group["largest"]],
    )


def _groups_table(name: str, groups: Mapping[str, Any]) -> Table:
    keys = {
        "usr": label_of("diversity.usr").name,
        "top_share": "most frequent sentence",
        "distinct_2": label_of("diversity.distinct_2").name,
    }
    mean = [
        f"{groups['num_groups']:,} {name}s",
        *(
            _percent(groups[key + ending])
            for key in ("usr", "top_share")
            for ending in ("", "_of_references")
        ),
        *("", ""),
    ]
    return Table(
        title=f"By {name}",
        columns=[
            ("sentences", ""),
            *((label, variant) for label in keys.values() for variant in ("generated", "true")),
        ],
        rows=[
            TableRow(name="mean", direction="", cells=mean),
            *(
                TableRow(
                    name=group["name"],
                    direction="",
                    cells=[
                        number(group["generated"]["count"]),
                        *(_percent(group[side][key]) for key in keys for side in ("generated", "reference")),
                    ],
                )
                for group in groups["largest"]
            ),
        ],
        wide=True,
    )


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


def pair_scores_part(scores: Mapping[str, Any]) -> DiagnosisPart:
    """What the discriminator and the matcher tell apart, and whether D’s probabilities can be trusted."""
    scorers = {name: scores["scorers"][name] for name in SCORERS if name in scores["scorers"]}
    columns, picked = [], []
    for name, scorer in scorers.items():
        for key, label in (("mean", "mean probability"), ("auc", "AUC")):
            if any(pair[key] is not None for pair in scorer["pairs"].values()):
                columns.append((SCORERS[name], label))
                picked.append((name, key))
    rows = [
        TableRow(
            name=label,
            direction="",
            cells=[
                "" if scorers[name]["pairs"][kind][key] is None else number(scorers[name]["pairs"][kind][key])
                for name, key in picked
            ],
        )
        for kind, label in PAIRS.items()
    ]
    text = [
        f"Both score {number(scores['count'])} held-out records with a photo. AUC is the probability that a true pair "
        "scores above a pair of this kind: 1 is always, 0.5 is chance."
    ]
    if "discriminator" in scorers:
        text.append(
            "D is the run’s own discriminator, trained against generated pairs. It is trained on swapped pairs only "
            "with objective.mismatched_negatives; otherwise they test what it has learned."
        )
    else:
        text.append("This run trained no discriminator; the matcher was trained on true pairs alone.")
    if scores["swapped_also_true"] is not None:
        text.append(
            f"{scores['swapped_also_true']:.0%} of the swapped pictures happen to show what the sentence says, so an "
            f"AUC of {1 - scores['swapped_also_true'] / 2:.2f} is the best that its feature allows."
        )
    curves = [scorer["reliability"] for scorer in scorers.values() if scorer["reliability"]]
    return DiagnosisPart(
        title="What the discriminator and the matcher tell apart",
        text=text,
        tables=[Table(title="True pairs against others", columns=columns, rows=rows)],
        plots=[reliability_plot(curve) for curve in curves],
    )


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


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
