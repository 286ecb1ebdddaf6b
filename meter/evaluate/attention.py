"""Where text and picture slots look: attention by layer and head, summed over what the slots stand for.

Attention is not explanation (Jain and Wallace, 2019): what a model uses is measured in ``reliance``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.evaluate.generations import Generation
from meter.model import Layout, Meter
from meter.model.attention_maps import attention_maps
from meter.model.sequence import present
from meter.train.batches import Batch


class Target(IntEnum):
    """What a slot of the sequence stands for."""

    user = 0
    item = 1
    feature = 2
    """The feature word that is given, before the sentence."""
    bos = 3
    words = 4
    """Words of the sentence that are none of the next two."""
    named_feature = 5
    """The feature word in the sentence."""
    said_value = 6
    """In the world: a word that gives the feature's value. Elsewhere: the word right after the feature word."""
    boi = 7
    codes = 8


@dataclass(kw_only=True, slots=True)
class HeadShares:
    """Of one head, counted from 1 as the layers are: how its attention is shared out; the shares add up to 1."""

    layer: int
    head: int
    shares: dict[str, float]


@dataclass(kw_only=True, slots=True)
class Looks:
    """Where the slots of one kind look, mean over slots and examples.

    slots: that were averaged over.
    even: the shares of a look that gives every visible slot the same.
    """

    slots: int
    even: dict[str, float]
    heads: list[HeadShares]


@dataclass(kw_only=True, slots=True)
class Attention:
    """Where the model looks while it writes and draws; picture is None for a model without pictures.

    value_known: whether ``said_value`` is a word that the world's oracle knows, or just the word after the feature.
    """

    count: int
    value_known: bool
    text: Looks
    picture: Looks | None


class LookCounter:
    """Adds up attention of the asking slots by layer, head and target, batch after batch."""

    def __init__(self) -> None:
        self.asked = 0
        self.mass: Tensor | None = None

    def add(
        self,
        maps: Sequence[Float[Tensor, "B _ Q T"]],
        asking: Bool[Tensor, "B Q"],
        targets: Int[Tensor, "B T"],
    ) -> None:
        """maps: weights of each layer, all with the same heads. asking: which slots are averaged over."""
        totals = torch.stack([attention_mass(weights, asking, targets) for weights in maps])
        self.mass = totals if self.mass is None else self.mass + totals
        self.asked += int(asking.sum())

    def shares(self) -> Float[np.ndarray, "L H G"]:
        assert self.mass is not None
        return (self.mass / self.asked).double().cpu().numpy()


def attention_mass(
    weights: Float[Tensor, "B H Q T"], asking: Bool[Tensor, "B Q"], targets: Int[Tensor, "B T"]
) -> Float[Tensor, "H G"]:
    """The attention that the asking slots put on each of the G targets, summed over slots and examples."""
    belongs = F.one_hot(targets, len(Target)).to(weights.dtype)
    return ((weights @ belongs[:, None]) * asking[:, None, :, None]).sum(dim=(0, 2))


def slot_targets(
    layout: Layout,
    words: Int[Tensor, "B S"],
    named: Bool[Tensor, "B S"],
    said: Bool[Tensor, "B S"],
    length: int,
) -> Int[Tensor, "B T"]:
    """What each of the first ``length`` slots stands for; named and said mark words by their place in the sentence."""
    targets = torch.full((len(words), length), int(Target.codes), device=words.device)
    conditions = [Target.user, Target.item, *([Target.feature] if layout.has_feature else []), Target.bos]
    targets[:, : len(conditions)] = torch.tensor([int(one) for one in conditions], device=words.device)
    of_words = torch.full_like(words[:, :-1], int(Target.words))
    of_words[named[:, :-1]] = int(Target.named_feature)
    of_words[said[:, :-1]] = int(Target.said_value)
    targets[:, len(conditions) : layout.text.stop] = of_words
    if length > layout.text.stop:
        targets[:, layout.text.stop] = int(Target.boi)
    return targets


def mark_words(
    generated: Sequence[Generation], length: int, value_words: dict[str, dict[str, str]] | None
) -> tuple[Bool[np.ndarray, "B S"], Bool[np.ndarray, "B S"]]:
    """Where each sentence names its feature, and where it says its value.

    length: S, the columns wanted.
    value_words: of each feature in the world; None elsewhere, where the word right after the feature is marked.
    """
    named, said = (np.zeros((len(generated), length), dtype=bool) for _ in range(2))
    for row, one in enumerate(generated):
        words, feature = one.text.split()[:length], (one.feature or "").split()
        starts = [
            place for place in range(len(words)) if feature and words[place : place + len(feature)] == feature
        ]
        for start in starts:
            named[row, start : start + len(feature)] = True
            said[row, start + len(feature) : start + len(feature) + 1] = value_words is None
        if value_words is not None:
            known = value_words.get(one.feature or "", {})
            said[row, [place for place, word in enumerate(words) if word in known]] = True
    return named, said


@torch.no_grad()
def watch_attention(
    model: Meter,
    batches: Sequence[Batch],
    generated: Sequence[Generation],
    value_words: dict[str, dict[str, str]] | None,
) -> Attention:
    """Where the model looks, over the sentences and pictures that it generated itself.

    batches: the generated examples, their words and codes in place of the true ones. generated: the same, in order.
    """
    layout, drawn = model.layout, batches[0].codes is not None
    named, said = (
        torch.from_numpy(marks) for marks in mark_words(generated, batches[0].words.shape[1], value_words)
    )
    kinds = {"text": layout.text, **({"picture": layout.visual} if drawn else {})}
    looks = {kind: (LookCounter(), LookCounter()) for kind in kinds}
    start = 0
    for batch in batches:
        device, rows = batch.words.device, slice(start, start + len(batch.words))
        with attention_maps(model.transformer) as maps:
            model(batch.users, batch.items, batch.features, batch.words, batch.codes)
        length = maps[0].shape[-1]
        there = present(layout, batch.words)[:, :length]
        seen = (model.visible[:length, :length] & there[:, None]).float()
        even = (seen / seen.sum(dim=-1, keepdim=True))[:, None]
        targets = slot_targets(layout, batch.words, named[rows].to(device), said[rows].to(device), length)
        for kind, slots in kinds.items():
            found, evenly = looks[kind]
            found.add([weights[:, :, slots] for weights in maps], there[:, slots], targets)
            evenly.add([even[:, :, slots]], there[:, slots], targets)
        start = rows.stop
    return Attention(
        count=len(generated),
        value_known=value_words is not None,
        text=_looks(*looks["text"]),
        picture=_looks(*looks["picture"]) if drawn else None,
    )


def _looks(found: LookCounter, evenly: LookCounter) -> Looks:
    """By name, without the targets that none of these slots ever sees."""
    even = evenly.shares()[0, 0]
    kept = [target for target in Target if even[target] > 0]

    def by_name(shares: Float[np.ndarray, "G"]) -> dict[str, float]:
        return {target.name: float(shares[target]) for target in kept}

    return Looks(
        slots=found.asked,
        even=by_name(even),
        heads=[
            HeadShares(layer=layer + 1, head=head + 1, shares=by_name(shares))
            for layer, heads in enumerate(found.shares())
            for head, shares in enumerate(heads)
        ],
    )
