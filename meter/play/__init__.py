"""A page to play with a finished run."""

from meter.play.answers import Answers

__all__ = ["Answers"]
