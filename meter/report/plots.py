"""What was measured, as drawings: use of the codebook, ratings, retrieval, repetition, reliability."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from meter.metrics.labels import label_of, number
from meter.report.svg import INK, MUTED, SERIES, Plot, colours, draw_svg, legend_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def codebook_plot(counts: Int[np.ndarray, "K"]) -> Plot:
    """How often each code is used, most used first, beside an even use of all."""
    ordered = np.sort(counts)[::-1]
    used = int((counts > 0).sum())
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    perplexity = float(np.exp(-(share * np.log(share)).sum()))
    even = float(counts.mean())

    def draw(axes: "Axes") -> None:
        axes.fill_between(
            np.arange(len(ordered) + 1), [*ordered, 0], step="post", color=SERIES[0], alpha=0.75, linewidth=0
        )
        axes.axhline(even, color=MUTED, linewidth=1, dashes=(4, 3))
        axes.annotate("even use", (1, even), (0, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", va="bottom", color=MUTED, fontsize=9)  # fmt: skip
        axes.set_xlim(0, len(ordered))
        axes.set_ylim(0, None)
        axes.set_xlabel("codes, most used first")

    alt = f"{used} of {len(counts)} codes in use, perplexity {number(perplexity)}."
    return Plot(
        title="Use of the codebook", svg=draw_svg("codebook", draw, alt, (4.2, 2.4)), alt=alt, note=alt
    )


def rating_plot(
    ratings: Mapping[str, tuple[Float[np.ndarray, "_"], Float[np.ndarray, "_"]]],
) -> Plot:
    """Predicted against true ratings, true ones rounded to whole stars: median, middle half and middle nine tenths.

    ratings: predicted and true ratings of each split.
    """
    notes = []

    def draw(axes: "Axes") -> None:
        everything = np.concatenate([np.rint(true) for _, true in ratings.values()])
        low, high = everything.min() - 0.5, everything.max() + 0.5
        axes.plot([low, high], [low, high], color=MUTED, linewidth=1, dashes=(4, 3))
        for index, (colour, (predicted, true)) in enumerate(
            zip(colours(len(ratings)), ratings.values(), strict=True)
        ):
            shift = 0.18 * (index - (len(ratings) - 1) / 2)
            rounded = np.rint(true)
            for star in np.unique(rounded):
                quantiles = np.quantile(predicted[rounded == star], [0.05, 0.25, 0.5, 0.75, 0.95])
                axes.plot([star + shift] * 2, quantiles[[0, 4]], color=colour, linewidth=1.2)
                axes.plot(
                    [star + shift] * 2,
                    quantiles[[1, 3]],
                    color=colour,
                    linewidth=7,
                    alpha=0.45,
                    solid_capstyle="butt",
                )
                axes.plot(star + shift, quantiles[2], "o", color=colour, markersize=6)
        axes.set_xticks(np.unique(everything))
        axes.set_yticks(np.unique(everything))
        axes.set_xlim(low, high)
        axes.set_xlabel("true rating")
        axes.set_ylabel("predicted rating")

    rmse = label_of("rating.rmse")
    for name, (predicted, true) in ratings.items():
        error = float(np.sqrt(np.mean((predicted - true) ** 2)))
        notes.append(f"{name}: {rmse.name} {rmse.write(error)} over {len(true):,} pairs")
    alt = "Predicted rating against the true one. " + "; ".join(notes) + "."
    note = "Dot: median. Thick: the middle half. Thin: the middle nine tenths. Dashed: a perfect prediction."
    return Plot(
        title="Ratings",
        svg=draw_svg("predicted-rating", draw, alt, (5.2, 3.4)),
        alt=alt,
        legend=legend_of(list(ratings)),
        note=note,
    )


def retrieval_plot(retrieval: Mapping[str, Mapping[str, float]]) -> Plot:
    """Text–image retrieval: bars of recall for each kind of pair, e.g. ``{"true pairs": {"R@1": .9}, …}``."""
    ranks = list(dict.fromkeys(rank for recalls in retrieval.values() for rank in recalls))

    def draw(axes: "Axes") -> None:
        width = 0.72 / len(retrieval)
        for index, (colour, recalls) in enumerate(
            zip(colours(len(retrieval)), retrieval.values(), strict=True)
        ):
            for column, rank in enumerate(ranks):
                if rank in recalls:
                    left = column + width * (index - (len(retrieval) - 1) / 2)
                    axes.bar(left, recalls[rank], width * 0.88, color=colour)
                    axes.annotate(f"{recalls[rank]:.2f}", (left, recalls[rank]), (0, 3), textcoords="offset points",
                                  ha="center", fontsize=9, color=INK)  # fmt: skip
        axes.set_xticks(range(len(ranks)), ranks)
        axes.set_xlim(-0.5, len(ranks) - 0.5)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.5, 1])

    said = [
        "; ".join(f"{name} {rank} {number(value)}" for rank, value in recalls.items())
        for name, recalls in retrieval.items()
    ]
    alt = "Recall of the right picture for a sentence. " + "; ".join(said) + "."
    svg = draw_svg("retrieval", draw, alt, (5.2, 3.4))
    return Plot(
        title="Finding the picture of a sentence", svg=svg, alt=alt, legend=legend_of(list(retrieval))
    )


def repetition_plot(generated: Mapping[str, Any], true: Mapping[str, Any]) -> Plot:
    """Share of all sentences by number of different ones, most frequent first: the steeper, the more repetition."""
    from matplotlib.ticker import NullFormatter

    labels = ["generated", "true"]

    def draw(axes: "Axes") -> None:
        for colour, repetition in zip(colours(2), (generated, true), strict=True):
            times = np.array(repetition["times"][::-1])
            different = np.cumsum(repetition["sentences"][::-1])
            written = np.cumsum(times * np.diff(different, prepend=0))
            ranks = np.unique(np.geomspace(1, different[-1], 120).round())
            # Between sentences that occur equally often the share grows by the same with each.
            share = np.interp(ranks, [0, *different], [0, *(written / written[-1])])
            axes.plot(ranks, share, color=colour, linewidth=1.8)
        axes.axhline(0.5, color=MUTED, linewidth=1, dashes=(4, 3))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.5, 1])
        axes.set_xlabel("different sentences, most frequent first")
        axes.set_ylabel("share of all")

    alt = (
        f"Share of all sentences by different sentences: {generated['half']:,} make up half of the generated ones, "
        f"{true['half']:,} of the true ones."
    )
    svg = draw_svg("repetition", draw, alt, (5.2, 3.1))
    return Plot(title="How few sentences make up the output", svg=svg, alt=alt, legend=legend_of(labels))


def reliability_plot(reliability: Mapping[str, Any]) -> Plot:
    """What share of the pairs is true, by the probability that D gives them; half of all pairs are true."""
    bins = [entry for entry in reliability["bins"] if entry["count"]]
    error, count = number(reliability["error"]), reliability["count"]

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, dashes=(4, 3))
        predicted, observed = ([entry[key] for entry in bins] for key in ("predicted", "observed"))
        axes.plot(predicted, observed, color=colours(1)[0], linewidth=1.2, alpha=0.6)
        sizes = [12 + 160 * entry["count"] / count for entry in bins]
        axes.scatter(predicted, observed, s=sizes, color=colours(1)[0], linewidths=0)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks([0, 0.5, 1])
        axes.set_xlabel("D’s probability that a pair is true")
        axes.set_ylabel("share that is true")

    points = "; ".join(
        f"{number(entry['predicted'])}: {number(entry['observed'])} of {entry['count']:,}" for entry in bins
    )
    alt = f"Share of true pairs by D’s probability. {points}. Expected calibration error {error}."
    note = (
        f"Expected calibration error {error} over {count:,} pairs, half true and half swapped. Larger dots hold more "
        "pairs. Dashed: probabilities that mean what they say."
    )
    svg = draw_svg("reliability", draw, alt, (5.2, 3.1))
    return Plot(title="Can D’s probability be trusted?", svg=svg, alt=alt, note=note)
