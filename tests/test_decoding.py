"""Generation with the cache against generation that encodes everything anew for every token."""

import pytest
import torch

from meter.model import BOS, EOS, PAD, Mask, Meter, Norm
from tests.conftest import Inputs, small_inputs, small_model


def plain_generate(model: Meter, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The slow, obvious way: a whole forward pass for each word and each code."""
    batch, length = len(inputs.users), model.config.text_length
    words = torch.full((batch, length + 1), PAD)
    codes = torch.zeros(batch, model.layout.visual_length, dtype=torch.long)
    for index in range(length + 1):
        for row in range(batch):
            if EOS in words[row, :index]:
                continue
            if index == length:
                words[row, index] = EOS
                continue
            logits = model(inputs.users, inputs.items, inputs.features, words, codes).text[row, index]
            logits[[PAD, BOS]] = -torch.inf
            words[row, index] = logits.argmax()
    for place in range(codes.shape[1]):
        logits = model(inputs.users, inputs.items, inputs.features, words, codes).visual
        codes[:, place] = logits[:, place].argmax(dim=-1)
    return words, codes


@pytest.mark.parametrize("mask", [Mask.peter, Mask.prefix])
@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize("seed", range(3))
def test_cached_generation_equals_reencoding_token_for_token(mask: Mask, norm: Norm, seed: int) -> None:
    inputs = small_inputs((6,) * 8, seed=seed)
    model = small_model(mask=mask, norm=norm)
    with torch.no_grad():
        # EOS likelier than chance, so that the sentences end at different places.
        model.heads.text.bias[EOS] += 3
    words, codes = plain_generate(model, inputs)
    done = model.generate(inputs.users, inputs.items, inputs.features)
    assert len({int((row != PAD).sum()) for row in words}) > 1, "the case must be ragged to mean anything"
    assert torch.equal(done.words, words)
    assert torch.equal(done.codes, codes)
    again = model(inputs.users, inputs.items, inputs.features, words, codes)
    torch.testing.assert_close(done.rating, again.rating)
    assert torch.equal(done.context, again.context.topk(6).indices)


def test_sentences_end_and_are_padded() -> None:
    inputs = small_inputs((6,) * 4)
    done = small_model().generate(inputs.users, inputs.items, inputs.features)
    for row in done.words.tolist():
        end = row.index(EOS)
        assert all(word not in (PAD, BOS) for word in row[:end])
        assert all(word == PAD for word in row[end + 1 :])


def test_generation_of_one_does_not_depend_on_the_others() -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model()
    together = model.generate(inputs.users, inputs.items, inputs.features)
    for row in range(8):
        one = slice(row, row + 1)
        alone = model.generate(inputs.users[one], inputs.items[one], inputs.features[one])
        assert torch.equal(alone.words[0], together.words[row])
        assert torch.equal(alone.codes[0], together.codes[row])


def test_generation_uses_no_dropout_and_leaves_the_mode_as_it_was() -> None:
    inputs = small_inputs((6,) * 4)
    model = small_model(dropout=0.5)
    quiet = model.generate(inputs.users, inputs.items, inputs.features)
    model.train()
    noisy = model.generate(inputs.users, inputs.items, inputs.features)
    assert model.training
    assert torch.equal(quiet.words, noisy.words)


def test_the_literal_mask_is_refused() -> None:
    inputs = small_inputs()
    with pytest.raises(ValueError, match="mask=literal"):
        small_model(mask=Mask.literal).generate(inputs.users, inputs.items, inputs.features)
