"""The transformer (§3.4): L layers of masked self-attention and feed-forward, with a key–value cache."""

import math
from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from meter.model.dropout import Dropout


class Norm(Enum):
    """Where a layer normalises; the paper does not say."""

    post = "post"
    """After adding a sublayer to its input, as in PETER (Vaswani et al., 2017)."""
    pre = "pre"
    """Before each sublayer, and once at the end: bears higher learning rates (Xiong et al., 2020)."""


@dataclass(kw_only=True, slots=True)
class TransformerConfig:
    """The sizes of PETER, which the paper builds on (decision D12)."""

    width: int = 512
    """d, the width of every token."""
    layers: int = 2
    """L, the number of layers."""
    heads: int = 2
    """h, the number of attention heads; divides the width."""
    feedforward: int = 2048
    """The hidden width of the feed-forward network."""
    norm: Norm = Norm.post
    """Where a layer normalises."""
    dropout: float = 0.2
    """Share of activations that are dropped while training: on embeddings, attention weights and sublayers."""


@dataclass(slots=True)
class LayerCache:
    """Keys and values of one layer for all slots of the sequence; filled from the left."""

    keys: Float[Tensor, "B H T dh"]
    values: Float[Tensor, "B H T dh"]


class Cache:
    """What decoding keeps: keys and values of every layer, and which slots may be seen."""

    def __init__(self, config: TransformerConfig, batch: int, length: int, like: Tensor) -> None:
        shape = (batch, config.heads, length, config.width // config.heads)
        self.layers = [LayerCache(like.new_zeros(shape), like.new_zeros(shape)) for _ in range(config.layers)]
        self.visible = torch.zeros(batch, length, dtype=torch.bool, device=like.device)
        self.filled = 0


class SelfAttention(nn.Module):
    """Multi-head attention: softmax(QKᵀ / √dh) V with a mask of what is visible."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        if config.width % config.heads:
            raise ValueError(f"model.width {config.width} is not a multiple of model.heads {config.heads}")
        self.heads = config.heads
        self.dropout = Dropout(config.dropout)
        self.project_in = nn.Linear(config.width, 3 * config.width)
        self.project_out = nn.Linear(config.width, config.width)

    def forward(
        self,
        tokens: Float[Tensor, "B Q D"],
        visible: Bool[Tensor, "B 1 Q T"],
        cache: LayerCache | None = None,
        start: int = 0,
    ) -> Float[Tensor, "B Q D"]:
        """Attends from the Q given slots, the first of which is slot ``start``, to themselves and the cached past."""
        batch, length, width = tokens.shape
        queries, keys, values = self.project(tokens)
        if cache is not None:
            end = start + length
            cache.keys[:, :, start:end], cache.values[:, :, start:end] = keys, values
            keys, values = cache.keys[:, :, :end], cache.values[:, :, :end]
        mixed = attend(queries, keys, values, visible, self.dropout)
        return self.project_out(mixed.transpose(1, 2).reshape(batch, length, width))

    def project(self, tokens: Float[Tensor, "B Q D"]) -> Float[Tensor, "3 B H Q dh"]:
        """Queries, keys and values of every head."""
        batch, length, width = tokens.shape
        projected = self.project_in(tokens).view(batch, length, 3, self.heads, width // self.heads)
        return projected.permute(2, 0, 3, 1, 4)


def attend(
    queries: Float[Tensor, "B H Q dh"],
    keys: Float[Tensor, "B H T dh"],
    values: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "B 1 Q T"],
    dropout: Dropout,
) -> Float[Tensor, "B H Q dh"]:
    """softmax(QKᵀ / √dh) V, by torch's fused kernel wherever that is the faster one."""
    if queries.device.type == "cpu" and dropout.active:
        return dropout(attention_weights(queries, keys, visible)) @ values
    share = dropout.share if dropout.active else 0.0
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, dropout_p=share)


def attention_weights(
    queries: Float[Tensor, "B H Q dh"], keys: Float[Tensor, "B H T dh"], visible: Bool[Tensor, "B 1 Q T"]
) -> Float[Tensor, "B H Q T"]:
    """softmax(QKᵀ / √dh); what is not visible gets 0."""
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    return scores.masked_fill(~visible, -math.inf).softmax(dim=-1)


class Block(nn.Module):
    """One layer: attention, then feed-forward, each added to its input and normalised before or after."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.width)
        self.feedforward = nn.Sequential(
            nn.Linear(config.width, config.feedforward),
            nn.ReLU(),
            Dropout(config.dropout),
            nn.Linear(config.feedforward, config.width),
        )
        self.feedforward_norm = nn.LayerNorm(config.width)
        self.dropout = Dropout(config.dropout)
        self.norm = config.norm

    def forward(
        self,
        tokens: Float[Tensor, "B Q D"],
        visible: Bool[Tensor, "B 1 Q T"],
        cache: LayerCache | None = None,
        start: int = 0,
    ) -> Float[Tensor, "B Q D"]:
        if self.norm is Norm.pre:
            tokens = tokens + self.dropout(self.attention(self.attention_norm(tokens), visible, cache, start))
            return tokens + self.dropout(self.feedforward(self.feedforward_norm(tokens)))
        tokens = self.attention_norm(tokens + self.dropout(self.attention(tokens, visible, cache, start)))
        return self.feedforward_norm(tokens + self.dropout(self.feedforward(tokens)))


class Transformer(nn.Module):
    """S0 → SL."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = nn.LayerNorm(config.width) if config.norm is Norm.pre else nn.Identity()

    def forward(
        self, tokens: Float[Tensor, "B T D"], visible: Bool[Tensor, "B T T"]
    ) -> Float[Tensor, "B T D"]:
        """Encodes whole sequences; ``visible`` says for every slot which slots it may see."""
        tokens = self.dropout(tokens)
        for block in self.blocks:
            tokens = block(tokens, visible[:, None])
        return self.final_norm(tokens)

    def extend(
        self,
        tokens: Float[Tensor, "B Q D"],
        cache: Cache,
        present: Bool[Tensor, "B Q"],
        visible: Bool[Tensor, "Q Q"] | None = None,
    ) -> Float[Tensor, "B Q D"]:
        """Encodes the next Q slots, reading all earlier ones from the cache and adding these to it.

        present: which of the new slots hold a token; the others stay unseen for good.
        visible: what the new slots may see of each other; everything where None (a single slot sees itself).
        """
        start, end = cache.filled, cache.filled + tokens.shape[1]
        cache.visible[:, start:end] = present
        seen = cache.visible[:, None, None, :end].repeat(1, 1, tokens.shape[1], 1)
        if visible is not None:
            seen[..., start:end] &= visible
        for block, layer in zip(self.blocks, cache.layers, strict=True):
            tokens = block(tokens, seen, layer, start)
        cache.filled = end
        return self.final_norm(tokens)
