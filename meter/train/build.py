"""Puts prepared data, codes and config together: sizes filled in, examples on the device, players set up."""

import dataclasses
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from jaxtyping import Int

from meter.config import RunConfig
from meter.data import Prepared
from meter.disc import Discriminator, DiscriminatorConfig, PairScorer
from meter.model import Meter, ModelConfig, VisualTable
from meter.train.batches import Examples
from meter.train.optimizer import make_discriminator_optimizer, make_optimizer
from meter.train.steps import Players
from meter.vq import VQGAN

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def model_config(config: RunConfig, prepared: Prepared, vq: VQGAN | None) -> ModelConfig:
    """The model's config with the sizes that data and VQ-GAN decide."""
    return dataclasses.replace(
        config.model,
        num_users=len(prepared.users),
        num_items=len(prepared.items),
        num_words=len(prepared.vocabulary),
        num_codes=vq.config.num_codes if vq else 0,
        text_length=config.dataset.text_length,
        grid=list(vq.grid) if vq else [],
    )


def discriminator_config(
    config: RunConfig, model: ModelConfig, *, width: int, layers: int
) -> DiscriminatorConfig:
    """The config of a network that compares sentences and pictures of the model's sizes."""
    return dataclasses.replace(
        config.disc,
        num_words=model.num_words,
        num_codes=model.num_codes,
        text_length=model.text_length,
        grid=model.grid,
        width=width,
        layers=layers,
    )


def make_examples(
    prepared: Prepared, codes: Int[np.ndarray, "P M"] | None, *, has_feature: bool, device: torch.device
) -> Examples:
    """All records of a dataset on the device."""
    records = prepared.records
    return Examples(
        users=records.users,
        items=records.items,
        features=records.features if has_feature else None,
        words=records.words,
        ratings=records.ratings,
        photos=records.photos,
        codes=codes,
        device=device,
    )


def make_players(config: RunConfig, sizes: ModelConfig, vq: VQGAN | None, fabric: "Fabric") -> Players:
    """Transformer and, where λd > 0, discriminator, with fresh weights, on the devices.

    The weights depend on torch's global generator.
    """
    from_codebook = vq is not None and sizes.visual_table is VisualTable.codebook
    meter = Meter(sizes, vq.codebook.vectors.detach().clone() if vq and from_codebook else None)
    model = fabric.setup_module(meter)
    players = Players(
        meter=meter,
        model=model,
        model_optimizer=on_devices(fabric, make_optimizer(meter, config.optimizer)),
    )
    if config.objective.lambda_d > 0:
        judge = PairScorer(
            Discriminator(
                discriminator_config(config, sizes, width=config.disc.width, layers=config.disc.layers)
            ),
            generated_pair=config.objective.generated_pair_negatives,
            mismatched=config.objective.mismatched_negatives,
        )
        players.judge, players.scorer = judge, fabric.setup_module(judge)
        optimizer = make_discriminator_optimizer(judge, config.optimizer)
        players.discriminator_optimizer = on_devices(fabric, optimizer)
    return players


def on_devices(fabric: "Fabric", optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimizer as Fabric wraps it, of weights that are where they belong already."""
    return cast(torch.optim.Optimizer, fabric.setup_optimizers(optimizer))
