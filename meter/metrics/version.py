"""The version of the metric definitions, and the signature that says how a number was made."""

METRICS_VERSION = "4"
"""Rises when the same sentences get another number by a new definition, or a number in ``metrics.json`` another key."""


def signature(metric: str, **choices: str | int | float) -> str:
    """One line that says which definition made a number, e.g. ``text|references:whole|version:2``.

    Two numbers may be compared only where their signatures are equal.
    """
    parts = [metric, *(f"{name}:{value}" for name, value in choices.items()), f"version:{METRICS_VERSION}"]
    return "|".join(parts)
