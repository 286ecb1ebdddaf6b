"""The tables of what was read, what was dropped, what the dataset holds, and which feature words were found."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from meter.data.store import Prepared


@dataclass(frozen=True, kw_only=True, slots=True)
class OverviewRow:
    """One line of the table.

    group: the part it belongs to, such as "reviews".
    count: formatted for reading.
    share: of the group's whole, such as "1.6 %"; empty where there is none.
    note: where a record was first dropped for this reason; empty elsewhere.
    """

    group: str
    what: str
    count: str
    share: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundFeature:
    """A feature word: how many training sentences are about it, and the first of them."""

    word: str
    count: int
    example: str


def found_features(prepared: Prepared) -> list[FoundFeature]:
    """The feature words of the training sentences, most frequent first; none where they were given, not mined."""
    if not prepared.stage.summary.get("mined_features"):
        return []
    training = prepared.splits["train"]
    numbers, first, counts = np.unique(
        prepared.records.features[training], return_index=True, return_counts=True
    )
    features = [
        FoundFeature(word=word, count=count, example=prepared.sentence(int(training[row])))
        for number, row, count in zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True)
        for word in prepared.vocabulary.decode([number])
    ]
    return sorted(features, key=lambda feature: (-feature.count, feature.word))


def overview(summary: dict[str, Any]) -> list[OverviewRow]:
    """The rows for the summary of a prepared stage; every reason for dropping has one."""
    kept = summary["reviews"]["kept"]
    rows = _count_rows("reviews", summary["reviews"])
    if summary["photos"]:
        rows += _count_rows("photos", summary["photos"])
        rows += [_row("photos", "of items without reviews", summary["photos_of_items_without_reviews"])]
    rows += [_row("splits", name, count, kept) for name, count in summary["splits"].items()]
    rows += [_row("size", name, summary[name]) for name in ("users", "items", "words", "features")]
    rows += [
        OverviewRow(group="text", what="mean rating", count=f"{summary['mean_rating']:.2f}"),
        OverviewRow(group="text", what="mean words per sentence", count=f"{summary['mean_length']:.1f}"),
        _row("text", "sentences cut", summary["cut_sentences"], kept),
        _row("text", "sentences that repeat another", summary["repeated_sentences"], kept),
        _row("text", "without a feature word", summary["records_without_feature"], kept),
        _row("text", "with an unknown feature word", summary["records_with_unknown_feature"], kept),
    ]
    rows += [
        OverviewRow(group="text", what=f"unknown words in {name}", count="", share=_percent(share))
        for name, share in summary["unknown_words"].items()
    ]
    rows += [_row("pairing", method, count, kept) for method, count in summary["pairing"].items()]
    rows += [_row("pairing", "records without a photo", summary["records_without_photo"], kept)]
    return rows


def _count_rows(group: str, counts: dict[str, Any]) -> list[OverviewRow]:
    rows = [_row(group, "read", counts["read"]), _row(group, "kept", counts["kept"], counts["read"])]
    for reason, dropped in counts["dropped"].items():
        rows.append(
            OverviewRow(
                group=group,
                what=f"dropped: {reason}",
                count=f"{dropped['count']:,}",
                share=_percent(dropped["count"] / counts["read"]),
                note=f"first: {dropped['first']}",
            )
        )
    return rows


def _row(group: str, what: str, count: int, whole: int = 0) -> OverviewRow:
    return OverviewRow(
        group=group, what=what, count=f"{count:,}", share=_percent(count / whole) if whole else ""
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
