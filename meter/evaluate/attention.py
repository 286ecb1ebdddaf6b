"""Where a model attends while it writes and draws: attention by layer and head, summed by what the slots hold.

Attention is not explanation (Jain and Wallace, 2019): what a model uses is measured in ``input_importance``.
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
from meter.model.sequence import present_slots
from meter.train.batches import Batch


class SlotKind(IntEnum):
    """What a slot of the sequence holds."""

    user = 0
    item = 1
    feature = 2
    """The feature word that is given, before the sentence."""
    bos = 3
    words = 4
    """Words of the sentence that are neither of the next two."""
    named_feature = 5
    """The feature word in the sentence."""
    value_word = 6
    """In the world: a word that gives the feature's value. Elsewhere: the word right after the feature word."""
    boi = 7
    codes = 8


@dataclass(kw_only=True, slots=True)
class HeadShares:
    """How one head, counted from 1 as the layers are, distributes its attention; the shares add up to 1."""

    layer: int
    head: int
    shares: dict[str, float]


@dataclass(kw_only=True, slots=True)
class AttentionShares:
    """What the slots of the text, or of the picture, attend to: means over these slots and all examples.

    slots: how many were averaged over.
    uniform: the shares if every visible slot got the same attention.
    """

    slots: int
    uniform: dict[str, float]
    heads: list[HeadShares]


@dataclass(kw_only=True, slots=True)
class Attention:
    """What text and picture attend to; picture is None for a model without pictures.

    value_known: whether ``value_word`` is a word that the world's oracle knows, or just the word after the feature.
    """

    count: int
    value_known: bool
    text: AttentionShares
    picture: AttentionShares | None


class AttentionSum:
    """Adds up the attention that some slots, the queries, give by layer, head and kind of slot, batch after batch."""

    def __init__(self) -> None:
        self.num_queries = 0
        self.mass: Tensor | None = None

    def add(
        self,
        maps: Sequence[Float[Tensor, "B _ Q T"]],
        queries: Bool[Tensor, "B Q"],
        kinds: Int[Tensor, "B T"],
    ) -> None:
        """maps: weights of each layer, all with the same heads. queries: which slots are averaged over."""
        totals = torch.stack([attention_mass(weights, queries, kinds) for weights in maps])
        self.mass = totals if self.mass is None else self.mass + totals
        self.num_queries += int(queries.sum())

    def shares(self) -> Float[np.ndarray, "L H G"]:
        assert self.mass is not None
        return (self.mass / self.num_queries).double().cpu().numpy()


def attention_mass(
    weights: Float[Tensor, "B H Q T"], queries: Bool[Tensor, "B Q"], kinds: Int[Tensor, "B T"]
) -> Float[Tensor, "H G"]:
    """The attention that the queries give to each of the G kinds of slots, summed over queries and examples."""
    of_kind = F.one_hot(kinds, len(SlotKind)).to(weights.dtype)
    return ((weights @ of_kind[:, None]) * queries[:, None, :, None]).sum(dim=(0, 2))


def slot_kinds(
    layout: Layout,
    words: Int[Tensor, "B S"],
    named: Bool[Tensor, "B S"],
    value: Bool[Tensor, "B S"],
    length: int,
) -> Int[Tensor, "B T"]:
    """What each of the first ``length`` slots holds; named and value mark words by their index in the sentence."""
    kinds = torch.full((len(words), length), int(SlotKind.codes), device=words.device)
    conditions = [
        SlotKind.user,
        SlotKind.item,
        *([SlotKind.feature] if layout.has_feature else []),
        SlotKind.bos,
    ]
    kinds[:, : len(conditions)] = torch.tensor([int(kind) for kind in conditions], device=words.device)
    of_words = torch.full_like(words[:, :-1], int(SlotKind.words))
    of_words[named[:, :-1]] = int(SlotKind.named_feature)
    of_words[value[:, :-1]] = int(SlotKind.value_word)
    kinds[:, len(conditions) : layout.text.stop] = of_words
    if length > layout.text.stop:
        kinds[:, layout.text.stop] = int(SlotKind.boi)
    return kinds


def mark_words(
    generated: Sequence[Generation], length: int, value_words: dict[str, dict[str, str]] | None
) -> tuple[Bool[np.ndarray, "B S"], Bool[np.ndarray, "B S"]]:
    """Where each sentence names its feature, and where it gives the feature's value.

    length: S, the columns of the result.
    value_words: of each feature in the world; None elsewhere, where the word right after the feature is marked.
    """
    named, value = (np.zeros((len(generated), length), dtype=bool) for _ in range(2))
    for row, generation in enumerate(generated):
        words, feature = generation.text.split()[:length], (generation.feature or "").split()
        size = len(feature)
        starts = [start for start in range(len(words)) if size and words[start : start + size] == feature]
        for start in starts:
            named[row, start : start + size] = True
            value[row, start + size : start + size + 1] = value_words is None
        if value_words is not None:
            known = value_words.get(generation.feature or "", {})
            value[row, [index for index, word in enumerate(words) if word in known]] = True
    return named, value


@torch.no_grad()
def measure_attention(
    model: Meter,
    batches: Sequence[Batch],
    generated: Sequence[Generation],
    value_words: dict[str, dict[str, str]] | None,
) -> Attention:
    """What the model attends to in the sentences and pictures that it generated itself.

    batches: the generated examples, their words and codes in place of the true ones. generated: the same, in order.
    """
    layout, drawn = model.layout, batches[0].codes is not None
    named, value = (
        torch.from_numpy(marks) for marks in mark_words(generated, batches[0].words.shape[1], value_words)
    )
    modalities = {"text": layout.text, **({"picture": layout.visual} if drawn else {})}
    sums = {modality: (AttentionSum(), AttentionSum()) for modality in modalities}
    start = 0
    for batch in batches:
        device, rows = batch.words.device, slice(start, start + len(batch.words))
        with attention_maps(model.transformer) as maps:
            model(batch.users, batch.items, batch.features, batch.words, batch.codes)
        length = maps[0].shape[-1]
        filled = present_slots(layout, batch.words)[:, :length]
        visible = (model.visible[:length, :length] & filled[:, None]).float()
        uniform = (visible / visible.sum(dim=-1, keepdim=True))[:, None]
        kinds = slot_kinds(layout, batch.words, named[rows].to(device), value[rows].to(device), length)
        for modality, slots in modalities.items():
            of_model, of_uniform = sums[modality]
            of_model.add([weights[:, :, slots] for weights in maps], filled[:, slots], kinds)
            of_uniform.add([uniform[:, :, slots]], filled[:, slots], kinds)
        start = rows.stop
    return Attention(
        count=len(generated),
        value_known=value_words is not None,
        text=_shares(*sums["text"]),
        picture=_shares(*sums["picture"]) if drawn else None,
    )


def _shares(of_model: AttentionSum, of_uniform: AttentionSum) -> AttentionShares:
    """By name, without the kinds that none of these slots ever sees."""
    uniform = of_uniform.shares()[0, 0]
    kept = [kind for kind in SlotKind if uniform[kind] > 0]

    def by_name(shares: Float[np.ndarray, "G"]) -> dict[str, float]:
        return {kind.name: float(shares[kind]) for kind in kept}

    return AttentionShares(
        slots=of_model.num_queries,
        uniform=by_name(uniform),
        heads=[
            HeadShares(layer=layer + 1, head=head + 1, shares=by_name(shares))
            for layer, heads in enumerate(of_model.shares())
            for head, shares in enumerate(heads)
        ],
    )
