"""What a study found: preferences with intervals, strengths, agreement, and how many raters a difference needs."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from meter.errors import InputError
from meter.study.answers import read_answers
from meter.study.design import Kind
from meter.study.key import read_key
from meter.study.pigeonhole import draw
from meter.study.question_scores import score_question
from meter.study.raters import rater_row
from meter.study.results import StudyResult
from meter.version import __version__


@dataclass(kw_only=True, slots=True)
class ScoreConfig:
    """Answers to score."""

    answers: list[str] = field(default_factory=list)
    """The raters' CSV files, and Label Studio's exports as JSON."""
    key: str = ""
    """The study's key.json."""
    min_checks: float = 0.75
    """A rater who is right on a smaller share of the attention checks is left out. Unanswered checks count as
    failed."""
    num_resamples: int = 2000
    """Of the pigeonhole bootstrap."""
    num_studies: int = 300
    """Simulated studies for each number of raters; 0 leaves the power out."""
    seed: int = 0
    """Of the resamples and of the simulated studies."""
    out: str = ""
    """Folder of the results; by default ``results`` beside the key."""


def score(config: ScoreConfig) -> StudyResult:
    """Reads the answers and the key and computes everything.

    Raises:
        InputError: a file that cannot be read or does not belong to the key, or nobody passed the attention checks.
    """
    _check(config)
    key = read_key(Path(config.key))
    answers = read_answers([Path(path) for path in config.answers], key)
    raters = answers.raters
    rows = [rater_row(rater, config.min_checks) for rater in raters]
    kept = [rater for rater, row in zip(raters, rows, strict=True) if row.kept]
    if not kept:
        raise InputError(
            f"answers: none of {len(raters)} raters is right on {config.min_checks:g} of the attention checks; "
            "min_checks sets how many are wanted"
        )
    items = sorted(
        {answer.trial.item for rater in kept for answer in rater.answers if answer.trial.kind is Kind.pair}
    )
    draws = None
    if len(kept) > 1 and len(items) > 1:
        draws = draw(config.num_resamples, len(kept), len(items), np.random.default_rng(config.seed))
    return StudyResult(
        study=key.study,
        dataset=key.dataset,
        split=key.split,
        labels=[run.label for run in key.runs],
        num_raters=len(kept),
        num_items=len(items),
        num_pairs=key.num_pairs,
        raters=rows,
        export=answers.export,
        questions=[
            result
            for question in key.questions
            if (
                result := score_question(
                    question, kept, items, key, draws, num_studies=config.num_studies, seed=config.seed
                )
            )
            is not None
        ],
        provenance={
            "package": __version__,
            "key": config.key,
            "answers": list(config.answers),
            "runs": {run.label: run.path for run in key.runs},
            "min_checks": config.min_checks,
            "num_resamples": config.num_resamples,
            "num_studies": config.num_studies,
            "seed": config.seed,
            "made": key.made,
        },
    )


def _check(config: ScoreConfig) -> None:
    if not config.answers or not config.key:
        raise InputError(
            "answers=… or key=… is missing: python -m meter.study score answers='[a.csv,b.csv]' key=key.json"
        )
    if not 0 <= config.min_checks <= 1:
        raise InputError(f"min_checks={config.min_checks:g}: expected a share from 0 to 1")
    if config.num_resamples < 100:
        raise InputError(f"num_resamples={config.num_resamples}: expected 100 at least; 2,000 are usual")
    if config.num_studies < 0 or config.seed < 0:
        raise InputError(f"num_studies={config.num_studies}, seed={config.seed}: expected 0 at least")
