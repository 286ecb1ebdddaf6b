"""One step of the joint training: the transformer descends J, the discriminator ascends L_d."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.disc import (
    Generated,
    GeneratedPairs,
    MatchScores,
    RelaxedSentences,
    TruePairs,
    generator_loss,
    matching_value,
    relax,
)
from meter.model import PAD, PackedOutput, word_slots
from meter.train.batches import Batch
from meter.train.networks import JointNetworks, TrainedNetwork
from meter.train.objective import Losses, ObjectiveConfig, SampleSource, SentenceGradient, supervised_losses
from meter.train.part_weights import PartWeights, part_weights, weighted
from meter.train.sentence_rewards import sentence_reward_loss
from meter.train.sharding import gathered

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(slots=True)
class ModelPass:
    """What the pass for the transformer's gradient gives: its losses, and D's scores with their graph for D's own."""

    losses: Losses
    scores: MatchScores | None


def joint_step(
    fabric: "Fabric",
    networks: JointNetworks,
    parts: Sequence[Batch],
    objective: ObjectiveConfig,
    clip: float | None,
) -> dict[str, float]:
    """One step of both networks on a batch that comes in parts; returns the parts of J, J as total and L_d as matching.

    What a record meets in its batch (mismatched pictures, borrowed features) comes from its own part.
    clip: largest norm of each network's gradient; None leaves it as it is.
    Raises FloatingPointError where a loss or a gradient is not finite, before any weight of either network moves.
    """
    networks.zero_gradients()
    values = []
    weights = part_weights(fabric, parts, objective.context_targets)
    for index, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        with unsynchronised(fabric, networks, index + 1 < len(parts)):
            model_pass = model_gradient(fabric, networks, part, objective, weight)
            named = model_pass.losses.named() | {"total": model_pass.losses.total(objective).detach()}
            if model_pass.scores is not None and networks.discriminator is not None:
                named["matching"] = discriminator_gradient(
                    fabric, networks, model_pass.scores, objective, weight
                )
        values.append(named)
    scaled = has_loss_scaler(fabric)
    norms = {} if scaled else {name: clipped(fabric, each, clip) for name, each in networks.named().items()}
    means = checked(values, norms, parts)
    for network in networks.all():
        if scaled:
            clipped(fabric, network, clip)
        network.optimizer.step()
    return means


def model_gradient(
    fabric: "Fabric", networks: JointNetworks, batch: Batch, objective: ObjectiveConfig, weight: PartWeights
) -> ModelPass:
    """Adds the gradient of J to the transformer's weights; D's stay as they are."""
    output = networks.transformer.wrapped(
        batch.users,
        batch.items,
        batch.features,
        batch.words,
        batch.codes,
        batch.word_slots,
        batch.ratings,
    )
    losses = supervised_losses(output, batch.words, batch.ratings, batch.codes, objective)
    scores = None
    if networks.scorer is not None and objective.lambda_d > 0 and batch.codes is not None:
        generated = generate_relaxed(fabric, networks, output, batch, objective)
        with fabric.autocast():
            scores = networks.scorer(true_pairs(batch), generated)
        losses.generator = generator_loss(scores, objective.generator_form)
        if objective.borrowed_features and objective.sentence_gradient is not SentenceGradient.relaxed:
            losses.generator = losses.generator + sentence_reward_loss(
                fabric, networks, batch, borrowed(batch), objective
            )
    losses = weighted(losses, weight)
    add_gradient(
        fabric,
        networks.transformer,
        losses.total(objective),
        keep_graph=scores is not None and networks.discriminator is not None,
    )
    return ModelPass(losses, scores)


def discriminator_gradient(
    fabric: "Fabric",
    networks: JointNetworks,
    scores: MatchScores,
    objective: ObjectiveConfig,
    weight: PartWeights,
) -> Float[Tensor, ""]:
    """Adds the gradient of −L_d to D's weights, from the scores that the transformer's loss used; returns L_d."""
    assert networks.discriminator is not None
    value = matching_value(scores, generated_negatives=objective.generated_negatives) * weight.pictures
    add_gradient(fabric, networks.discriminator, -value)
    return value.detach()


def true_pairs(batch: Batch) -> TruePairs:
    """E and V of a batch with pictures."""
    assert batch.codes is not None
    return TruePairs(items=batch.items, features=batch.features, words=batch.words, codes=batch.codes)


def generate_relaxed(
    fabric: "Fabric", networks: JointNetworks, output: PackedOutput, batch: Batch, objective: ObjectiveConfig
) -> Generated:
    """What L_d scores of a batch: the records' own sentences and pictures, and those about borrowed features."""
    generated = Generated()
    if objective.own_pairs:
        generated.own = generated_pairs(fabric, networks, output, batch, objective)
    if objective.borrowed_features and objective.sentence_gradient is SentenceGradient.relaxed:
        generated.borrowed = borrowed_sentences(fabric, networks, batch, objective)
    return generated


