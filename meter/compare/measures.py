"""The rows of a comparison: each metric as what its examples add to it, so that it can be resampled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float64

from meter.compare.runs import FinishedRun
from meter.errors import InputError
from meter.metrics.diversity import UNKNOWN, find_features, match_features
from meter.metrics.overlap import Overlap, count_overlap
from meter.metrics.stats.resampling import Metric, SumMetric, mean_of, ratio
from meter.metrics.stats.type_counts import TypeMetric
from meter.metrics.text import bleu_counts, bleu_of_counts, sentence_rouge_l, sentence_rouge_n


class Examples:
    """The examples of one split of one run, by row; what several metrics need is made once."""

    def __init__(self, run: FinishedRun, split: str) -> None:
        places = [place for place, one in enumerate(run.generations) if one.split == split]
        places.sort(key=lambda place: run.generations[place].row)
        self.generations = [run.generations[place] for place in places]
        self.scores = None if run.scores is None else [run.scores[place] for place in places]
        self.texts = [" ".join(generation.text.split()) for generation in self.generations]
        self.features = {" ".join(feature.split()) for feature in run.features} - {UNKNOWN, ""}

    @cached_property
    def errors(self) -> Float64[np.ndarray, "N"]:
        """Predicted − true rating."""
        return np.array([one.predicted_rating - one.rating for one in self.generations])

    @cached_property
    def overlap(self) -> Overlap:
        return count_overlap([one.reference for one in self.generations], self.texts)

    @cached_property
    def found(self) -> list[set[str]]:
        """The features in each sentence."""
        return find_features(self.texts, self.features)

    @cached_property
    def words(self) -> list[list[str]]:
        return [text.split() for text in self.texts]

    def matched(self) -> Float64[np.ndarray, "N"]:
        """Whether each sentence has the asked feature; NaN where none is asked for."""
        found = match_features(self.texts, [one.feature for one in self.generations])
        return np.array([np.nan if one is None else float(one) for one in found])

    def scored(self, section: str, key: str) -> Float64[np.ndarray, "N"]:
        """A score of ``scores.jsonl``; NaN where an example has none."""
        if self.scores is None:
            return np.full(len(self.generations), np.nan)
        values = [score.get(section, {}).get(key) for score in self.scores]
        return np.array([np.nan if value is None else float(value) for value in values])


Build = Callable[[Sequence[Examples]], Metric]


@dataclass(kw_only=True, slots=True)
class Measure:
    """A metric of ``metrics.json`` that can be tested.

    key: its section and name. label: for readers. decimals: that are written. lower: whether less is better.
    build: makes it of a system's runs, one for each seed.
    """

    key: str
    label: str
    decimals: int
    lower: bool = False
    build: Build

    @property
    def section(self) -> str:
        return self.key.split(".")[0]

    def value(self, run: FinishedRun, split: str) -> float | None:
        """As the run itself has measured it; None where it has not."""
        found: Any = run.metrics[split]
        for step in self.key.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return None if found is None else float(found)

    def metric(self, examples: Sequence[Examples]) -> Metric | None:
        """For a paired test; None where the runs have nothing to make it of."""
        made = self.build(examples)
        if isinstance(made, TypeMetric):
            return made if (made.denominator(made.sizes.sum(axis=1)) > 0).all() else None
        return made if (made.rows != 0).any(axis=(1, 2)).all() else None


def measures() -> list[Measure]:
    """All that can be tested, in the order of the tables."""
    return [
        Measure(key="rating.rmse", label="RMSE", decimals=3, lower=True, build=_rmse),
        Measure(
            key="rating.mae", label="MAE", decimals=3, lower=True, build=_mean(lambda one: abs(one.errors))
        ),
        Measure(key="text.bleu_1", label="BLEU-1", decimals=2, build=_bleu(1)),
        Measure(key="text.bleu_4", label="BLEU-4", decimals=2, build=_bleu(4)),
        Measure(
            key="text.rouge_1.f",
            label="ROUGE-1 F",
            decimals=2,
            build=_mean(lambda one: 100 * sentence_rouge_n(one.overlap, 1).f),
        ),
        Measure(
            key="text.rouge_2.f",
            label="ROUGE-2 F",
            decimals=2,
            build=_mean(lambda one: 100 * sentence_rouge_n(one.overlap, 2).f),
        ),
        Measure(
            key="text.rouge_l.f",
            label="ROUGE-L F",
            decimals=2,
            build=_mean(lambda one: 100 * sentence_rouge_l(one.overlap).f),
        ),
        Measure(key="diversity.usr", label="USR", decimals=3, build=_usr),
        Measure(key="diversity.fmr", label="FMR", decimals=3, build=_mean(Examples.matched)),
        Measure(key="diversity.fcr", label="FCR", decimals=3, build=_fcr),
        Measure(key="diversity.div", label="DIV", decimals=3, lower=True, build=_div),
        Measure(key="diversity.distinct_1", label="distinct-1", decimals=4, build=_distinct(1)),
        Measure(key="diversity.distinct_2", label="distinct-2", decimals=4, build=_distinct(2)),
        Measure(key="match.recall_at_1", label="match R@1", decimals=3, build=_score("match", "recall_at_1")),
        Measure(key="match.recall_at_5", label="match R@5", decimals=3, build=_score("match", "recall_at_5")),
        Measure(
            key="match.mean_reciprocal_rank",
            label="match MRR",
            decimals=3,
            build=_score("match", "reciprocal_rank"),
        ),
        Measure(
            key="truth.sentence_truth",
            label="sentence truth",
            decimals=3,
            build=_score("truth", "sentence_truth"),
        ),
        Measure(key="truth.silent", label="silent", decimals=3, lower=True, build=_score("truth", "silent")),
        Measure(
            key="truth.statement_truth",
            label="statement truth",
            decimals=3,
            build=_share("truth", "true_statements", "num_statements"),
        ),
        Measure(
            key="truth.picture_truth",
            label="picture truth",
            decimals=3,
            build=_share("truth", "true_values", "num_values"),
        ),
        Measure(
            key="truth.picture_truth_named",
            label="picture truth, asked",
            decimals=3,
            build=_score("truth", "picture_truth_named"),
        ),
        Measure(key="truth.agreement", label="agreement", decimals=3, build=_score("truth", "agreement")),
    ]


def choose(wanted: Sequence[str]) -> list[Measure]:
    """The measures of these keys or sections; all where none is named.

    Raises:
        InputError: a name that is neither.
    """
    every = measures()
    for name in wanted:
        if not any(name in (measure.key, measure.section) for measure in every):
            raise InputError(
                f"metrics: there is no {name} to test; there are {', '.join(measure.key for measure in every)}"
            )
    return [measure for measure in every if not wanted or {measure.key, measure.section} & set(wanted)]


def _rmse(runs: Sequence[Examples]) -> SumMetric:
    squares = mean_of(np.stack([one.errors**2 for one in runs]))
    return SumMetric(rows=squares.rows, value=lambda sums: np.sqrt(ratio(sums)))


def _mean(scores: Callable[[Examples], Float64[np.ndarray, "N"]]) -> Build:
    return lambda runs: mean_of(np.stack([scores(one) for one in runs]))


def _score(section: str, key: str) -> Build:
    return _mean(lambda one: one.scored(section, key))


def _share(section: str, part: str, whole: str) -> Build:
    """Of all statements, or all values: examples with more of them weigh more."""
    return lambda runs: SumMetric(
        rows=np.nan_to_num(
            np.stack([[one.scored(section, part), one.scored(section, whole)] for one in runs])
        ).transpose(0, 2, 1),
        value=ratio,
    )


def _bleu(max_order: int) -> Build:
    return lambda runs: SumMetric(
        rows=np.stack([bleu_counts(one.overlap, max_order) for one in runs]), value=bleu_of_counts
    )


def _usr(runs: Sequence[Examples]) -> TypeMetric:
    return TypeMetric(
        types=[[{text} for text in one.texts] for one in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: sentences,
    )


def _fcr(runs: Sequence[Examples]) -> TypeMetric:
    num_features = len(runs[0].features)
    return TypeMetric(
        types=[list(one.found) for one in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: np.full_like(sentences, num_features),
    )


def _div(runs: Sequence[Examples]) -> TypeMetric:
    return TypeMetric(
        types=[list(one.found) for one in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: sentences * (sentences - 1) / 2,
        of_pairs=True,
    )


def _distinct(order: int) -> Build:
    return lambda runs: TypeMetric(
        types=[
            [set(zip(*(words[start:] for start in range(order)), strict=False)) for words in one.words]
            for one in runs
        ],
        sizes=np.array(
            [[max(len(words) - order + 1, 0) for words in one.words] for one in runs], dtype=np.float64
        ),
        denominator=lambda ngrams: ngrams,
    )
