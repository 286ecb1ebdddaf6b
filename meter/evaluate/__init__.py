"""Evaluates a trained model: ``generate`` explains held-out records, ``measure`` scores what was generated,
``diagnose`` asks what the model repeats and what it uses.
"""

from meter.evaluate.generations import (
    Generation,
    read_generations,
    read_scores,
    write_generations,
    write_scores,
)
from meter.evaluate.repetition import SentenceDiagnosis, diagnose_sentences
from meter.evaluate.summary import summarize
from meter.metrics import diversity, paired_test, rating_metrics, text_metrics

__all__ = [
    "Generation",
    "SentenceDiagnosis",
    "diagnose_sentences",
    "diversity",
    "paired_test",
    "rating_metrics",
    "read_generations",
    "read_scores",
    "summarize",
    "text_metrics",
    "write_generations",
    "write_scores",
]