def generated_pairs(
    fabric: "Fabric", networks: JointNetworks, output: PackedOutput, batch: Batch, objective: ObjectiveConfig
) -> GeneratedPairs:
    """Ê and V̂ of a batch, chosen such that a gradient flows back through the choice (D2)."""
    words, chosen_words, chosen_codes = batch.words, None, None
    if objective.samples is SampleSource.free_running:
        generated = networks.meter.generate(batch.users, batch.items, batch.features)
        words, slots = generated.words, word_slots(generated.words)
        chosen_words, chosen_codes = words.flatten()[slots], generated.codes
        with fabric.autocast():
            output = networks.transformer.module(
                batch.users, batch.items, batch.features, words, chosen_codes, slots
            )
    assert output.text is not None
    assert output.visual is not None
    relaxation, temperature = objective.relaxation, objective.temperature
    return GeneratedPairs(
        sentences=RelaxedSentences(
            features=batch.features,
            words=relax(output.text.float(), relaxation, temperature, chosen=chosen_words),
            word_slots=output.word_slots,
            present=words != PAD,
        ),
        codes=relax(output.visual.float(), relaxation, temperature, chosen=chosen_codes),
    )


def borrowed(batch: Batch) -> Int[Tensor, " B"]:
    """For each record the feature of the next one."""
    assert batch.features is not None
    return batch.features.roll(1)


def borrowed_sentences(
    fabric: "Fabric", networks: JointNetworks, batch: Batch, objective: ObjectiveConfig
) -> RelaxedSentences:
    """What the model writes about each item and the next record's feature, read along that record's words.

    No review need ever name that feature of that item: only D scores the sentence, beside the item's picture.
    """
    features, words = borrowed(batch), batch.words.roll(1, dims=0)
    shifted = (batch.word_slots + words.shape[1]) % words.numel()
    with fabric.autocast():
        output = networks.transformer.module(batch.users, batch.items, features, words, None, shifted)
    assert output.text is not None
    return RelaxedSentences(
        features=features,
        words=relax(output.text.float(), objective.relaxation, objective.temperature),
        word_slots=output.word_slots,
        present=words != PAD,
    )


@contextmanager
def unsynchronised(fabric: "Fabric", networks: JointNetworks, enabled: bool) -> Iterator[None]:
    """Where enabled, processes do not exchange gradients in this block: they do so once a step, in its last part."""
    with ExitStack() as stack:
        for network in networks.all() if enabled else ():
            stack.enter_context(fabric.no_backward_sync(network.wrapped))  # pyright: ignore[reportArgumentType]
        yield


def add_gradient(
    fabric: "Fabric", network: TrainedNetwork, loss: Float[Tensor, ""], *, keep_graph: bool = False
) -> None:
    """Adds the gradient of a loss to the weights of this network alone.

    keep_graph: whether the other network's gradient is still to be computed from the same graph.
    """
    fabric.backward(loss, inputs=network.weights(), retain_graph=keep_graph)


def has_loss_scaler(fabric: "Fabric") -> bool:
    """Whether Fabric scales the loss (16-mixed), so that gradients may overflow: it then skips that network's step.

    It undoes its scaling as a gradient is clipped, and each network must be moved before the next one's is.
    """
    return getattr(fabric.strategy.precision, "scaler", None) is not None


def clipped(fabric: "Fabric", network: TrainedNetwork, clip: float | None) -> Float[Tensor, ""]:
    """Scales the network's gradient down to the norm ``clip`` where it is larger; returns the norm it had."""
    norm = fabric.clip_gradients(
        network.wrapped,
        network.optimizer,
        max_norm=math.inf if clip is None else clip,
        error_if_nonfinite=False,
    )
    return gathered(norm)


def checked(
    values: Sequence[dict[str, Tensor]], norms: Mapping[str, Tensor], parts: Sequence[Batch]
) -> dict[str, float]:
    """The sums over parts, read from the device at once, together with the gradients' norms.

    Raises FloatingPointError where a loss or a norm is not finite.
    """
    names = list(dict.fromkeys(name for part in values for name in part))
    nothing = torch.zeros((), device=values[0]["total"].device)
    losses = torch.stack([part.get(name, nothing).float() for part in values for name in names])
    numbers = torch.cat([losses, *(norm.float()[None] for norm in norms.values())]).tolist()
    by_part = [numbers[start : start + len(names)] for start in range(0, len(losses), len(names))]
    for of_part, part in zip(by_part, parts, strict=True):
        if not all(map(math.isfinite, of_part)):
            raise FloatingPointError(
                f"the loss is {of_part[names.index('total')]} on the batch of records {part.indices.tolist()}; "
                "weights are unchanged"
            )
    for name, norm in zip(norms, numbers[len(losses) :], strict=True):
        if not math.isfinite(norm):
            raise FloatingPointError(
                f"the norm of the gradient of the {name} is {norm} on the batch of records "
                f"{[index for part in parts for index in part.indices.tolist()]}; weights are unchanged"
            )
    return {name: math.fsum(column) for name, column in zip(names, zip(*by_part, strict=True), strict=True)}
