"""What a way of computing must multiply and read, counted by hand."""

from collections.abc import Iterable
from dataclasses import dataclass

from meter.model import ModelConfig

FORWARD, TRAINING = 1, 3
"""Passes that a step is worth: going backward multiplies twice for every product of the way forward."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slots:
    """What goes through the network, counted over a whole batch and over all passes.

    encoded: slots that pass through the layers.
    attended: pairs of a slot and a slot whose key and value it reads.
    words, codes, ratings: places where the W words, the K codes, a rating are predicted; a context is one of words.
    """

    encoded: int
    attended: int
    words: int = 0
    codes: int = 0
    ratings: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Operations of the matrix products, a product and a sum counted as two, and the bytes that must be moved."""

    flops: int
    bytes: int


def total(parts: Iterable[Slots]) -> Slots:
    """All of them together."""
    parts = list(parts)
    return Slots(**{name: sum(getattr(part, name) for part in parts) for name in Slots.__slots__})


def square(length: int) -> int:
    """Pairs where each of ``length`` slots reads every slot, as a masked product computes them."""
    return length * length


def causal(length: int) -> int:
    """Pairs where each slot reads itself and the past, and u also reads i."""
    return length * (length + 1) // 2 + 1


def matmul_flops(rows: int, inner: int, columns: int) -> int:
    """A product of (rows, inner) and (inner, columns): a multiplication and an addition for each of its terms."""
    return 2 * rows * inner * columns


def count_flops(config: ModelConfig, slots: Slots, passes: int) -> int:
    """Operations of all matrix products: 2·m·n·k for each.

    A layer multiplies every slot with queries', keys', values' and output's D × D and with the feed-forward network's
    D × F and F × D, and every attended pair twice over D (scores, then values). Heads multiply with D × W, D × K,
    and for a rating with D × D and D × 1. Norms, softmax, dropout and gathering are not matrix products.

    passes: ``FORWARD`` or ``TRAINING``.
    """
    width = config.width
    layer = (
        matmul_flops(slots.encoded, width, 4 * width)
        + 2 * matmul_flops(slots.encoded, width, config.feedforward)
        + 2 * matmul_flops(slots.attended, width, 1)
    )
    heads = (
        matmul_flops(slots.words, width, config.num_words)
        + matmul_flops(slots.codes, width, config.num_codes)
        + matmul_flops(slots.ratings, width, width + 1)
    )
    return passes * (config.layers * layer + heads)


def layer_weights(config: ModelConfig) -> int:
    """Weights of all layers' matrices."""
    return config.layers * (4 * config.width**2 + 2 * config.width * config.feedforward)


def training_bytes(config: ModelConfig) -> int:
    """Least traffic of a step: the matrices of layers and heads, 4 bytes a weight, moved five times.

    Read forward and backward, their gradient written and read, and themselves written. What runs through the layers
    may stay in a cache, and of the tables only the rows of a batch are needed: neither is counted.
    """
    width = config.width
    heads = width * (config.num_words + config.num_codes) + width * (width + 1)
    return 5 * 4 * (layer_weights(config) + heads)


def decoding_bytes(config: ModelConfig, slots: Slots, number_bytes: int) -> int:
    """Least traffic of decoding a batch: all weights once for every word and code, and the keys and values once read.

    slots: what decoding encodes, over the whole batch.
    number_bytes: of a weight, a key or a value.
    """
    words, codes = config.text_length, config.layout().visual_length
    weights = (
        (words + codes) * layer_weights(config)
        + words * config.width * config.num_words
        + codes * config.width * config.num_codes
    )
    return number_bytes * (weights + config.layers * 2 * config.width * slots.attended)


def decoded(config: ModelConfig, batch: int) -> Slots:
    """What must be encoded to decode ``batch`` explanations one token at a time: every slot that is read, once."""
    layout = config.layout()
    # Without a picture nothing reads the last word.
    length = layout.length if layout.visual_length else layout.length - 1
    return Slots(
        encoded=batch * length,
        attended=batch * causal(length),
        words=batch * (config.text_length + 1),
        codes=batch * layout.visual_length,
        ratings=batch,
    )
