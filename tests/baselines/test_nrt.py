"""NRT against its equations written out, example by example and word by word."""

import pytest
import torch
import torch.nn.functional as F

from meter.baselines import Nrt, NrtConfig
from meter.model import BOS, PAD, word_slots
from tests.baselines.examples import SIZES, gru_step, plain_rating, small_nrt, spread_ratings
from tests.conftest import Inputs


def plain_nrt(model: Nrt, user: int, item: int, words: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The rating, and the logits of every word."""
    weights = model.state_dict()
    pair = torch.cat([weights["users.weight"][user], weights["items.weight"][item]])
    rating = plain_rating(model, "rating", pair)
    told = torch.zeros(5, dtype=pair.dtype)
    told[int(min(max(rating.item(), 1.0), 5.0)) - 1] = 1
    state = torch.tanh(weights["start.weight"] @ torch.cat([pair, told]) + weights["start.bias"])
    gru = {
        "ih": weights["recurrence.weight_ih_l0"],
        "hh": weights["recurrence.weight_hh_l0"],
        "bias_ih": weights["recurrence.bias_ih_l0"],
        "bias_hh": weights["recurrence.bias_hh_l0"],
    }
    logits = []
    for word in [BOS, *words[:-1]]:
        state = gru_step(gru, weights["words.weight"][word], state)
        logits.append(weights["text.weight"] @ state + weights["text.bias"])
    return rating, torch.stack(logits)


def test_a_pass_equals_the_equations(inputs: Inputs) -> None:
    # Rounding is what is left to differ, and ratings are spread wide.
    model = small_nrt().double()
    with torch.no_grad():
        # Ratings below, within and above the scale.
        spread_ratings(model.rating, model.rating(model.pairs(inputs.users, inputs.items)))
        output = model(inputs.users, inputs.items, None, inputs.words, None, word_slots(inputs.words))
    expected = [
        plain_nrt(model, user, item, [word for word in words if word != PAD])
        for user, item, words in zip(
            inputs.users.tolist(), inputs.items.tolist(), inputs.words.tolist(), strict=True
        )
    ]
    torch.testing.assert_close(output.rating, torch.stack([rating for rating, _ in expected]))
    torch.testing.assert_close(output.text, torch.cat([logits for _, logits in expected]))
    assert len({int(rating.clamp(1, 5)) for rating, _ in expected}) > 1


def test_the_words_send_no_gradient_into_the_rating(inputs: Inputs) -> None:
    model = small_nrt()
    output = model(inputs.users, inputs.items, None, inputs.words, None, word_slots(inputs.words))
    F.cross_entropy(output.text, inputs.words.flatten()[word_slots(inputs.words)]).backward()
    assert all(weight.grad is None for weight in model.rating.parameters())
    assert model.users.weight.grad.any()


def test_the_sentence_is_told_the_predicted_rating_and_never_the_true_one(inputs: Inputs) -> None:
    model, slots = small_nrt(), word_slots(inputs.words)

    def text(ratings: torch.Tensor | None) -> torch.Tensor:
        return model(inputs.users, inputs.items, None, inputs.words, None, slots, ratings).text

    own = text(None)
    assert torch.equal(own, text(torch.full((4,), 5.0)))
    with torch.no_grad():
        model.rating.output.bias += 4
    assert not torch.equal(own, text(None))


def test_its_first_weights_and_published_sizes() -> None:
    model = Nrt(NrtConfig(**SIZES))
    for weight in (model.users.weight, model.words.weight, model.start.weight, model.text.weight):
        assert 0.09 < weight.abs().max() <= 0.1
    assert not any(module.bias.any() for module in model.modules() if isinstance(module, torch.nn.Linear))
    assert [layer.weight.shape for layer in model.rating.hidden] == [(400, 600), *[(400, 400)] * 4]
    assert model.start.weight.shape == (400, 605)
    assert (model.recurrence.input_size, model.recurrence.hidden_size) == (300, 400)
    assert model.recurrence.weight_hh_l0.std().item() == pytest.approx(400**-0.5 / 3**0.5, rel=0.05)
