"""Generation with the cache against generation that encodes everything anew for every token."""

import pytest
import torch

from meter.errors import InputError
from meter.model import BOS, EOS, PAD, DecodingConfig, Mask, Meter, Norm, WordChoice
from meter.model.generation import text as text_decoding
from meter.model.generation.incremental import IncrementalModel
from meter.model.generation.text import move_active_first, word_logits
from tests.conftest import Inputs, small_inputs, small_model


def plain_generate(model: Meter, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The slow, obvious way: a whole forward pass for each word and each code."""
    batch, length = len(inputs.users), model.config.text_length
    words = torch.full((batch, length + 1), PAD)
    for index in range(length + 1):
        for row in range(batch):
            if EOS in words[row, :index]:
                continue
            if index == length:
                words[row, index] = EOS
                continue
            logits = model(inputs.users, inputs.items, inputs.features, words).text[row, index]
            logits[[PAD, BOS]] = -torch.inf
            words[row, index] = logits.argmax()
    return words, plain_codes(model, inputs, words)


def plain_codes(model: Meter, inputs: Inputs, words: torch.Tensor) -> torch.Tensor:
    """The codes that follow these words: a whole forward pass for each."""
    codes = torch.zeros(len(words), model.layout.visual_length, dtype=torch.long)
    for index in range(codes.shape[1]):
        logits = model(inputs.users, inputs.items, inputs.features, words, codes).visual
        codes[:, index] = logits[:, index].argmax(dim=-1)
    return codes


@pytest.mark.parametrize("mask", [Mask.peter, Mask.prefix])
@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize("seed", range(3))
def test_cached_generation_equals_reencoding_token_for_token(mask: Mask, norm: Norm, seed: int) -> None:
    inputs = small_inputs((6,) * 8, seed=seed)
    model = small_model(mask=mask, norm=norm)
    with torch.no_grad():
        # EOS likelier than chance, so that the sentences end at different lengths.
        model.heads.text.bias[EOS] += 3
    words, codes = plain_generate(model, inputs)
    generated = model.generate(inputs.users, inputs.items, inputs.features)
    assert len({int((row != PAD).sum()) for row in words}) > 1, "the case must be ragged to mean anything"
    assert torch.equal(generated.words, words)
    assert torch.equal(generated.codes, codes)
    again = model(inputs.users, inputs.items, inputs.features, words, codes)
    torch.testing.assert_close(generated.rating, again.rating)
    assert torch.equal(generated.context, again.context.topk(6).indices)
    of_all_words = again.context.softmax(dim=-1)
    torch.testing.assert_close(generated.context_probabilities, of_all_words.gather(1, generated.context))
    drawn = model.draw(inputs.users, inputs.items, inputs.features, generated.words)
    assert torch.equal(drawn, codes), "to its own sentence the model draws what it generates"


def test_a_picture_is_drawn_to_the_sentence_that_is_given() -> None:
    inputs = small_inputs((6, 3, 1, 5, 4, 2))
    model = small_model()
    drawn = model.draw(inputs.users, inputs.items, inputs.features, inputs.words)
    assert torch.equal(drawn, plain_codes(model, inputs, inputs.words))
    generated = model.generate(inputs.users, inputs.items, inputs.features)
    assert not torch.equal(drawn, generated.codes), "sentences that change nothing show nothing"


def test_a_model_without_pictures_draws_none() -> None:
    inputs = small_inputs()
    model = small_model(num_codes=0, grid=[])
    with pytest.raises(InputError, match=r"expected a model with pictures, found model.num_codes=0"):
        model.draw(inputs.users, inputs.items, inputs.features, inputs.words)


def test_sentences_end_and_are_padded() -> None:
    inputs = small_inputs((6,) * 4)
    generated = small_model().generate(inputs.users, inputs.items, inputs.features)
    for row in generated.words.tolist():
        end = row.index(EOS)
        assert all(word not in (PAD, BOS) for word in row[:end])
        assert all(word == PAD for word in row[end + 1 :])


def test_generation_of_one_does_not_depend_on_the_others() -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model()
    together = model.generate(inputs.users, inputs.items, inputs.features)
    for row in range(8):
        only = slice(row, row + 1)
        alone = model.generate(inputs.users[only], inputs.items[only], inputs.features[only])
        assert torch.equal(alone.words[0], together.words[row])
        assert torch.equal(alone.codes[0], together.codes[row])


def test_sentences_that_have_ended_leave_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The word head is asked for those that go on and for no others, and for none when all have ended."""
    inputs = small_inputs((6,) * 8)
    model = small_model()
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    asked = []

    def counted_logits(model: IncrementalModel, state: torch.Tensor, **options: bool) -> torch.Tensor:
        asked.append(len(state))
        return word_logits(model, state, **options)

    monkeypatch.setattr(text_decoding, "word_logits", counted_logits)
    words = model.generate(inputs.users, inputs.items, inputs.features).words
    lengths = (words != PAD).sum(dim=1)
    assert asked == [int((lengths > index).sum()) for index in range(min(6, int(lengths.max())))]
    assert asked[-1] < asked[0]


@pytest.mark.parametrize("looks", [(), (0,), (1, 3), (3,), (4,)])
@pytest.mark.parametrize("choice", [WordChoice.greedy, WordChoice.beam])
def test_it_does_not_matter_when_the_host_looks_who_has_ended(
    looks: tuple[int, ...], choice: WordChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an accelerator it looks now and then; in between, ended sentences write on and nobody reads it."""
    inputs = small_inputs((6,) * 8)
    model = small_model()
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    arguments = (inputs.users, inputs.items, inputs.features)
    decoding = DecodingConfig(words=choice)
    always = model.generate(*arguments, decoding=decoding)
    for module in ("text", "beam_search"):
        monkeypatch.setattr(
            f"meter.model.generation.{module}.checks_for_ends", lambda index, _: index in looks
        )
    rarely = model.generate(*arguments, decoding=decoding)
    assert torch.equal(rarely.words, always.words)
    assert torch.equal(rarely.codes, always.codes)


def test_rows_that_are_reordered_take_their_keys_along() -> None:
    model = small_model()
    incremental = model.incremental()
    tokens = torch.randn(5, 3, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        incremental.extend(tokens)
    before = [torch.stack([cache.seen_keys, cache.seen_values]) for cache in incremental.caches]
    examples = torch.arange(5)
    ended = torch.tensor([True, False, True, False, False])
    assert move_active_first(incremental, examples, ended).tolist() == examples[:3].tolist()
    assert set(examples[:3].tolist()) == {1, 3, 4}
    for cache, old in zip(incremental.caches, before, strict=True):
        assert torch.equal(torch.stack([cache.seen_keys, cache.seen_values]), old[:, examples])


def test_under_autocast_a_cpu_attends_in_single_precision() -> None:
    model = small_model()
    tokens = torch.randn(3, 4, 16, generator=torch.Generator().manual_seed(0))
    causal = torch.ones(4, 4, dtype=torch.bool).tril().expand(3, 4, 4)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole = model.transformer(tokens, causal)
        incremental = model.incremental()
        steps = torch.cat([incremental.extend(token) for token in tokens.split(1, dim=1)], dim=1)
    assert all(cache.keys.dtype is torch.float32 for cache in incremental.caches)
    assert all(cache.values.dtype is torch.bfloat16 for cache in incremental.caches), (
        "kept as they come, half as long"
    )
    assert steps.dtype is whole.dtype
    torch.testing.assert_close(steps, whole, atol=0.05, rtol=0.05)
    inputs = small_inputs((6,) * 4)
    with torch.autocast("cpu", torch.bfloat16):
        generated = model.generate(inputs.users, inputs.items, inputs.features)
    assert generated.codes.shape == (4, 6)


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
    with pytest.raises(
        InputError, match=r"model\.mask: expected peter or prefix for generation, found literal"
    ):
        small_model(mask=Mask.literal).generate(inputs.users, inputs.items, inputs.features)
