"""Generates an explanation for every record of a split."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.console import Console

from meter.data import Prepared
from meter.evaluate.generations import Generation
from meter.model import DecodingConfig, Meter
from meter.progress import tracked
from meter.train.batches import Examples, ordered_batches

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class EvaluationConfig:
    """What is generated and measured after training."""

    generate: bool = True
    """Whether to generate at all; a model with ``mask=literal`` cannot."""
    batch_size: int = 256
    """Pairs that are generated at once."""
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    """How words and codes are chosen."""
    gallery: int = 24
    """Cards in the report."""


def evaluated_splits(prepared: Prepared) -> list[str]:
    """The splits that are generated for: all but those that training has seen."""
    return [name for name in prepared.splits if name not in ("train", "validation")]


def generations(
    model: Meter,
    prepared: Prepared,
    examples: Examples,
    fabric: "Fabric",
    config: EvaluationConfig,
    console: Console,
    *,
    seed: int,
) -> Iterator[Generation]:
    """One generation a record of every evaluated split, in the order of its rows, batch by batch as they are asked for.

    seed: of what is sampled; every split starts from it anew, and the size of a batch changes nothing.
    """
    for split in evaluated_splits(prepared):
        generator = torch.Generator().manual_seed(seed)
        rows = np.sort(prepared.splits[split])
        batches = ordered_batches(examples, rows, batch_size=config.batch_size)
        total = -(-len(rows) // config.batch_size)
        for batch in tracked(batches, f"generating {split}", total, console):
            with fabric.autocast():
                done = model.generate(
                    batch.users,
                    batch.items,
                    batch.features,
                    decoding=config.decoding,
                    generator=generator,
                )
            words, context = done.words.tolist(), done.context.tolist()
            codes = [None] * len(words) if done.codes is None else done.codes.tolist()
            for place, row in enumerate(batch.rows.tolist()):
                yield Generation(
                    split=split,
                    row=row,
                    user=prepared.users[prepared.records.users[row]],
                    item=prepared.items[prepared.records.items[row]],
                    feature=prepared.feature(row),
                    rating=float(prepared.records.ratings[row]),
                    predicted_rating=float(done.rating[place]),
                    reference=prepared.sentence(row),
                    cut_reference=_sentence(prepared, prepared.records.words[row].tolist()),
                    text=_sentence(prepared, words[place]),
                    context=prepared.vocabulary.decode(context[place]),
                    codes=codes[place],
                    photo=int(prepared.records.photos[row]),
                )


def _sentence(prepared: Prepared, words: list[int]) -> str:
    return " ".join(prepared.vocabulary.decode(words))
