"""A finished run in a notebook: tables, cards, and what changes a card."""

from meter.notebook.explainer import Explainer
from meter.notebook.gallery import Gallery
from meter.notebook.location import Location
from meter.notebook.table import Table
from meter.notebook.what_if import WhatIf

__all__ = ["Explainer", "Gallery", "Location", "Table", "WhatIf"]
