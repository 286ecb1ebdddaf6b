"""The diagnosis of a run as parts of its page: why it repeats itself, and whether it looks at its picture."""

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
    "true": "sentence and its picture, (E, V)",
    "swapped": "sentence, picture of another item",
    "generated_picture": "generated picture, (E, V̂)",
    "generated_text": "generated sentence, (Ê, V)",
    "generated_pair": "both generated, (Ê, V̂)",
}
TARGETS = {
    "bos": "BOS",
    "words": "other words",
    "named_feature": "feature word",
    "boi": "BOI",
    "codes": "codes so far",
}
SCORERS = {"discriminator": "D", "matcher": "matcher"}
IN_SENTENCE = ("words", "named_feature", "value_word")


@dataclass(kw_only=True, slots=True)
class HeatCell:
    """A figure, and how warmly its cell is coloured: 0 … 1."""

    written: str
    warmth: float = 0.0


@dataclass(kw_only=True, slots=True)
class HeatRow:
    """name: what the cells are of. apart: whether a line parts it from the row above."""

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
    parts = []
    if "sentences" in diagnosis:
        parts.append(sentences_part(diagnosis["sentences"]))
    if "input_importance" in diagnosis:
        parts.append(input_importance_part(diagnosis["input_importance"]))
    if "pair_scores" in diagnosis:
        parts.append(pair_scores_part(diagnosis["pair_scores"]))
    if "attention" in diagnosis:
        parts.append(attention_part(diagnosis["attention"]))
    return parts


def sentences_part(found: Mapping[str, Any]) -> DiagnosisPart:
    """Which sentences come again, and what the records share that get the same one."""
    made, true = found["repetition"], found["repetition_of_references"]
    shares = {tuple(one["shared"]): one["generated"] for one in found["coincidences"]}
    text = [
        f"{number(made['half'])} different sentences make up half of the {number(found['count'])} generated ones; "
        f"half of the true ones takes {number(true['half'])}."
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
        title="Records that get the same sentence",
        columns=[("pairs", ""), ("generated", ""), ("true", "")],
        rows=[
            TableRow(
                name=f"same {' and '.join(one['shared'])}" if one["shared"] else "any two records",
                direction="",
                cells=[number(one["pairs"]), _percent(one["generated"]), _percent(one["reference"])],
            )
            for one in found["coincidences"]
        ],
    )
    repeated = Table(
        title="Most repeated sentences",
        columns=[(name, "") for name in ("times", "share", "users", "items", "in true ones")],
        rows=[
            TableRow(
                name=one["text"] or "(no word)",
                direction="",
                cells=[
                    number(one["count"]),
                    _percent(one["share"]),
                    *(number(one[key]) for key in ("users", "items", "in_references")),
                ],
            )
            for one in found["repeated"]
        ],
    )
    groups = [("feature", found["by_feature"]), ("user", found["by_user"])]
    return DiagnosisPart(
        title="Which sentences come again",
        text=text,
        plots=[repetition_plot(made, true)],
        tables=[coincidences, *([repeated] if repeated.rows else [])],
        folded=[_groups_table(name, group) for name, group in groups if group and group["largest"]],
    )


def _groups_table(name: str, found: Mapping[str, Any]) -> Table:
    keys = {
        "usr": label_of("diversity.usr").name,
        "top_share": "most frequent one",
        "distinct_2": label_of("diversity.distinct_2").name,
    }
    mean = [
        f"{found['num_groups']:,} {name}s",
        *(_percent(found[key + ending]) for key in ("usr", "top_share") for ending in ("", "_of_references")),
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
                    name=one["name"],
                    direction="",
                    cells=[
                        number(one["generated"]["count"]),
                        *(_percent(one[side][key]) for key in keys for side in ("generated", "reference")),
                    ],
                )
                for one in found["largest"]
            ),
        ],
        wide=True,
    )


def input_importance_part(found: Mapping[str, Any]) -> DiagnosisPart:
    """How much each loss rises when an input is another record's."""
    losses = {
        name: {one["swapped"]: one for one in found[key]}
        for name, key in (("word", "text"), ("code", "picture"))
        if found[key]
    }
    highest = {name: max(max(one["rise"] for one in swaps.values()), 1e-9) for name, swaps in losses.items()}
    rows = []
    for swapped, label in SWAPS.items():
        cells: list[HeatCell] = []
        for name, swaps in losses.items():
            one = swaps.get(swapped)
            if one is None:
                cells += [HeatCell(written=""), HeatCell(written="")]
                continue
            cells += [
                HeatCell(written=f"{one['rise']:+.4f}", warmth=max(one["rise"], 0) / highest[name]),
                HeatCell(written=f"{one['worse']:.0%}"),
            ]
        if any(cell.written for cell in cells):
            rows.append(HeatRow(name=label, cells=cells))
    own = [f"{number(next(iter(swaps.values()))['own'])} nats a {name}" for name, swaps in losses.items()]
    columns = [column for name in losses for column in (f"nats a {name}", "records worse")]
    return DiagnosisPart(
        title="What it uses",
        text=[
            f"On {number(found['count'])} held-out records with their true sentences"
            f"{' and pictures' if 'code' in losses else ''} the loss is {' and '.join(own)}. The table says how much "
            "it rises when an input is another record’s: what the model does not use costs nothing, and makes half of "
            "the records worse.",
            *_dearest(losses),
        ],
        heats=[
            HeatTable(
                title="What it costs to swap an input",
                columns=columns,
                rows=rows,
                note="A swapped item or sentence is that of a record with the same feature and another item.",
            )
        ]
        if rows
        else [],
    )


