"""Guidance of codes against a hand-made combination of two passes that encode everything anew."""

import pytest
import torch

from meter.model import EOS, PAD, DecodingConfig, Meter, Norm
from tests.conftest import Inputs, small_inputs, small_model


def plain_guided(model: Meter, inputs: Inputs, words: torch.Tensor, scale: float) -> torch.Tensor:
    """Codes by two passes each: one with the sentence, and one with a sentence of no words."""
    empty = torch.full_like(words, PAD)
    empty[:, 0] = EOS
    codes = torch.zeros(len(words), model.layout.visual_length, dtype=torch.long)
    for index in range(codes.shape[1]):
        seeing, blind = (
            model(inputs.users, inputs.items, inputs.features, given, codes).visual[:, index]
            for given in (words, empty)
        )
        codes[:, index] = ((1 - scale) * blind + scale * seeing).argmax(dim=-1)
    return codes


@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0])
def test_guided_codes_are_those_of_two_plain_passes(norm: Norm, scale: float) -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model(norm=norm)
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    arguments = (inputs.users, inputs.items, inputs.features)
    plain = model.generate(*arguments)
    guided = model.generate(*arguments, decoding=DecodingConfig(guidance=scale))
    assert torch.equal(guided.words, plain.words)
    assert torch.equal(guided.rating, plain.rating)
    assert torch.equal(guided.codes, plain_guided(model, inputs, plain.words, scale))
    assert torch.equal(guided.codes, plain.codes) is (scale == 1)


def test_without_the_sentence_the_picture_does_not_depend_on_it() -> None:
    """Guidance 0 sees no word: another sentence, the same picture."""
    inputs = small_inputs((6,) * 8)
    model = small_model()
    arguments = (inputs.users, inputs.items, inputs.features)
    blind = DecodingConfig(guidance=0.0)
    first = model.generate(*arguments, decoding=blind)
    with torch.no_grad():
        model.heads.text.weight.neg_()
    second = model.generate(*arguments, decoding=blind)
    assert not torch.equal(first.words, second.words)
    assert torch.equal(first.codes, second.codes)
