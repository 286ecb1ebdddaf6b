"""The Jinja environment of every page: escaping on, no file from outside, and how durations and ratings are written."""

import base64
import functools
import hashlib
import math
import re
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from meter.metrics.labels import number
from meter.report.pictures import data_uri


def duration(seconds: float) -> str:
    """Seconds as ``4.2 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def stars(rating: float) -> str:
    """A rating that somebody gave: ``4`` or ``4.5``, without digits that nobody chose."""
    return f"{rating:g}"


def filled(value: float, best: float | int) -> str:
    """The share of ``best`` that a value fills, as a CSS percentage; what is outside the scale fills none or all."""
    if not math.isfinite(value):
        return "0%"
    return f"{100 * min(max(value / best, 0.0), 1.0):.1f}%"


def is_hash(text: str) -> bool:
    """Whether a text is a whole digest (SHA-1 or SHA-256), of which the page shows the beginning only."""
    return re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None


def asset(name: str) -> str:
    """The text of a stylesheet or script that lies beside the templates."""
    return resources.files("meter.report").joinpath("templates", name).read_text(encoding="utf-8").strip()


def script_hash(script: str) -> str:
    """The Content-Security-Policy source that allows exactly this inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@functools.cache
def environment() -> Environment:
    """The templates of this package with autoescape on; a name that is missing in a template is an error."""
    templates = Environment(
        loader=PackageLoader("meter.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=number, stars=stars, duration=duration, filled=filled, data_uri=data_uri, verbatim=Markup
    )
    templates.tests.update(digest=is_hash)
    templates.globals.update(asset=lambda name: Markup(asset(name)))
    return templates


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in."""
    return environment().get_template(template).render(**values)
