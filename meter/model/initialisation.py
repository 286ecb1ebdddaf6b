"""What the weights start from."""

from enum import Enum
from typing import assert_never

from torch import nn

from meter.model.embedding import Embedding, VisualEmbedding
from meter.model.heads import Heads
from meter.model.transformer import SelfAttention, Transformer


class Initialisation(Enum):
    """What the weights start from; the paper does not say."""

    normal = "normal"
    """Small normal tables (σ = 0.02), Glorot's projections, zero biases."""
    peter = "peter"
    """As PETER's code: tables and heads uniform in ±0.1, layers as torch makes them, all alike at first."""


def initialise(
    embedding: Embedding, transformer: Transformer, heads: Heads, initialisation: Initialisation
) -> None:
    """Draws fresh weights from torch's global generator; frozen tables stay as they are."""
    match initialisation:
        case Initialisation.normal:
            for part in (embedding, transformer, heads):
                part.apply(_normal)
        case Initialisation.peter:
            _uniform(embedding)
            _uniform(heads)
            _as_torch(transformer)
        case _:
            assert_never(initialisation)


def _normal(module: nn.Module) -> None:
    if isinstance(module, nn.Embedding) and module.weight.requires_grad:
        nn.init.normal_(module.weight, std=0.02)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Embedding) and module.begin_image is not None:
        nn.init.normal_(module.begin_image, std=0.02)
    elif isinstance(module, VisualEmbedding):
        for weight in module.positions.weights:
            nn.init.normal_(weight, std=0.02)


def _uniform(part: nn.Module) -> None:
    for name, weight in part.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        elif weight.requires_grad:
            nn.init.uniform_(weight, -0.1, 0.1)


def _as_torch(transformer: Transformer) -> None:
    """As nn.TransformerEncoder: Glorot's queries, keys and values in one matrix, and copies of the first layer.

    Feed-forward, output projection and norms are torch's own modules and come as it makes them.
    """
    first, *others = transformer.blocks
    assert isinstance(first.attention, SelfAttention)
    nn.init.xavier_uniform_(first.attention.project_in.weight)
    nn.init.zeros_(first.attention.project_in.bias)
    nn.init.zeros_(first.attention.project_out.bias)
    for block in others:
        block.load_state_dict(first.state_dict())
