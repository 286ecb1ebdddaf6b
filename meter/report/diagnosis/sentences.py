"""Which sentences are repeated, and for which records."""

from collections.abc import Mapping
from typing import Any

from meter.metrics.labels import label_of, number
from meter.report.diagnosis.parts import DiagnosisPart
from meter.report.plots import repetition_plot
from meter.report.tables import Table, TableRow


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


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
