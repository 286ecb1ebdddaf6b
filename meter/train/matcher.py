"""Trains the matcher on true pairs only, to tell a pair from in-batch mismatches."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from meter.disc import Discriminator, DiscriminatorConfig, Matcher


@dataclass(kw_only=True, slots=True)
class MatcherConfig:
    """The matcher's encoders and training; the sizes that the data decides are filled in as for D."""

    width: int = 64
    """Width of tokens and of the compared vectors."""
    layers: int = 1
    """Transformer layers in each encoder."""
    epochs: int = 6
    """Passes over the training split."""
    batch_size: int = 128
    """Pairs a step; each sentence is compared with this many pictures."""
    learning_rate: float = 2e-3
    """Peak rate of AdamW under a one-cycle schedule."""


NUM_OTHERS = 99
"""Pictures that a pair is compared with."""


def contrastive_loss(scores: Float[Tensor, "B B"]) -> Float[Tensor, ""]:
    """Symmetric cross-entropy of finding the partner, row by row and column by column (Radford et al., 2021)."""
    partners = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, partners) + F.cross_entropy(scores.T, partners)) / 2


def train_matcher(
    words: Int[Tensor, "R S"],
    codes: Int[Tensor, "R M"],
    sizes: DiscriminatorConfig,
    config: MatcherConfig,
    seed: int,
) -> Matcher:
    """Trains a matcher on R true pairs of sentence and picture codes.

    sizes: gives what the data decides (words, codes, lengths); width and layers come from ``config``.
    Returns it in evaluation mode, on the device of ``words``, with 99 of the pictures to compare with.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = replace(sizes, width=config.width, layers=config.layers)
        matcher = Discriminator(sizes).to(words.device)
        steps_per_epoch = max(1, len(words) // config.batch_size)
        optimizer = torch.optim.AdamW(matcher.parameters(), lr=config.learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, config.learning_rate, total_steps=config.epochs * steps_per_epoch + 1
        )
        for _ in range(config.epochs):
            order = torch.randperm(len(words), generator=generator).to(words.device)
            for indices in order[: steps_per_epoch * config.batch_size].split(config.batch_size):
                scores = matcher.score_all(
                    matcher.encode_text(words[indices]), matcher.encode_image(codes[indices])
                )
                optimizer.zero_grad()
                contrastive_loss(scores).backward()
                optimizer.step()
                schedule.step()
    drawn = torch.randperm(len(codes), generator=generator)[:NUM_OTHERS].to(codes.device)
    return Matcher(network=matcher.eval(), others=codes[drawn])
