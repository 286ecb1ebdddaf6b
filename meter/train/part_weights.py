"""A batch that is computed in parts, one after another or by several processes, and what each part weighs in it.

Sentences differ in length and some records have no picture, so the mean of the parts' means is not the mean of the
whole. With each part weighted by what it holds, it is: k parts on p processes move the weights as one batch does.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from meter.train.batches import Batch
from meter.train.objective import ContextTargets, Losses, ObjectiveConfig, context_words

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(slots=True)
class PartWeights:
    """What the means of one part weigh in the means over the whole batch: all 1 where the part is the whole.

    words: for the text loss.  context: words that the context head is scored on.
    pictures: for the visual loss and L_d.  records: for the rating loss.
    """

    words: Float[Tensor, ""]
    context: Float[Tensor, ""]
    pictures: Float[Tensor, ""]
    records: Float[Tensor, ""]


def count_part(batch: Batch, targets: ContextTargets) -> Float[Tensor, "4"]:
    """How many words, context words, pictures and records a batch holds."""
    context = context_words(batch.words, targets).sum()
    pictures = torch.zeros_like(context) if batch.codes is None else (batch.codes[:, 0] >= 0).sum()
    words, records = (torch.full_like(context, len(each)) for each in (batch.word_slots, batch.indices))
    return torch.stack([words, context, pictures, records]).float()


def part_weights(fabric: "Fabric", parts: Sequence[Batch], targets: ContextTargets) -> list[PartWeights]:
    """The weights of each of this process's parts in the mean over all parts of all processes.

    Gradients are averaged over processes, so the weights of one process add up to 1 only where there is one.
    """
    counts = torch.stack([count_part(part, targets) for part in parts])
    whole = counts.sum(0)
    if fabric.world_size > 1:
        whole = torch.as_tensor(fabric.all_reduce(whole, reduce_op="sum"))
    return [PartWeights(*weights) for weights in counts * fabric.world_size / whole.clamp(min=1)]


def weighted(losses: Losses, weights: PartWeights) -> Losses:
    """What a part of a batch adds to each mean over the whole batch."""

    def times(loss: Tensor | None, weight: Tensor) -> Tensor | None:
        return None if loss is None else loss * weight

    return Losses(
        text=times(losses.text, weights.words),
        visual=times(losses.visual, weights.pictures),
        rating=times(losses.rating, weights.records),
        context=times(losses.context, weights.context),
        generator=times(losses.generator, weights.pictures),
    )


class LossMeans:
    """Each supervised loss over many batches: its mean over all their words, context words, pictures or records."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.counts = torch.zeros(4, dtype=torch.float64)

    def add(self, losses: Losses, counts: Float[Tensor, "4"]) -> None:
        """Adds a batch with its ``count_part``."""
        for name, total in weighted(losses, PartWeights(*counts)).named().items():
            self.sums[name] += total.item()
        self.counts += counts.cpu()

    def means(self, objective: ObjectiveConfig) -> dict[str, float]:
        """The means by name, and J without L_d as total."""
        sums = {name: torch.tensor(total, dtype=torch.float64) for name, total in self.sums.items()}
        losses = Losses(
            text=sums.get("text"),
            visual=sums.get("visual"),
            rating=sums.get("rating"),
            context=sums.get("context"),
            generator=None,
        )
        means = weighted(losses, PartWeights(*(1 / self.counts.clamp(min=1))))
        values = means.named() | {"total": means.total(objective)}
        return {name: value.item() for name, value in values.items()}
