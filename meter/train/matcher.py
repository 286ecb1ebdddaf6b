"""The matcher, which learns matching from the true pairs of the training split."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from meter.disc import Discriminator, DiscriminatorConfig, Matcher
from meter.metrics import is_above_chance
from meter.train.matching import MatchingConfig, Negatives, PairedRecords, train_matching

NUM_OTHERS = 99
"""Pictures that a pair is compared with."""


@dataclass(kw_only=True, slots=True)
class MatcherConfig:
    """The matcher's encoders; the sizes that the data decides are filled in as for D."""

    width: int = 64
    """Width of the compared vectors."""
    code_rank: int = 32
    """Width of a code's vector before the linear map of its position."""


def train_matcher(
    training: PairedRecords,
    validation: PairedRecords,
    sizes: DiscriminatorConfig,
    config: MatcherConfig,
    matching: MatchingConfig,
    seed: int,
) -> Matcher:
    """Trains a matcher; where records have features, it is told the one that each sentence was asked for.

    sizes: gives what the data decides (words, codes, grid); width and rank come from ``config``.
    Returns it in evaluation mode, on the device of the records, with pictures of 99 training records to compare with.
    """
    sizes = replace(
        sizes, width=config.width, code_rank=config.code_rank, gated=training.features is not None
    )
    network = new_discriminator(sizes, seed).to(training.items.device)
    auc = train_matching(network, training, validation, Negatives.other_items, matching, seed)
    drawn = np.random.default_rng(seed).permutation(len(training))[:NUM_OTHERS]
    photos = training.photos[torch.from_numpy(drawn).to(training.photos.device)]
    return Matcher(
        network=network,
        others=training.codes[photos].long(),
        auc=None if math.isnan(auc.value) else auc.value,
        above_chance=is_above_chance(auc.value, auc.error),
    )


def new_discriminator(config: DiscriminatorConfig, seed: int) -> Discriminator:
    """One with fresh weights, which depend on the seed alone; torch's generators stay as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Discriminator(config)
