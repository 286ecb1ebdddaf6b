"""Puts prepared data, codes and configs together: sizes filled in, examples on the device, networks set up."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.baselines import Baseline, Phase
from meter.data import Prepared
from meter.disc import Discriminator, DiscriminatorConfig, PairScorer
from meter.model import Meter, ModelConfig, PackedMeter, VisualTable
from meter.train.batches import Examples
from meter.train.matching import PairedRecords
from meter.train.networks import JointNetworks, Module, TrainedNetwork
from meter.train.objective import DiscriminatorTraining, ObjectiveConfig
from meter.train.optimizer import OptimizerConfig, make_discriminator_optimizer, make_optimizer
from meter.vq import VQGAN

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def model_config(config: ModelConfig, prepared: Prepared, vq: VQGAN | None) -> ModelConfig:
    """The model's config with the sizes that data and VQ-GAN decide."""
    return dataclasses.replace(
        config,
        num_users=len(prepared.users),
        num_items=len(prepared.items),
        num_words=len(prepared.vocabulary),
        num_codes=vq.config.num_codes if vq else 0,
        # A prepared sentence is followed by its EOS.
        text_length=prepared.records.words.shape[1] - 1,
        grid=list(vq.grid) if vq else [],
    )


def discriminator_config(config: DiscriminatorConfig, model: ModelConfig) -> DiscriminatorConfig:
    """The config of a discriminator for sentences and pictures of the model's sizes."""
    return dataclasses.replace(
        config,
        num_words=model.num_words,
        num_codes=model.num_codes,
        grid=model.grid,
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


def paired_records(prepared: Prepared, examples: Examples, split: str) -> PairedRecords:
    """The records of a split that have a photo.

    examples: of the same dataset, with codes.
    """
    assert examples.codes is not None
    rows = np.asarray(prepared.splits[split])
    rows = rows[np.asarray(prepared.records.photos)[rows] >= 0]
    indices = torch.from_numpy(rows.astype(np.int64)).to(examples.device)
    return PairedRecords(
        items=examples.items[indices].long(),
        features=None if examples.features is None else examples.features[indices].long(),
        words=examples.words[indices],
        photos=examples.photos[indices],
        photo_sets=np.asarray(prepared.records.photo_sets)[rows],
        sets=prepared.photo_sets,
        codes=examples.codes,
    )


def make_networks(
    fabric: "Fabric",
    *,
    model: ModelConfig,
    discriminator: DiscriminatorConfig,
    objective: ObjectiveConfig,
    optimizer: OptimizerConfig,
    vq: VQGAN | None,
    picture_features: Float[Tensor, "I F"] | None = None,
    learned: Discriminator | None = None,
) -> JointNetworks:
    """Transformer and, where λd > 0, discriminator, on the devices; with fresh weights unless D has learned.

    model: with its sizes filled in (``model_config``); the discriminator takes its own from there.
    vq: gives the code vectors to a model whose ``visual_table`` is the codebook.
    picture_features: of every item, for a model that is handed them (``meter.train.picture_features``).
    learned: D, where it learns first.
    The weights depend on torch's global generator.
    """
    from_codebook = vq is not None and model.visual_table is VisualTable.codebook
    codebook = vq.codebook.vectors.detach().clone() if vq and from_codebook else None
    meter = Meter(model, codebook, picture_features)
    networks = JointNetworks(
        model=meter,
        transformer=on_devices(fabric, PackedMeter(meter), lambda _: make_optimizer(meter, optimizer)),
    )
    if objective.lambda_d > 0:
        scorer = PairScorer(
            learned or Discriminator(discriminator_config(discriminator, model)),
            generated_pair=objective.generated_pair_negatives,
            mismatched=objective.mismatched_negatives,
        )
        if objective.discriminator_training is DiscriminatorTraining.held:
            networks.held = scorer.requires_grad_(False).eval()
            fabric.to_device(scorer)
        else:
            networks.discriminator = on_devices(
                fabric, scorer, lambda module: make_discriminator_optimizer(module, optimizer)
            )
    return networks


def make_phase_networks(
    fabric: "Fabric", model: Baseline, phase: Phase, optimizer: OptimizerConfig
) -> JointNetworks:
    """A baseline on the devices, for one phase of its training: no other weights than that phase's move."""
    model.requires_grad_(False)
    phase.trained.requires_grad_(True)
    if phase.weight_decay is not None:
        optimizer = dataclasses.replace(optimizer, weight_decay=phase.weight_decay)
    network = on_devices(fabric, phase.network, lambda module: make_optimizer(module, optimizer))
    return JointNetworks(model=model, transformer=network)


def on_devices(
    fabric: "Fabric", module: Module, make: Callable[[Module], torch.optim.Optimizer]
) -> TrainedNetwork[Module]:
    """Puts a network on the devices, then makes its optimizer, which must hold the weights that lie there."""
    wrapped = fabric.setup_module(module)
    optimizer = cast(torch.optim.Optimizer, fabric.setup_optimizers(make(module)))
    return TrainedNetwork(module=module, wrapped=wrapped, optimizer=optimizer)
