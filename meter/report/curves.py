"""How a training went: its journal as small drawings, one for each part of the loss."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from meter.report.rendering import number
from meter.report.svg import MUTED, Plot, colours, draw_svg, legend_of
from meter.report.tables import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_POINTS = 240
"""A curve is averaged down to so many points: more do not show at this width and make the page heavy."""
SMOOTHING = 40
"""Longer curves are drawn faintly, with a running mean over about a twentieth of their length before them."""


@dataclass(kw_only=True, slots=True)
class Curve:
    """One series over steps; values that are not finite have been taken out and counted in ``left_out``."""

    label: str
    steps: Float[np.ndarray, "_"]
    values: Float[np.ndarray, "_"]
    left_out: int


@dataclass(kw_only=True, slots=True)
class Part:
    """A drawing of one journal: which measurements share it, and whether its scale is logarithmic."""

    title: str
    keys: list[str]
    logarithmic: bool = False


VQ_PARTS = [
    Part(title="Reconstruction loss", keys=["reconstruction"], logarithmic=True),
    Part(title="Codebook loss", keys=["codebook"], logarithmic=True),
    Part(title="Adversarial losses", keys=["adversarial", "discriminator"]),
    Part(title="Share of codes in use", keys=["usage"]),
    Part(title="Perplexity of the codes", keys=["perplexity"]),
    Part(title="PSNR, dB", keys=["psnr"]),
]
JOINT_PARTS = [
    Part(title="Objective J", keys=["total"]),
    Part(title="Text", keys=["text"]),
    Part(title="Visual codes", keys=["visual"]),
    Part(title="Rating", keys=["rating"]),
    Part(title="Context", keys=["context"]),
    Part(title="Matching L_d and the generator’s loss", keys=["matching", "generator"]),
]
NOT_DRAWN = {"kind", "step", "epoch", "best", "words_per_second"}


def vq_plots(journal: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """How the VQ-GAN learned: losses, use of the codes, and whatever else its journal holds."""
    return _parts_plots(journal, VQ_PARTS, best=None)


def joint_plots(journal: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """How the model learned: every part of the objective in training and validation, the best validation marked."""
    return _parts_plots(journal, JOINT_PARTS, best_validation(journal))


def best_validation(journal: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The last validation that the training called its best; None where there is none."""
    found = [line for line in journal if line.get("kind") == "validation" and line.get("best")]
    return found[-1] if found else None


def _parts_plots(
    journal: Sequence[Mapping[str, Any]], parts: Sequence[Part], best: Mapping[str, Any] | None
) -> list[Plot]:
    known = {key for part in parts for key in part.keys}
    others = dict.fromkeys(key for line in journal for key in line if key not in known | NOT_DRAWN)
    drawn = []
    for part in [*parts, *(Part(title=readable(key), keys=[key]) for key in others)]:
        curves = []
        for key in part.keys:
            name = [key] if len(part.keys) > 1 else []
            validation = _curve(journal, "validation", key, " ".join([*name, "validation"]))
            training = _curve(journal, "train", key, " ".join(name or ["training"]))
            curves += [curve for curve in (training, validation) if curve is not None]
        if curves:
            drawn.append(_curves_plot(part, curves, best))
    return drawn


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _curve(journal: Sequence[Mapping[str, Any]], kind: str, key: str, label: str) -> Curve | None:
    lines = [line for line in journal if line.get("kind") == kind and line.get(key) is not None]
    kept = [line for line in lines if _finite(line[key])]
    if not kept:
        return None
    return Curve(
        label=label,
        steps=np.array([line["step"] for line in kept], dtype=float),
        values=np.array([line[key] for line in kept], dtype=float),
        left_out=len(lines) - len(kept),
    )


def _averaged(values: Float[np.ndarray, "_"]) -> Float[np.ndarray, "_"]:
    if len(values) <= MAX_POINTS:
        return values
    return np.array([part.mean() for part in np.array_split(values, MAX_POINTS)])


def _smoothed(values: Float[np.ndarray, "_"]) -> Float[np.ndarray, "_"]:
    last = len(values) - 1
    # The window shrinks towards both ends, so that the curve begins and ends where the data do.
    reaches = [min(len(values) // SMOOTHING, place, last - place) for place in range(len(values))]
    return np.array([values[place - reach : place + reach + 1].mean() for place, reach in enumerate(reaches)])


def _curves_plot(part: Part, curves: Sequence[Curve], best: Mapping[str, Any] | None) -> Plot:
    from matplotlib.ticker import LogLocator, NullLocator

    logarithmic = part.logarithmic and all((curve.values > 0).all() for curve in curves)

    def draw(axes: "Axes") -> None:
        for colour, curve in zip(colours(len(curves)), curves, strict=True):
            steps, values = _averaged(curve.steps), _averaged(curve.values)
            if len(steps) > SMOOTHING:
                axes.plot(steps, values, color=colour, linewidth=1, alpha=0.3)
                axes.plot(steps, _smoothed(values), color=colour, linewidth=1.8)
            else:
                axes.plot(steps, values, color=colour, linewidth=1.8, marker="o", markersize=3.5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        if logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
        if best is not None:
            axes.axvline(best["step"], color=MUTED, linewidth=1, dashes=(3, 3))
        axes.set_xlabel("step")

    said = [f"{curve.label} from {number(curve.values[0])} to {number(curve.values[-1])}" for curve in curves]
    left_out = sum(curve.left_out for curve in curves)
    alt = f"{part.title} by step: " + "; ".join(said) + "."
    changes = [f"{number(curve.values[0])} → {number(curve.values[-1])}" for curve in curves]
    if len(curves) > 1:
        changes = [f"{curve.label} {change}" for curve, change in zip(curves, changes, strict=True)]
    note = ", ".join(changes)
    if logarithmic:
        note += ", logarithmic"
    if left_out:
        note += f"; {left_out:,} values that are no numbers left out"
    legend = legend_of([curve.label for curve in curves]) if len(curves) > 1 else []
    name = re.sub(r"\W+", "-", part.title.lower())
    return Plot(
        title=part.title, svg=draw_svg(name, draw, alt, (4.2, 2.4)), alt=alt, legend=legend, note=note
    )
