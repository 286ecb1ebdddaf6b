"""How a training went: its journal as small drawings, one for each part of the loss."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from meter.metrics.labels import label_of, number
from meter.report.svg import MUTED, Plot, colours, draw_svg, legend_of

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
class Panel:
    """A drawing of a journal: the measurements that share it, and whether its scale is logarithmic.

    title: where several measurements share it; else their label is the title.
    """

    keys: list[str]
    title: str = ""
    logarithmic: bool = False


VQ_PANELS = [
    Panel(keys=["reconstruction"], logarithmic=True),
    Panel(keys=["codebook"], logarithmic=True),
    Panel(keys=["adversarial", "discriminator"], title="Adversarial losses"),
    Panel(keys=["usage"]),
    Panel(keys=["perplexity"]),
    Panel(keys=["psnr"]),
]
JOINT_PANELS = [
    Panel(keys=["total"]),
    Panel(keys=["text"]),
    Panel(keys=["visual"]),
    Panel(keys=["rating"]),
    Panel(keys=["context"]),
    Panel(keys=["matching", "generator"], title="Matching L_d and the generator’s loss"),
]
NOT_DRAWN = {"kind", "step", "epoch", "best", "words_per_second"}


def vq_plots(journal: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """How the VQ-GAN learned: losses, use of the codes, and whatever else its journal holds."""
    return _panel_plots(journal, "vq", VQ_PANELS, best=None)


def joint_plots(journal: Sequence[Mapping[str, Any]], phase: str = "") -> list[Plot]:
    """How the model learned: every part of the objective in training and validation, the best validation marked.

    phase: which of a system's trainings this is, where it has several on one page.
    """
    return _panel_plots(journal, "objective", JOINT_PANELS, best_validation(journal), phase)


def best_validation(journal: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The last validation that the training called its best; None where there is none."""
    bests = [line for line in journal if line.get("kind") == "validation" and line.get("best")]
    return bests[-1] if bests else None


def _panel_plots(
    journal: Sequence[Mapping[str, Any]],
    section: str,
    panels: Sequence[Panel],
    best: Mapping[str, Any] | None,
    phase: str = "",
) -> list[Plot]:
    known = {key for panel in panels for key in panel.keys}
    others = dict.fromkeys(key for line in journal for key in line if key not in known | NOT_DRAWN)
    plots = []
    for panel in [*panels, *(Panel(keys=[key]) for key in others)]:
        curves = []
        for key in panel.keys:
            name = [key] if len(panel.keys) > 1 else []
            validation = _curve(journal, "validation", key, " ".join([*name, "validation"]))
            training = _curve(journal, "train", key, " ".join(name or ["training"]))
            curves += [curve for curve in (training, validation) if curve is not None]
        if curves:
            title = panel.title or label_of(f"{section}.{panel.keys[0]}").full_name
            plots.append(_curves_plot(title, curves, best, phase, logarithmic=panel.logarithmic))
    return plots


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
    # The interval shrinks towards both ends, so that the curve begins and ends where the data do.
    reaches = [min(len(values) // SMOOTHING, index, last - index) for index in range(len(values))]
    return np.array([values[index - reach : index + reach + 1].mean() for index, reach in enumerate(reaches)])


def _curves_plot(
    title: str, curves: Sequence[Curve], best: Mapping[str, Any] | None, phase: str, *, logarithmic: bool
) -> Plot:
    from matplotlib.ticker import LogLocator, NullLocator

    logarithmic = logarithmic and all((curve.values > 0).all() for curve in curves)

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
    alt = f"{title} by step: " + "; ".join(said) + "."
    changes = [f"{number(curve.values[0])} → {number(curve.values[-1])}" for curve in curves]
    if len(curves) > 1:
        changes = [f"{curve.label} {change}" for curve, change in zip(curves, changes, strict=True)]
    note = ", ".join(changes)
    if logarithmic:
        note += ", logarithmic"
    if left_out:
        note += f"; {left_out:,} values that are not finite left out"
    legend = legend_of([curve.label for curve in curves]) if len(curves) > 1 else []
    name = re.sub(r"\W+", "-", f"{phase} {title}".strip().lower())
    return Plot(title=title, svg=draw_svg(name, draw, alt, (4.2, 2.4)), alt=alt, legend=legend, note=note)