def _dearest(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Which single input each loss rests on most, and what the picture takes from the sentence."""
    said = []
    for name, swaps in losses.items():
        single = [one for one in swaps.values() if one["swapped"] != "sentence_and_item"]
        most = max(single, key=lambda one: one["rise"])
        if most["rise"] > 0:
            said.append(f"A {name} rests most on the {SWAPS[most['swapped']]} ({most['rise']:+.4f} nats).")
    if "sentence" in losses.get("code", {}):
        sentence = losses["code"]["sentence"]
        said.append(f"Another’s sentence costs the picture {sentence['rise']:+.4f} nats a code.")
    return said


def pair_scores_part(found: Mapping[str, Any]) -> DiagnosisPart:
    """What D and the matcher tell apart, and whether D’s probabilities can be believed."""
    scorers = {name: found["scorers"][name] for name in SCORERS if name in found["scorers"]}
    columns, picked = [], []
    for name, scorer in scorers.items():
        for key, label in (("mean", "mean"), ("auc", "AUC")):
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
        f"{number(found['count'])} held-out records with a photo. AUC is the chance that a true pair scores above "
        "one of these: 1 tells them apart without fail, .5 not at all."
    ]
    if "discriminator" in scorers:
        text.append(
            "D is the run’s own discriminator, trained against generated pairs; swapped ones it sees only with "
            "objective.mismatched_negatives, so what it says of them is a test."
        )
    else:
        text.append("This run trained no discriminator; the matcher was trained on true pairs alone.")
    if found["swapped_also_true"] is not None:
        text.append(
            f"{found['swapped_also_true']:.0%} of the swapped pictures happen to show what the sentence says, so "
            f"telling by the sentence’s feature reaches {1 - found['swapped_also_true'] / 2:.2f} at best."
        )
    curves = [scorer["reliability"] for scorer in scorers.values() if scorer["reliability"]]
    return DiagnosisPart(
        title="How well D and the matcher tell pairs apart",
        text=text,
        tables=[Table(title="True pairs against others", columns=columns, rows=rows)],
        plots=[reliability_plot(curve) for curve in curves],
    )


def attention_part(found: Mapping[str, Any]) -> DiagnosisPart:
    """Where text and picture slots look, layer by layer and head by head."""
    value = "value word" if found["value_known"] else "word after it"
    looks = {"picture": found["picture"], "text": found["text"]}
    text = []
    if found["picture"]:
        uniform, mean = found["picture"]["uniform"], _mean_shares(found["picture"])
        here, alike = (sum(shares.get(key, 0.0) for key in IN_SENTENCE) for shares in (mean, uniform))
        said = f"A slot of the picture puts {here:.1%} of its attention on the sentence (if uniform: {alike:.1%})"
        if "value_word" in mean:
            said += f", {mean['value_word']:.1%} on the {value} alone ({uniform['value_word']:.1%})"
        text.append(f"{said}, and {mean['item']:.1%} on the item ({uniform['item']:.1%}).")
    text.append(
        "This says where a prediction may take something from, not what it takes: attention is not explanation (Jain "
        "and Wallace, 2019). What is used is measured above. Words come before the picture and never look at it."
    )
    return DiagnosisPart(
        title="Where it looks",
        text=text,
        heats=[
            _looks_heat(f"Slots of the {name}, percent", one, value) for name, one in looks.items() if one
        ],
    )


def _looks_heat(title: str, found: Mapping[str, Any], value: str) -> HeatTable:
    targets: list[str] = list(found["uniform"])

    def cells(shares: Mapping[str, float]) -> list[HeatCell]:
        return [
            HeatCell(
                written=f"{100 * shares[target]:.1f}",
                warmth=_warmth(shares[target], found["uniform"][target]),
            )
            for target in targets
        ]

    heads = [
        HeatRow(name=f"layer {one['layer']}, head {one['head']}", cells=cells(one["shares"]))
        for one in found["heads"]
    ]
    return HeatTable(
        title=title,
        columns=[value if target == "value_word" else TARGETS.get(target, target) for target in targets],
        rows=[
            *heads,
            HeatRow(name="mean", cells=cells(_mean_shares(found)), apart=True),
            HeatRow(name="uniform attention", cells=cells(found["uniform"])),
        ],
        note="Coloured where a share is above that of uniform attention to all visible slots: fully at eight times.",
    )


def _warmth(share: float, uniform: float) -> float:
    return min(max(math.log2(share / uniform), 0.0) / 3, 1.0) if share > 0 else 0.0


def _mean_shares(found: Mapping[str, Any]) -> dict[str, float]:
    heads: Sequence[Mapping[str, Any]] = found["heads"]
    return {target: sum(one["shares"][target] for one in heads) / len(heads) for target in found["uniform"]}


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
