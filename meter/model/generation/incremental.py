"""The model slot after slot: its layers over the keys and values of what came before.

A step of one slot is so small that calling modules takes as long as its arithmetic. So the layers stand here once
more, on their weights alone, wired by the same ``residual``; that both give the same is tested token for token.
"""

from dataclasses import dataclass, replace
from functools import partial

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.model.embedding import Embedding
from meter.model.generation.kv_cache import FixedLayerCache, LayerCache
from meter.model.heads import Heads
from meter.model.kernels.attention import attend
from meter.model.kernels.precision import at_least_single
from meter.model.kernels.prepacked_linear import Map, prepacked
from meter.model.kernels.single_query import attend_single_query
from meter.model.sequence import Layout
from meter.model.transformer import Block, Norm, Transformer, residual, split_heads


@dataclass(slots=True)
class Layer:
    """What one block does to its tokens, without dropout."""

    norm: Norm
    heads: int
    project_in: Map
    project_out: Map
    attention_norm: Map
    widen: Map
    narrow: Map
    feedforward_norm: Map

    def extend(
        self,
        tokens: Float[Tensor, "B Q D"],
        cache: LayerCache,
        visible: Bool[Tensor, "#B 1 #Q T"] | None,
    ) -> Float[Tensor, "B Q D"]:
        """Encodes the next slots."""
        attention = partial(self._attend, cache=cache, visible=visible)
        tokens = residual(self.norm, self.attention_norm, attention, tokens)
        return residual(self.norm, self.feedforward_norm, self._feed, tokens)

    def _attend(
        self,
        tokens: Float[Tensor, "B Q D"],
        cache: LayerCache,
        visible: Bool[Tensor, "#B 1 #Q T"] | None,
    ) -> Float[Tensor, "B Q D"]:
        queries, keys, values = split_heads(self.project_in(tokens), self.heads)
        on_cpu = tokens.device.type == "cpu"
        if on_cpu:
            queries, keys = at_least_single(queries), at_least_single(keys)
        cache.extend(keys, values)
        attention = attend_single_query if on_cpu and tokens.shape[1] == 1 else attend
        mixed = attention(queries, cache.seen_keys, cache.seen_values, visible)
        return self.project_out(mixed.transpose(1, 2).flatten(2))

    def _feed(self, tokens: Float[Tensor, "B Q D"]) -> Float[Tensor, "B Q D"]:
        return self.narrow(self.widen(tokens).relu_())


@dataclass(slots=True)
class IncrementalModel:
    """What decoding sees of a model: its parts, and the keys and values of the slots so far.

    visible: which slots (columns) each slot (row) may see, padding aside.
    visual_head: None for a model without pictures.
    """

    embedding: Embedding
    visible: Bool[Tensor, "T T"]
    layers: list[Layer]
    final_norm: nn.Module
    rating_head: nn.Module
    context_head: Map
    text_head: Map
    visual_head: Map | None
    caches: list[LayerCache]

    @property
    def layout(self) -> Layout:
        """The slots of a sequence."""
        return self.embedding.layout

    @property
    def text_length(self) -> int:
        """n, the longest sentence in words."""
        return self.layout.text_length

    @property
    def num_words(self) -> int:
        """W, words of the vocabulary."""
        return self.embedding.words.num_embeddings

    def read_word(self, words: Int[Tensor, " R"], index: int) -> Float[Tensor, "R D"]:
        """Encodes the word number ``index`` of each sentence; the state that predicts the next."""
        return self.extend(self.embedding.embed_word(words, index))[:, -1]

    def read_words(self, words: Int[Tensor, "B E"]) -> None:
        """Encodes the first E words of each sentence in one pass."""
        start = self.layout.text.start + 1
        stop = start + words.shape[1]
        tokens = self.embedding.add_positions(self.embedding.words(words), start)
        self.extend(tokens, self.visible[None, None, start:stop, :stop])

    def extend(
        self, tokens: Float[Tensor, "B Q D"], visible: Bool[Tensor, "#B 1 #Q T"] | None = None
    ) -> Float[Tensor, "B Q D"]:
        """Encodes the next Q slots, reading all earlier ones from the caches and adding these to them.

        visible: which of all T slots the new ones may see; everything where None.
        """
        for layer, cache in zip(self.layers, self.caches, strict=True):
            tokens = layer.extend(tokens, cache, visible)
        return self.final_norm(tokens)

    def rearrange(self, rows: Int[Tensor, " R"], sources: Int[Tensor, " R"]) -> None:
        """Copies the source rows of the caches into the given rows."""
        for cache in self.caches:
            cache.rearrange(rows, sources)

    def copy_rows(self, rows: Int[Tensor, " R"]) -> "IncrementalModel":
        """The same model with a copy of the given rows of the caches, for all slots before the last word's."""
        return self.select_rows(rows, self.layout.text.stop - 1)

    def skip_to(self, slot: int) -> None:
        """Leaves all slots empty up to this one, which is the next that is filled."""
        for cache in self.caches:
            cache.filled = slot

    def select_rows(self, rows: Int[Tensor, " R"], length: int) -> "IncrementalModel":
        """The same model with a copy of the given rows of the caches, in memory for ``length`` slots."""
        return replace(self, caches=[cache.select_rows(rows, length) for cache in self.caches])

    def fixed(self, slot: Int[Tensor, "1"]) -> "IncrementalModel":
        """The same model for steps that are captured, over the same memory.

        slot: where the next keys and values are written; the caller moves it on, in place.
        """
        return replace(self, caches=[FixedLayerCache(cache, slot) for cache in self.caches])


def incremental(
    embedding: Embedding, transformer: Transformer, heads: Heads, visible: Bool[Tensor, "T T"]
) -> IncrementalModel:
    """A model whose weights stay as they are meanwhile, with empty caches for all slots before the last word's.

    The last word is encoded with the picture, if there is one.
    """
    length = embedding.layout.text.stop - 1
    text_head = prepacked(heads.text)
    return IncrementalModel(
        embedding=embedding,
        visible=visible,
        layers=[_layer(block) for block in transformer.blocks if isinstance(block, Block)],
        final_norm=transformer.final_norm,
        rating_head=heads.rating,
        # It is asked once: packing pays only where the words' head is the same.
        context_head=text_head if heads.context is None else heads.context,
        text_head=text_head,
        visual_head=prepacked(heads.visual) if heads.visual is not None else None,
        caches=[LayerCache(length) for _ in transformer.blocks],
    )


def _layer(block: Block) -> Layer:
    widen, narrow = (module for module in block.feedforward if isinstance(module, nn.Linear))
    return Layer(
        norm=block.norm,
        heads=block.attention.heads,
        project_in=prepacked(block.attention.project_in),
        project_out=prepacked(block.attention.project_out),
        attention_norm=_layer_norm(block.attention_norm),
        widen=prepacked(widen),
        narrow=prepacked(narrow),
        feedforward_norm=_layer_norm(block.feedforward_norm),
    )


def _layer_norm(module: nn.LayerNorm) -> Map:
    return partial(
        F.layer_norm,
        normalized_shape=module.normalized_shape,
        weight=module.weight,
        bias=module.bias,
        eps=module.eps,
    )
