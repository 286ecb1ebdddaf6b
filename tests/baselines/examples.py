"""Toy baselines, and what any of them must do, whatever its equations."""

from collections.abc import Callable

import torch
from torch import Tensor

from meter.baselines import (
    Att2Seq,
    Att2SeqConfig,
    Baseline,
    Nete,
    NeteConfig,
    Nrt,
    NrtConfig,
)
from meter.baselines.rating import RatingPerceptron
from meter.model import BOS, EOS, PAD
from tests.conftest import Inputs

SIZES = {"num_users": 9, "num_items": 7, "num_words": 50, "text_length": 6}


def sharpened(model: Baseline, end: float) -> Baseline:
    """With weights so large that every path matters, in evaluation mode.

    end: what the logit of EOS is raised by, such that sentences end at different lengths.
    """
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_()
            if name in ("text.bias", "text.head.bias"):
                weight[EOS] += end
    return model.eval()


def small_nrt() -> Nrt:
    return sharpened(Nrt(NrtConfig(**SIZES, width=6, hidden=8, rating_layers=3)), end=4.0)


def small_att2seq() -> Att2Seq:
    return sharpened(Att2Seq(Att2SeqConfig(**SIZES, attribute_width=4, word_width=6, hidden=8)), end=1.0)


def small_nete(**changes: object) -> Nete:
    settings = {"width": 6, "rating_hidden": 8, "hidden": 8, "fusion_width": 5}
    return sharpened(Nete(NeteConfig(**SIZES, **settings, **changes)), end=2.0)


SMALL: dict[str, Callable[[], Baseline]] = {
    "nrt": small_nrt,
    "att2seq": small_att2seq,
    "nete": small_nete,
}


def sigmoid(numbers: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-numbers))


def gru_step(weights: dict[str, Tensor], word: Tensor, state: Tensor) -> Tensor:
    """A GRU's equations for one example; weights: ih, hh, bias_ih, bias_hh, gates r, z, n one below the other."""
    given = weights["ih"] @ word + weights["bias_ih"]
    kept = weights["hh"] @ state + weights["bias_hh"]
    reset, update, candidate = (slice(index * len(state), (index + 1) * len(state)) for index in range(3))
    r = sigmoid(given[reset] + kept[reset])
    z = sigmoid(given[update] + kept[update])
    n = torch.tanh(given[candidate] + r * kept[candidate])
    return (1 - z) * n + z * state


def plain_rating(model: Baseline, prefix: str, pair: Tensor) -> Tensor:
    """Layers with a sigmoid, then one number, out of the named weights."""
    weights, index = model.state_dict(), 0
    while f"{prefix}.hidden.{index}.weight" in weights:
        name = f"{prefix}.hidden.{index}"
        pair, index = sigmoid(weights[f"{name}.weight"] @ pair + weights[f"{name}.bias"]), index + 1
    assert index > 1
    return (weights[f"{prefix}.output.weight"] @ pair + weights[f"{prefix}.output.bias"])[0]


@torch.no_grad()
def spread_ratings(perceptron: RatingPerceptron, predicted: Tensor) -> None:
    """Moves the predicted ratings of some pairs to a mean of 3 and a deviation of 3."""
    scale = 3 / predicted.std()
    perceptron.output.bias.copy_(3 - scale * (predicted.mean() - perceptron.output.bias))
    perceptron.output.weight.mul_(scale)


def written_again(logits: Callable[[int, list[int]], Tensor], count: int, length: int) -> list[list[int]]:
    """Greedy sentences, every word from its whole prefix; logits: of an example and the words so far."""
    sentences = []
    for row in range(count):
        words: list[int] = []
        while EOS not in words and len(words) < length:
            of_next = logits(row, words).clone()
            of_next[[PAD, BOS]] = -torch.inf
            words.append(int(of_next.argmax()))
        words += [] if EOS in words else [EOS]
        sentences.append(words + [PAD] * (length + 1 - len(words)))
    return sentences


def packed(model: Baseline, inputs: Inputs, words: Tensor, ratings: Tensor | None = None) -> Tensor:
    """Logits (P, W) of the words in the slots that hold one."""
    slots = (words != PAD).flatten().nonzero().squeeze(1)
    output = model(inputs.users, inputs.items, inputs.features, words, None, slots, ratings)
    assert output.text is not None
    return output.text
