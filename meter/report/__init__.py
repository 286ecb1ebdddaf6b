"""What a run looks like: cards of single explanations, and the report page of the whole."""

from meter.report.card import Card
from meter.report.explanation import Explanation, Mark
from meter.report.page import KeyFigure, LeftOut, Ratings, Report, write_report

__all__ = ["Card", "Explanation", "KeyFigure", "LeftOut", "Mark", "Ratings", "Report", "write_report"]
