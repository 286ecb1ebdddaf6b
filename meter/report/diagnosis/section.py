"""The section Diagnosis of a report, part by part."""

from collections.abc import Mapping
from typing import Any

from meter.report.diagnosis.attention import attention_part
from meter.report.diagnosis.input_importance import input_importance_of_visits_part, input_importance_part
from meter.report.diagnosis.pair_scores import pair_scores_part
from meter.report.diagnosis.parts import DiagnosisPart
from meter.report.diagnosis.sentences import sentences_part


def diagnosis_parts(diagnosis: Mapping[str, Any]) -> list[DiagnosisPart]:
    """What stands in ``metrics.json`` under ``diagnosis``, for readers; nothing where there is none."""
    writers = {
        "sentences": sentences_part,
        "input_importance": input_importance_part,
        "input_importance_of_visits": input_importance_of_visits_part,
        "pair_scores": pair_scores_part,
        "attention": attention_part,
    }
    return [write(diagnosis[key]) for key, write in writers.items() if key in diagnosis]
