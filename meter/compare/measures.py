"""The metrics of a comparison, each as what its examples add to it, so that it can be resampled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from meter.errors import InputError
from meter.metrics.coherence import correlation_of_sums, correlation_terms
from meter.metrics.diversity import UNKNOWN, find_features, match_features
from meter.metrics.labels import Label, is_measurable, label_of, look_up
from meter.metrics.overlap import Overlap, count_overlap
from meter.metrics.stats.resampling import Metric
from meter.metrics.stats.sum_metrics import SumMetric, mean_of, ratio
from meter.metrics.stats.type_metrics import TypeMetric
from meter.metrics.text import bleu_counts, bleu_of_counts, sentence_rouge_l, sentence_rouge_n
from meter.run_folder import RunFolder


class EvaluatedRecords:
    """The examples of one split of one run, in the order of their records; what several metrics need is made once."""

    def __init__(self, run: RunFolder, split: str) -> None:
        indices = [index for index, record in enumerate(run.generations) if record.split == split]
        indices.sort(key=lambda index: run.generations[index].row)
        self.generations = [run.generations[index] for index in indices]
        self.scores = None if run.scores is None else [run.scores[index] for index in indices]
        self.texts = [" ".join(generation.text.split()) for generation in self.generations]
        self.features = {" ".join(feature.split()) for feature in run.names.features} - {UNKNOWN, ""}

    @cached_property
    def errors(self) -> Float64[np.ndarray, "N"]:
        """Predicted − true rating; NaN where the system predicts none."""
        return self.predictions - np.array([record.rating for record in self.generations])

    @cached_property
    def predictions(self) -> Float64[np.ndarray, "N"]:
        """Predicted rating; NaN where the system predicts none."""
        return np.array([record.predicted_rating for record in self.generations], dtype=np.float64)

    @cached_property
    def read_ratings(self) -> Float64[np.ndarray, "N"]:
        """The rating that each sentence sounds like; NaN where it was not read."""
        return self.scored("coherence", "read_rating")

    @cached_property
    def overlap(self) -> Overlap:
        return count_overlap([record.reference for record in self.generations], self.texts)

    @cached_property
    def features_found(self) -> list[set[str]]:
        """The features in each sentence."""
        return find_features(self.texts, self.features)

    @cached_property
    def words(self) -> list[list[str]]:
        return [text.split() for text in self.texts]

    def matched(self) -> Float64[np.ndarray, "N"]:
        """Whether each sentence has the asked feature; NaN where none is asked for."""
        matched = match_features(self.texts, [record.feature for record in self.generations])
        return np.array([np.nan if match is None else float(match) for match in matched])

    def scored(self, section: str, key: str) -> Float64[np.ndarray, "N"]:
        """A score of ``scores.jsonl``; NaN where an example has none."""
        if self.scores is None:
            return np.full(len(self.generations), np.nan)
        values = [score.get(section, {}).get(key) for score in self.scores]
        return np.array([np.nan if value is None else float(value) for value in values])


Build = Callable[[Sequence[EvaluatedRecords]], Metric]


@dataclass(kw_only=True, slots=True)
class Measure:
    """A metric of ``metrics.json`` that can be tested.

    key: its section and name. build: makes it of a system's runs in one world, one for each seed.
    """

    key: str
    build: Build

    @property
    def section(self) -> str:
        return self.key.partition(".")[0]

    @property
    def label(self) -> Label:
        return label_of(self.key)

    def value(self, run: RunFolder, split: str) -> float | None:
        """As the run itself has measured it; None where it has not, or could not."""
        value = look_up(run.metrics[split], self.key)
        return None if value is None or not self.is_measurable(run, split) else float(value)

    def is_measurable(self, run: RunFolder, split: str) -> bool:
        """Whether what the run has measured says anything: not where what judges it is at chance."""
        return is_measurable(run.metrics[split].get(self.section) or {}, self.label)

    def metric(self, examples: Sequence[EvaluatedRecords]) -> Metric | None:
        """For a paired test; None where the runs have nothing to make it of."""
        metric = self.build(examples)
        if isinstance(metric, TypeMetric):
            return metric if (metric.denominator(metric.sizes.sum(axis=1)) > 0).all() else None
        return metric if (metric.terms != 0).any(axis=(1, 2)).all() else None


def measures() -> list[Measure]:
    """All that can be tested, in the order of the tables."""
    builders: dict[str, Build] = {
        "rating.rmse": _rmse,
        "rating.mae": _mean(lambda examples: abs(examples.errors)),
        "text.bleu_1": _bleu(1),
        "text.bleu_4": _bleu(4),
        "text.rouge_1.f": _mean(lambda examples: 100 * sentence_rouge_n(examples.overlap, 1).f),
        "text.rouge_2.f": _mean(lambda examples: 100 * sentence_rouge_n(examples.overlap, 2).f),
        "text.rouge_l.f": _mean(lambda examples: 100 * sentence_rouge_l(examples.overlap).f),
        "diversity.usr": _usr,
        "diversity.fmr": _mean(EvaluatedRecords.matched),
        "diversity.fcr": _fcr,
        "diversity.div": _div,
        "diversity.distinct_1": _distinct(1),
        "diversity.distinct_2": _distinct(2),
        "diversity.distinct_3": _distinct(3),
        "item_features.ifmr": _score("item_features", "of_item"),
        "item_features.gt_fmr": _score("item_features", "of_reference"),
        "coherence.correlation": _coherence,
        "coherence.difference": _mean(lambda examples: abs(examples.predictions - examples.read_ratings)),
        "match.recall_at_1": _score("match", "recall_at_1"),
        "match.recall_at_5": _score("match", "recall_at_5"),
        "match.mean_reciprocal_rank": _score("match", "reciprocal_rank"),
        "truth.sentence_truth": _score("truth", "sentence_truth"),
        "truth.silent": _score("truth", "silent"),
        "truth.statement_truth": _share("truth", "true_statements", "num_statements"),
        "truth.picture_truth": _share("truth", "true_values", "num_values"),
        "truth.picture_shows_asked": _score("truth", "picture_shows_asked"),
        "truth.picture_truth_named": _score("truth", "picture_truth_named"),
        "truth.agreement": _score("truth", "agreement"),
        "truth.visit.agreement": _visit_score("agreement"),
    }
    return [Measure(key=key, build=build) for key, build in builders.items()]


def choose(names: Sequence[str]) -> list[Measure]:
    """The measures of these keys or sections; all where none is named.

    Raises:
        InputError: a name that is neither.
    """
    every = measures()
    for name in names:
        if not any(name in (measure.key, measure.section) for measure in every):
            raise InputError(
                f"metrics: there is no {name} to test; there are {', '.join(measure.key for measure in every)}"
            )
    return [measure for measure in every if not names or {measure.key, measure.section} & set(names)]


def _rmse(runs: Sequence[EvaluatedRecords]) -> SumMetric:
    squares = mean_of(np.stack([examples.errors**2 for examples in runs]))
    return SumMetric(terms=squares.terms, value=lambda sums: np.sqrt(ratio(sums)))


def _mean(scores: Callable[[EvaluatedRecords], Float64[np.ndarray, "N"]]) -> Build:
    return lambda runs: mean_of(np.stack([scores(examples) for examples in runs]))


def _score(section: str, key: str) -> Build:
    return _mean(lambda examples: examples.scored(section, key))


def _visit_score(key: str) -> Build:
    """Of the truth, among the examples that ask for a value of the visit."""
    return _mean(
        lambda examples: np.where(
            examples.scored("truth", "visit") == 1, examples.scored("truth", key), np.nan
        )
    )


def _share(section: str, part: str, whole: str) -> Build:
    """Of all statements, or all values: examples with more of them weigh more."""
    return lambda runs: SumMetric(
        terms=np.nan_to_num(
            np.stack([[examples.scored(section, part), examples.scored(section, whole)] for examples in runs])
        ).transpose(0, 2, 1),
        value=ratio,
    )


def _coherence(runs: Sequence[EvaluatedRecords]) -> SumMetric:
    terms = [correlation_terms(examples.predictions, examples.read_ratings) for examples in runs]
    # An example that was not read adds nothing.
    return SumMetric(
        terms=np.stack(
            [np.where(np.isfinite(of_run).all(axis=1, keepdims=True), of_run, 0.0) for of_run in terms]
        ),
        value=correlation_of_sums,
    )


def _bleu(max_order: int) -> Build:
    return lambda runs: SumMetric(
        terms=np.stack([bleu_counts(examples.overlap, max_order) for examples in runs]), value=bleu_of_counts
    )


def _usr(runs: Sequence[EvaluatedRecords]) -> TypeMetric:
    return TypeMetric(
        types=[[{text} for text in examples.texts] for examples in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: sentences,
    )


def _fcr(runs: Sequence[EvaluatedRecords]) -> TypeMetric:
    num_features = len(runs[0].features)
    return TypeMetric(
        types=[list(examples.features_found) for examples in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: np.full_like(sentences, num_features),
    )


def _div(runs: Sequence[EvaluatedRecords]) -> TypeMetric:
    return TypeMetric(
        types=[list(examples.features_found) for examples in runs],
        sizes=np.ones((len(runs), len(runs[0].texts))),
        denominator=lambda sentences: sentences * (sentences - 1) / 2,
        of_pairs=True,
    )


def _distinct(order: int) -> Build:
    return lambda runs: TypeMetric(
        types=[
            [set(zip(*(words[start:] for start in range(order)), strict=False)) for words in examples.words]
            for examples in runs
        ],
        sizes=np.array(
            [[max(len(words) - order + 1, 0) for words in examples.words] for examples in runs],
            dtype=np.float64,
        ),
        denominator=lambda ngrams: ngrams,
    )
