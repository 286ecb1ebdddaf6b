"""Drawings as inline SVG that take their colours and letters from the page, light or dark."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

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


SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


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
    return [SERIES[index % len(SERIES)] for index in range(count)]


def legend_of(names: Sequence[str]) -> list[tuple[str, str]]:
    """The names of a drawing's series with their colours."""
    return [(name, VARIABLES[colour]) for name, colour in zip(names, colours(len(names)), strict=True)]


def draw_svg(name: str, draw: "Callable[[Axes], None]", alt: str, inches: tuple[float, float]) -> str:
    """Runs ``draw`` on axes of a figure of this size and returns an ``<svg>`` element as wide as the space it is given.

    name: of the drawing on its page, which makes its ids its own. alt: the drawing in words.
    """
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",  # letters stay text: small, selectable, in the page's font
        "svg.hashsalt": name,  # the same ids every time, and other ones in every drawing
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
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=inches, layout="constrained")
        axes = figure.add_subplot()
        axes.set_axisbelow(True)
        axes.grid(axis="y", linewidth=0.8)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.tick_params(length=0, pad=6)
        axes.locator_params(axis="both", nbins=5)
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=NO_METADATA)
    root = ElementTree.fromstring(buffer.getvalue())
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"role": "img", "aria-label": alt}
    for element in root.iter():
        # HTML needs no namespaces.
        element.tag = element.tag.removeprefix(SVG)
        if (target := element.attrib.pop(f"{XLINK}href", None)) is not None:
            element.set("href", target)
        if element.tag == "g":
            # Matplotlib numbers the groups of every drawing from one; what is referred to has a hash for its id.
            element.attrib.pop("id", None)
        elif "font" in (style := element.get("style", "")):
            element.set("style", f"{style}; font-family: inherit")
    drawing = ElementTree.tostring(root, encoding="unicode")
    for stand_in, variable in VARIABLES.items():
        drawing = drawing.replace(stand_in, variable)
    return drawing
