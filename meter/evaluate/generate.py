"""Generates explanations: of given pairs, or of every record of the evaluated splits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int
from rich.console import Console
from torch import Tensor

from meter.data import Prepared, Vocabulary
from meter.errors import InputError
from meter.evaluate.extra_metrics import ExtraMetric
from meter.evaluate.generations import Generation
from meter.model import DecodingConfig, System
from meter.model.generation.generate import Generated
from meter.progress import tracked
from meter.special_words import SPECIAL_WORDS
from meter.train.batches import Examples, ordered_batches

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class EvaluationConfig:
    """What is generated and measured after training."""

    generate: bool = True
    """Whether to generate at all; a model with ``mask=literal`` cannot."""
    splits: list[str] = field(default_factory=list)
    """Splits that are generated for and measured; by default all that training does not see: test, and unseen in the
    world. Settings are chosen on validation."""
    batch_size: int = 256
    """Pairs that are generated at once."""
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    """How words and codes are chosen."""
    extra_metrics: list[ExtraMetric] = field(default_factory=list)
    """Metrics by models from elsewhere, each an extra to install: bertscore, clipscore, mauve, fid."""
    gallery: int = 24
    """Cards in the report."""
    optimized: list[str] = field(default_factory=list)
    """Metrics that a sweeper such as Optuna is told: ``validation.text.bleu_4``."""


@dataclass(kw_only=True, slots=True)
class GeneratedExplanation:
    """What a model generates for one pair, as plain values."""

    predicted_rating: float | None
    """Not clipped to the scale; None for a model that predicts none."""
    text: str
    """The sentence, tokenized (words separated by spaces)."""
    context: list[str]
    """At most n words that the context head finds most probable, best first; special words are left out. Empty for a
    model without that head."""
    context_probabilities: list[float]
    """Of these words."""
    codes: list[int] | None
    """Visual codes, row by row; None for a model without pictures, and where retrieval has no photo of the item."""


def explain_pairs(
    model: System,
    vocabulary: Vocabulary,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    *,
    fabric: "Fabric",
    decoding: DecodingConfig,
    generator: torch.Generator | None = None,
) -> list[GeneratedExplanation]:
    """Generates the explanations of B pairs; the evaluation and ``meter.explain`` both call this.

    Args:
        model: where ``fabric`` computes.
        vocabulary: of the run's dataset.
        users: rows of the model's user table, on the model's device.
        items: rows of its item table.
        features: the words to speak of as numbers of the vocabulary: UNK for an unknown one, PAD for none. None for a
            model without feature words.
        fabric: of the run's precision.
        decoding: how words and codes are chosen.
        generator: on the CPU; needed where ``decoding`` samples.
    """
    with fabric.autocast():
        output = model.generate(users, items, features, decoding=decoding, generator=generator)
    return as_explanations(output, vocabulary)


def explain_stepwise(
    model: System,
    vocabulary: Vocabulary,
    users: Int[Tensor, " B"],
    items: Int[Tensor, " B"],
    features: Int[Tensor, " B"] | None,
    *,
    fabric: "Fabric",
    decoding: DecodingConfig,
    generator: torch.Generator | None = None,
) -> Iterator[list[GeneratedExplanation]]:
    """As ``explain_pairs``, preceded by what there is while it is generated; codes that are not chosen yet are −1."""
    steps = model.generate_stepwise(users, items, features, decoding=decoding, generator=generator)
    while True:
        with fabric.autocast():  # around a step alone: between them the caller goes on
            output = next(steps, None)
        if output is None:
            return
        yield as_explanations(output, vocabulary)


def as_explanations(output: Generated, vocabulary: Vocabulary) -> list[GeneratedExplanation]:
    """What a model has generated for B pairs, as plain values."""
    nothing = [None] * len(output.words)
    ratings = nothing if output.rating is None else output.rating.tolist()
    contexts = [ContextWords()] * len(output.words)
    if output.context is not None and output.context_probabilities is not None:
        contexts = [
            context_words(vocabulary, numbers, probabilities)
            for numbers, probabilities in zip(
                output.context.tolist(), output.context_probabilities.tolist(), strict=True
            )
        ]
    codes = nothing
    if output.codes is not None:
        codes = [None if picture[0] < 0 else picture for picture in output.codes.tolist()]
    return [
        GeneratedExplanation(
            predicted_rating=rating,
            text=_sentence(vocabulary, words),
            context=context.words,
            context_probabilities=context.probabilities,
            codes=picture,
        )
        for rating, words, context, picture in zip(
            ratings, output.words.tolist(), contexts, codes, strict=True
        )
    ]


@dataclass(kw_only=True, slots=True)
class ContextWords:
    """The words that the context head finds most probable, best first, with their probabilities."""

    words: list[str] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)


def context_words(
    vocabulary: Vocabulary, numbers: Iterable[int], probabilities: Iterable[float]
) -> ContextWords:
    """A ranking without the special words: unlike a sentence, it does not end at EOS."""
    kept = [
        (vocabulary.words[number], probability)
        for number, probability in zip(numbers, probabilities, strict=True)
        if number >= len(SPECIAL_WORDS)
    ]
    return ContextWords(words=[word for word, _ in kept], probabilities=[share for _, share in kept])


def evaluated_splits(prepared: Prepared, asked: Sequence[str]) -> list[str]:
    """The splits that are generated for: those that are asked for, or all that training does not see.

    Raises InputError where there is no split of this name.
    """
    for name in asked:
        if name not in prepared.splits:
            raise InputError(
                f"evaluation.splits: expected some of {', '.join(prepared.splits)}, found {name}"
            )
    return list(asked) or [name for name in prepared.splits if name not in ("train", "validation")]


def check_evaluation(prepared: Prepared, config: EvaluationConfig) -> None:
    """Before the training: are the splits there, and is what is optimized measured?

    Raises InputError, naming the setting.
    """
    splits = evaluated_splits(prepared, config.splits)
    if config.optimized and not config.generate:
        raise InputError(
            "evaluation.optimized: expected evaluation.generate=true, found false: nothing is measured"
        )
    for key in config.optimized:
        if key.partition(".")[0] not in splits:
            raise InputError(
                f"evaluation.optimized: expected a metric of {', '.join(splits)}, found {key}; evaluation.splits "
                "says what is measured"
            )


def generations(
    model: System,
    prepared: Prepared,
    examples: Examples,
    fabric: "Fabric",
    config: EvaluationConfig,
    console: Console,
    *,
    seed: int,
) -> Iterator[Generation]:
    """One generation for each record of every evaluated split, in the order of the records, made batch by batch.

    seed: of what is sampled; every split starts from it anew, and the size of a batch changes nothing.
    """
    for split in evaluated_splits(prepared, config.splits):
        generator = torch.Generator().manual_seed(seed)
        records = np.sort(prepared.splits[split])
        batches = ordered_batches(examples, records, batch_size=config.batch_size)
        total = -(-len(records) // config.batch_size)
        for batch in tracked(batches, f"generating {split}", total, console):
            explanations = explain_pairs(
                model,
                prepared.vocabulary,
                batch.users,
                batch.items,
                batch.features,
                fabric=fabric,
                decoding=config.decoding,
                generator=generator,
            )
            for row, explanation in zip(batch.indices.tolist(), explanations, strict=True):
                yield _generation(prepared, split, row, explanation)


def _generation(prepared: Prepared, split: str, row: int, explanation: GeneratedExplanation) -> Generation:
    records = prepared.records
    return Generation(
        split=split,
        row=row,
        user=prepared.users[records.users[row]],
        item=prepared.items[records.items[row]],
        feature=prepared.feature(row),
        rating=float(records.ratings[row]),
        predicted_rating=explanation.predicted_rating,
        reference=prepared.sentence(row),
        cut_reference=_sentence(prepared.vocabulary, records.words[row].tolist()),
        text=explanation.text,
        context=explanation.context,
        codes=explanation.codes,
        photo=int(records.photos[row]),
    )


def _sentence(vocabulary: Vocabulary, words: list[int]) -> str:
    return " ".join(vocabulary.decode(words))
