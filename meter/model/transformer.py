"""The transformer (§3.4): L layers of masked self-attention and feed-forward, over whole sequences."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import assert_never

from jaxtyping import Bool, Float
from torch import Tensor, nn

from meter.enum_fields import EnumFields
from meter.errors import InputError
from meter.model.kernels.attention import attend
from meter.model.kernels.dropout import Dropout


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
    attention_dropout: float | None = None
    """Share of attention weights that are dropped; as ``dropout`` where None. With 0 attention over a picture's codes
    is as fast as without any dropout: torch's fused kernels for the CPU drop nothing."""

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a network."""
        for name in ("width", "layers", "heads", "feedforward"):
            if getattr(self, name) < 1:
                raise InputError(f"model.{name}: expected at least 1, found {getattr(self, name)}")
        if self.width % self.heads:
            raise InputError(
                f"model.width: expected a multiple of model.heads={self.heads}, found {self.width}"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"model.dropout: expected a share in [0, 1), found {self.dropout}")
        if self.attention_dropout is not None and not 0 <= self.attention_dropout < 1:
            raise InputError(
                f"model.attention_dropout: expected a share in [0, 1) or null, found {self.attention_dropout}"
            )


class SelfAttention(nn.Module):
    """Multi-head attention: softmax(QKᵀ / √dh) V with a mask of what is visible."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        own = config.attention_dropout
        self.dropout = Dropout(config.dropout if own is None else own)
        self.project_in = nn.Linear(config.width, 3 * config.width)
        self.project_out = nn.Linear(config.width, config.width)

    def forward(
        self, tokens: Float[Tensor, "B T D"], visible: Bool[Tensor, "#B 1 T T"]
    ) -> Float[Tensor, "B T D"]:
        """Attends from every slot to those that it may see."""
        return self.project_out(self.mix(self.project_in(tokens), visible))

    def mix(
        self, projected: Float[Tensor, "B T E"], visible: Bool[Tensor, "#B 1 T T"]
    ) -> Float[Tensor, "B T D"]:
        """Mixes the values that each slot sees, by how its query matches their keys.

        projected: queries, keys and values of every slot, side by side: E = 3D.
        """
        queries, keys, values = split_heads(projected, self.heads)
        return attend(queries, keys, values, visible, self.dropout).transpose(1, 2).flatten(2)


def split_heads(projected: Float[Tensor, "B T E"], heads: int) -> Float[Tensor, "3 B H T dh"]:
    """Queries, keys and values of every head; a view."""
    return projected.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)


class Block(nn.Module):
    """One layer: attention, then feed-forward."""

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
        self, tokens: Float[Tensor, "B T D"], visible: Bool[Tensor, "#B 1 T T"]
    ) -> Float[Tensor, "B T D"]:
        return self.encode(tokens, partial(self.attention, visible=visible))

    def encode(
        self, tokens: Float[Tensor, "*L D"], attention: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "*L D"]:
        """The layer around any form of its attention."""
        tokens = residual(self.norm, self.attention_norm, lambda x: self.dropout(attention(x)), tokens)
        return residual(self.norm, self.feedforward_norm, lambda x: self.dropout(self.feedforward(x)), tokens)


def residual(
    norm: Norm,
    normalise: Callable[[Tensor], Tensor],
    sublayer: Callable[[Tensor], Tensor],
    tokens: Float[Tensor, "*L D"],
) -> Float[Tensor, "*L D"]:
    """Adds what a sublayer makes of the tokens to them, normalised before or after."""
    match norm:
        case Norm.pre:
            return tokens + sublayer(normalise(tokens))
        case Norm.post:
            return normalise(tokens + sublayer(tokens))
        case _:
            assert_never(norm)


class Transformer(nn.Module):
    """S0 → SL."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = _final_norm(config)

    def forward(
        self, tokens: Float[Tensor, "B T D"], visible: Bool[Tensor, "B T T"]
    ) -> Float[Tensor, "B T D"]:
        """Encodes whole sequences; ``visible`` says for every slot which slots it may see."""
        tokens = self.dropout(tokens)
        for block in self.blocks:
            tokens = block(tokens, visible[:, None])
        return self.final_norm(tokens)


def _final_norm(config: TransformerConfig) -> nn.Module:
    """Blocks that normalise their inputs leave the last output as it is; those that normalise their outputs do not."""
    match config.norm:
        case Norm.pre:
            return nn.LayerNorm(config.width)
        case Norm.post:
            return nn.Identity()
        case _:
            assert_never(config.norm)
