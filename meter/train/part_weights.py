"""A batch that is computed in parts, one after another or by several processes, and what each part weighs in it.

Sentences differ in length and some records have no picture, so the mean of the parts' means is not the mean of the
whole. Weighed by what they hold, it is: k parts on p processes move the weights as one batch does.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from meter.train.batches import Batch
from meter.train.objective import ContextTargets, Shares, context_words

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def held(batch: Batch, targets: ContextTargets) -> Float[Tensor, "4"]:
    """How many words, words of context, pictures and records a batch holds."""
    context = context_words(batch.words, targets).sum()
    pictures = torch.zeros_like(context) if batch.codes is None else (batch.codes[:, 0] >= 0).sum()
    words, records = (torch.full_like(context, len(each)) for each in (batch.places, batch.rows))
    return torch.stack([words, context, pictures, records]).float()


def shares(fabric: "Fabric", parts: Sequence[Batch], targets: ContextTargets) -> list[Shares]:
    """What each of this process's parts weighs in the mean over all parts of all processes.

    Gradients are averaged over processes, so the shares of one process add up to 1 only where there is one.
    """
    counts = torch.stack([held(part, targets) for part in parts])
    whole = counts.sum(0)
    if fabric.world_size > 1:
        whole = torch.as_tensor(fabric.all_reduce(whole, reduce_op="sum"))
    return [Shares(*share) for share in counts * fabric.world_size / whole.clamp(min=1)]
