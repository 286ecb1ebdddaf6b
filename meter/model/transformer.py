"""The transformer (§3.4): L layers of masked self-attention and feed-forward, over whole sequences."""

import math
from dataclasses import dataclass
from enum import Enum

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from meter.enum_fields import EnumFields
from meter.model.kernels.dropout import Dropout
from meter.model.kernels.packing import Packing


class Norm(Enum):
    """Where a layer normalises; the paper does not say."""

    post = "post"
    """After adding a sublayer to its input, as in PETER (Vaswani et al., 2017)."""
    pre = "pre"
    """Before each sublayer, and once at the end: bears higher learning rates (Xiong et al., 2020)."""


@dataclass(kw_only=True, slots=True)
class TransformerConfig(EnumFields):
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
        self, tokens: Float[Tensor, "*L D"], visible: Bool[Tensor, "B 1 T T"], packing: Packing | None = None
    ) -> Float[Tensor, "*L D"]:
        """Attends from every slot to those that it may see."""
        queries, keys, values = self.project(tokens, packing)
        mixed = attend(queries, keys, values, visible, self.dropout).transpose(1, 2).flatten(2)
        return self.project_out(mixed if packing is None else packing.pack(mixed))

    def project(
        self, tokens: Float[Tensor, "*L D"], packing: Packing | None = None
    ) -> Float[Tensor, "3 B H T dh"]:
        """Queries, keys and values of every head."""
        projected = self.project_in(tokens)
        if packing is not None:
            projected = packing.spread(projected)
        return projected.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)


def attend(
    queries: Float[Tensor, "B H Q dh"],
    keys: Float[Tensor, "B H T dh"],
    values: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "#B 1 #Q T"] | None,
    dropout: Dropout | None = None,
) -> Float[Tensor, "B H Q dh"]:
    """softmax(QKᵀ / √dh) V, by torch's fused kernel wherever that is the faster one.

    visible: what each query may see; everything where None.
    On a CPU in single precision at least: its kernels take several times as long for bf16.
    """
    if queries.device.type != "cpu":
        share = dropout.share if dropout is not None and dropout.active else 0.0
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, dropout_p=share)
    with torch.autocast("cpu", enabled=False):
        queries, keys, values = map(at_least_single, (queries, keys, values))
        if dropout is not None and dropout.active:
            return dropout(attention_weights(queries, keys, visible)) @ values
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)


def at_least_single(values: Tensor) -> Tensor:
    """The values in float32, or in their own precision where that is higher."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def attention_weights(
    queries: Float[Tensor, "B H Q dh"],
    keys: Float[Tensor, "B H T dh"],
    visible: Bool[Tensor, "#B 1 #Q T"] | None,
) -> Float[Tensor, "B H Q T"]:
    """softmax(QKᵀ / √dh); what is not visible gets 0."""
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if visible is not None:
        scores = scores.masked_fill(~visible, -math.inf)
    return scores.softmax(dim=-1)


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
        self, tokens: Float[Tensor, "*L D"], visible: Bool[Tensor, "B 1 T T"], packing: Packing | None = None
    ) -> Float[Tensor, "*L D"]:
        if self.norm is Norm.pre:
            tokens = tokens + self.dropout(self.attention(self.attention_norm(tokens), visible, packing))
            return tokens + self.dropout(self.feedforward(self.feedforward_norm(tokens)))
        tokens = self.attention_norm(tokens + self.dropout(self.attention(tokens, visible, packing)))
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
        self, tokens: Float[Tensor, "B T D"], visible: Bool[Tensor, "B T T"], packing: Packing | None = None
    ) -> Float[Tensor, "B T D"]:
        """Encodes whole sequences; ``visible`` says for every slot which slots it may see.

        packing: leaves the slots out that hold no token; their states are 0 then. Every slot is encoded where None.
        """
        tokens = self.dropout(tokens if packing is None else packing.pack(tokens))
        for block in self.blocks:
            tokens = block(tokens, visible[:, None], packing)
        states = self.final_norm(tokens)
        return states if packing is None else packing.spread(states)
