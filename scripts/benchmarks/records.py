"""Random records of PETER's sizes: what they say means nothing, how long they are is like real reviews."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from meter.model import EOS, PAD, UNK
from meter.train.batches import Examples

WORDS_PER_SENTENCE = 13.01
"""Mean over TripAdvisor's explanations, uncut, as published for PETER's data."""
SHAPE = 3.0
"""Of the gamma distribution that lengths are drawn from: skewed, with sentences of one word and of forty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """PETER's sizes (Li, Zhang & Chen, ACL 2021) on its TripAdvisor data.

    spread: tables and word head start uniform in ± this; PETER's own is 0.1.
    """

    users: int = 9_765
    items: int = 6_280
    words: int = 20_000
    text_length: int = 15
    batch: int = 128
    width: int = 512
    layers: int = 2
    heads: int = 2
    feedforward: int = 2048
    dropout: float = 0.2
    spread: float = 0.1


PETER_SIZES = Sizes()
QUICK_SIZES = Sizes(
    users=9,
    items=7,
    words=50,
    text_length=6,
    batch=8,
    width=16,
    layers=2,
    heads=2,
    feedforward=32,
    dropout=0.0,
    spread=1.0,
)
"""Small, without dropout, and with weights large enough for every one to matter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomRecords:
    """B records in our numbers; words (B, N + 1) end in EOS, then PAD."""

    users: np.ndarray
    items: np.ndarray
    features: np.ndarray
    words: np.ndarray
    lengths: np.ndarray
    ratings: np.ndarray


def draw_lengths(count: int, most: int, generator: np.random.Generator) -> np.ndarray:
    """Words of ``count`` sentences, cut to ``most``; with PETER's 15 that leaves 10.9 in the mean."""
    uncut = np.rint(generator.gamma(SHAPE, WORDS_PER_SENTENCE / SHAPE, count))
    return uncut.clip(1, most).astype(np.int64)


def draw_records(sizes: Sizes, seed: int = 0) -> RandomRecords:
    """One batch of records."""
    generator = np.random.default_rng(seed)
    lengths = draw_lengths(sizes.batch, sizes.text_length, generator)
    places = np.arange(sizes.text_length + 1)
    words = generator.integers(UNK + 1, sizes.words, (sizes.batch, sizes.text_length + 1))
    words = np.where(places < lengths[:, None], words, np.where(places == lengths[:, None], EOS, PAD))
    return RandomRecords(
        users=generator.integers(0, sizes.users, sizes.batch),
        items=generator.integers(0, sizes.items, sizes.batch),
        features=generator.integers(UNK + 1, sizes.words, sizes.batch),
        words=words,
        lengths=lengths,
        ratings=generator.integers(1, 6, sizes.batch).astype(np.float32),
    )


def as_examples(
    records: RandomRecords, device: torch.device, codes: Int[np.ndarray, "B M"] | None = None
) -> Examples:
    """The records where the library trains on them. codes: a picture for each; none where None."""
    count = len(records.users)
    return Examples(
        users=records.users,
        items=records.items,
        features=records.features,
        words=records.words,
        ratings=records.ratings,
        photos=np.full(count, -1) if codes is None else np.arange(count),
        codes=codes,
        device=device,
    )
