"""The two steps of a training: the transformer descends J, the discriminator ascends L_d."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from meter.disc import (
    MatchScores,
    PairScorer,
    RelaxedPairs,
    RelaxedSentences,
    generator_loss,
    matching_value,
    relax,
)
from meter.model import PAD, Meter, MeterOutput, word_places
from meter.train.batches import Batch
from meter.train.objective import Losses, ObjectiveConfig, Samples, supervised_losses

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(kw_only=True, slots=True)
class Players:
    """Transformer and discriminator with their optimizers, set up for the devices; no discriminator where λd is 0.

    model, scorer: what Fabric wrapped, called in a step.  meter, judge: the modules inside.
    """

    meter: Meter
    model: nn.Module
    model_optimizer: torch.optim.Optimizer
    judge: PairScorer | None = None
    scorer: nn.Module | None = None
    discriminator_optimizer: torch.optim.Optimizer | None = None


@dataclass(slots=True)
class ModelStep:
    """What the transformer's step leaves: its losses, and D's scores with their graph, for D's own step."""

    losses: Losses
    scores: MatchScores | None


def model_step(
    fabric: "Fabric", players: Players, batch: Batch, objective: ObjectiveConfig, clip: float
) -> ModelStep:
    """One step of the transformer down J, with D held still."""
    output = players.model(batch.users, batch.items, batch.features, batch.words, batch.codes, batch.places)
    losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, objective, batch.places)
    scores = None
    if players.scorer is not None and batch.codes is not None:
        pairs = relaxed_pairs(fabric, players, output, batch, objective)
        scores = players.scorer(batch.words, batch.codes, pairs)
        losses.generator = generator_loss(scores, objective.generator_form)
    descend(
        fabric,
        players.model,
        players.model_optimizer,
        losses.total(objective),
        batch,
        clip,
        again=scores is not None,
    )
    return ModelStep(losses, scores)


def discriminator_step(
    fabric: "Fabric", players: Players, batch: Batch, scores: MatchScores, clip: float
) -> Float[Tensor, ""]:
    """One step of D up L_d by the scores that the transformer's step was judged with; returns L_d before the step."""
    assert players.scorer is not None
    assert players.discriminator_optimizer is not None
    value = matching_value(scores)
    descend(fabric, players.scorer, players.discriminator_optimizer, -value, batch, clip)
    return value.detach()


def relaxed_pairs(
    fabric: "Fabric", players: Players, output: MeterOutput, batch: Batch, objective: ObjectiveConfig
) -> RelaxedPairs:
    """Chooses Ê and V̂ such that a gradient flows back through the choice (D2)."""
    words, places = batch.words, batch.places
    if objective.samples is Samples.free_running:
        generated = players.meter.generate(batch.users, batch.items, batch.features)
        words, places = generated.words, word_places(generated.words)
        with fabric.autocast():
            output = players.meter(batch.users, batch.items, batch.features, words, generated.codes, places)
    assert output.visual is not None
    pairs = RelaxedPairs(
        sentences=RelaxedSentences(
            words=relax(output.text.float(), objective.relaxation, objective.temperature),
            places=places,
            present=words != PAD,
        ),
        codes=relax(output.visual.float(), objective.relaxation, objective.temperature),
    )
    if objective.borrowed_features:
        pairs.borrowed = borrow(fabric, players, batch, objective)
    return pairs


def borrow(fabric: "Fabric", players: Players, batch: Batch, objective: ObjectiveConfig) -> RelaxedSentences:
    """What the model says of each item when asked for the next record's feature, in that record's words.

    No review need ever name that feature of that item: D alone judges the sentence, by the item's picture.
    """
    assert batch.features is not None
    features, words = batch.features.roll(1), batch.words.roll(1, dims=0)
    places = (batch.places + words.shape[1]) % words.numel()
    with fabric.autocast():
        output = players.meter(batch.users, batch.items, features, words, None, places)
    return RelaxedSentences(
        words=relax(output.text.float(), objective.relaxation, objective.temperature),
        places=places,
        present=words != PAD,
    )


def descend(
    fabric: "Fabric",
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Float[Tensor, ""],
    batch: Batch,
    clip: float,
    *,
    again: bool = False,
) -> None:
    """Moves the weights of this module alone down the clipped gradient.

    again: whether another player will go back through the same graph.
    A loss that is no number stops the run before any weight moves.
    """
    if not torch.isfinite(loss):
        rows = batch.rows.tolist()
        raise FloatingPointError(
            f"the loss is {loss.item()} on the batch of records {rows}; weights are unchanged"
        )
    optimizer.zero_grad(set_to_none=True)
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    fabric.backward(loss, inputs=weights, retain_graph=again)
    fabric.clip_gradients(module, optimizer, max_norm=clip, error_if_nonfinite=False)
    optimizer.step()
