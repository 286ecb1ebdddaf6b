"""Drawings as inline SVG that take their colours and letters from the page, light or dark."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib knows no CSS variables: it draws in these stand-ins, which become variables (with a fallback) in the SVG.
INK, MUTED, LINE = "#010203", "#010204", "#010205"
SERIES = ["#010206", "#010207", "#010208", "#010209", "#01020a", "#01020b"]
VARIABLES = {
    INK: "var(--ink, #555)",
    MUTED: "var(--muted, #777)",
    LINE: "var(--line, #ccc)",
    SERIES[0]: "var(--plot-1, #0f8b86)",
    SERIES[1]: "var(--plot-2, #d08a1a)",
    SERIES[2]: "var(--plot-3, #9a6bac)",
    SERIES[3]: "var(--plot-4, #5b8cc8)",
    SERIES[4]: "var(--plot-5, #b8606a)",
    SERIES[5]: "var(--plot-6, #7c9440)",
}


@dataclass(kw_only=True, slots=True)
class Plot:
    """A drawing for a page.

    title: what is shown, as a heading. svg: the drawing, an ``<svg>`` element. alt: the same in words.
    legend: (label, CSS colour) of each series, where there are several. note: what the reader must know beside it.
    """

    title: str
    svg: str
    alt: str
    legend: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""


def colours(count: int) -> list[str]:
    """The stand-ins of ``count`` series; they begin again where there are more series than colours."""
    return [SERIES[place % len(SERIES)] for place in range(count)]


def legend_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """The names of a drawing's series with their colours."""
    return [(name, VARIABLES[colour]) for name, colour in zip(names, colours(len(names)), strict=True)]


def draw_svg(name: str, draw: "Callable[[Axes], None]", alt: str, inches: tuple[float, float]) -> str:
    """Runs ``draw`` on axes of a figure of this size and returns an ``<svg>`` element that scales with its place.

    name: goes before every id, since all drawings share one page. alt: the drawing in words.
    """
    import matplotlib
    from markupsafe import escape
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "svg.fonttype": "none",  # letters stay text: small, selectable, in the page's font
        "svg.hashsalt": name,
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": LINE,
        "xtick.color": LINE,
        "ytick.color": LINE,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "grid.color": LINE,
        "text.color": INK,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=inches, layout="constrained")
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        axes.grid(axis="y", linewidth=0.8)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.tick_params(length=0, pad=6)
        axes.locator_params(axis="both", nbins=5)
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    # HTML needs no namespace addresses.
    drawing = re.sub(r'\bid="', f'id="{name}-', drawing)
    drawing = re.sub(r'href="#', f'href="#{name}-', drawing).replace("url(#", f"url(#{name}-")
    drawing = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", drawing)
    drawing = re.sub(r'font(-family)?: ?([^;"]*?)\'DejaVu Sans\'[^;"]*', _page_font, drawing)
    for stand_in, variable in VARIABLES.items():
        drawing = drawing.replace(stand_in, variable)
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)


def _page_font(found: re.Match[str]) -> str:
    return "font-family: inherit" if found[1] else f"font: {found[2]}inherit"
