"""The diagnosis of a run: where it repeats itself, what tells its pairs apart, what it uses and what it attends to."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Int64

from meter.baselines import Baseline
from meter.data import Prepared
from meter.disc import Discriminator
from meter.evaluate.attention import measure_attention
from meter.evaluate.generations import Generation
from meter.evaluate.input_importance import measure_input_importance
from meter.evaluate.network_inputs import generated_batches
from meter.evaluate.pair_scores import DISCRIMINATOR, MATCHER, measure_pair_scores
from meter.evaluate.repetition import diagnose_sentences
from meter.model import Meter, System
from meter.train.batches import Examples

NUM_SWAPPED, NUM_ATTENDING = 512, 256
"""Held-out examples whose inputs are swapped, and whose attention is measured: drawn at random."""
BATCH_SIZE = 64


def diagnose(
    generated: Sequence[Generation],
    prepared: Prepared,
    examples: Examples,
    model: System,
    *,
    discriminator: Discriminator | None,
    matcher: Discriminator | None,
    seed: int,
) -> dict[str, Any]:
    """The section ``diagnosis`` of ``metrics.json``: plain values, the same for the same seed.

    A baseline has no attention to look at, and what trains no network has no losses that a swapped input could raise.

    discriminator: D beside the run's best weights, where it trained one. matcher: the matcher's network.
    """
    splits = [generation.split for generation in generated]
    split = "test" if "test" in splits else splits[0]
    generated = [generation for generation in generated if generation.split == split]
    diagnosis: dict[str, Any] = {"split": split, "sentences": asdict(diagnose_sentences(generated))}

    networks = {DISCRIMINATOR: discriminator, MATCHER: matcher}
    scorers = {name: network for name, network in networks.items() if network is not None}
    with_photo = [generation for generation in generated if generation.photo >= 0 and generation.codes]
    if scorers and len({generation.item for generation in with_photo}) > 1:
        pair_scores = measure_pair_scores(with_photo, prepared, examples, scorers, seed)
        diagnosis["pair_scores"] = asdict(pair_scores)

    if not isinstance(model, (Meter, Baseline)):
        return diagnosis

    generator = np.random.default_rng(seed)
    records = np.array([generation.row for generation in generated], dtype=np.int64)
    records = np.sort(generator.permutation(records)[:NUM_SWAPPED])
    features = np.array(prepared.records.features[records], dtype=np.int64)
    importance = measure_input_importance(model, examples, records, features, generator, BATCH_SIZE)
    diagnosis["input_importance"] = asdict(importance)

    of_visits = visit_records(generated, prepared)
    if len(of_visits) > 0:
        diagnosis["input_importance_of_visits"] = asdict(
            measure_input_importance(
                model,
                examples,
                of_visits,
                np.array(prepared.records.features[of_visits], dtype=np.int64),
                np.random.default_rng([seed, 1]),
                BATCH_SIZE,
            )
        )

    if isinstance(model, Meter):
        drawn = np.sort(generator.permutation(len(generated))[:NUM_ATTENDING])
        attending = [generated[index] for index in drawn]
        batches = list(generated_batches(attending, prepared, examples, BATCH_SIZE))
        attention = measure_attention(model, batches, attending, value_words(prepared))
        diagnosis["attention"] = asdict(attention)
    return diagnosis


def visit_records(generated: Sequence[Generation], prepared: Prepared) -> Int64[np.ndarray, "V"]:
    """Up to ``NUM_SWAPPED`` records about values that belong to the visit: there only the sentence knows what the photo
    shows. None outside the world."""
    if prepared.truth is None:
        return np.zeros(0, dtype=np.int64)
    features = prepared.truth.visit_features
    rows = [generation.row for generation in generated if generation.feature in features]
    return np.array(rows[:NUM_SWAPPED], dtype=np.int64)


def value_words(prepared: Prepared) -> dict[str, dict[str, str]] | None:
    """The words that give away a feature's value; None outside the world."""
    if prepared.truth is None:
        return None
    from meter.world.text.wording import VALUE_WORDS

    return VALUE_WORDS
