"""The two steps of a training: the transformer descends J, the discriminator ascends L_d."""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
from meter.train.objective import Losses, ObjectiveConfig, Samples, Shares, supervised_losses
from meter.train.part_weights import shares

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
class ModelGradient:
    """What the transformer's gradient leaves: its losses, and D's scores with their graph, for D's own gradient."""

    losses: Losses
    scores: MatchScores | None


def joint_step(
    fabric: "Fabric", players: Players, parts: Sequence[Batch], objective: ObjectiveConfig, clip: float
) -> dict[str, float]:
    """One step of both players on a batch that comes in parts; returns the parts of J, J as total and L_d as matching.

    What a record meets in its batch (mismatched pictures, borrowed features) comes from its own part.
    A loss that is no number stops the run before any weight moves.
    """
    forget(players)
    values = []
    for number, (part, share) in enumerate(
        zip(parts, shares(fabric, parts, objective.context_targets), strict=True)
    ):
        with gradients_kept_apart(fabric, players, until_last=number + 1 < len(parts)):
            done = model_gradient(fabric, players, part, objective, share)
            named = done.losses.named() | {"total": done.losses.total(objective).detach()}
            if done.scores is not None:
                named["matching"] = discriminator_gradient(fabric, players, done.scores, share)
        values.append(named)
    means = checked(values, parts)
    move(fabric, players.model, players.model_optimizer, clip)
    if players.scorer is not None and players.discriminator_optimizer is not None:
        move(fabric, players.scorer, players.discriminator_optimizer, clip)
    return means


def model_gradient(
    fabric: "Fabric", players: Players, batch: Batch, objective: ObjectiveConfig, share: Shares
) -> ModelGradient:
    """Adds the gradient of J to the transformer's weights, with D held still."""
    output = players.model(batch.users, batch.items, batch.features, batch.words, batch.codes, batch.places)
    losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, objective, batch.places)
    scores = None
    if players.scorer is not None and batch.codes is not None:
        pairs = relaxed_pairs(fabric, players, output, batch, objective)
        scores = players.scorer(batch.words, batch.codes, pairs)
        losses.generator = generator_loss(scores, objective.generator_form)
    losses = losses.shared(share)
    add_gradient(fabric, players.model, losses.total(objective), again=scores is not None)
    return ModelGradient(losses, scores)


def discriminator_gradient(
    fabric: "Fabric", players: Players, scores: MatchScores, share: Shares
) -> Float[Tensor, ""]:
    """Adds D's gradient up L_d by the scores that the transformer was judged with; returns L_d."""
    assert players.scorer is not None
    value = matching_value(scores) * share.pictures
    add_gradient(fabric, players.scorer, -value)
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


def forget(players: Players) -> None:
    """Drops the gradients of the last step."""
    players.model_optimizer.zero_grad(set_to_none=True)
    if players.discriminator_optimizer is not None:
        players.discriminator_optimizer.zero_grad(set_to_none=True)


@contextmanager
def gradients_kept_apart(fabric: "Fabric", players: Players, *, until_last: bool) -> Iterator[None]:
    """Processes exchange gradients once a step, with the last part."""
    with ExitStack() as stack:
        for module in (players.model, players.scorer):
            if module is not None and until_last:
                stack.enter_context(fabric.no_backward_sync(module))  # pyright: ignore[reportArgumentType]
        yield


def add_gradient(
    fabric: "Fabric", module: nn.Module, loss: Float[Tensor, ""], *, again: bool = False
) -> None:
    """Adds the gradient of a loss to the weights of this module alone.

    again: whether another player will go back through the same graph.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    fabric.backward(loss, inputs=weights, retain_graph=again)


def checked(values: Sequence[dict[str, Tensor]], parts: Sequence[Batch]) -> dict[str, float]:
    """The sums over parts, read from the device at once.

    Raises FloatingPointError where a loss is no number.
    """
    names = list(values[0])
    table = torch.stack([torch.stack([part[name].float() for name in names]) for part in values]).tolist()
    for line, part in zip(table, parts, strict=True):
        total = line[names.index("total")]
        if not all(map(math.isfinite, line)):
            raise FloatingPointError(
                f"the loss is {total} on the batch of records {part.rows.tolist()}; weights are unchanged"
            )
    return {name: math.fsum(column) for name, column in zip(names, zip(*table, strict=True), strict=True)}


def move(fabric: "Fabric", module: nn.Module, optimizer: torch.optim.Optimizer, clip: float) -> None:
    """Moves the weights of a module down its clipped gradient."""
    fabric.clip_gradients(module, optimizer, max_norm=clip, error_if_nonfinite=False)
    optimizer.step()
