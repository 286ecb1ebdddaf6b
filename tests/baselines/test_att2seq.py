"""Att2Seq against its equations written out, example by example and word by word."""

import torch

from meter.baselines import Att2Seq, Att2SeqConfig
from meter.model import BOS, PAD, word_slots
from tests.baselines.examples import SIZES, sigmoid, small_att2seq
from tests.conftest import Inputs


def plain_att2seq(model: Att2Seq, user: int, item: int, words: list[int]) -> torch.Tensor:
    """The logits of every word."""
    weights = model.state_dict()
    pair = torch.cat([weights["users.weight"][user], weights["items.weight"][item]])
    start = torch.tanh(weights["start.weight"] @ pair + weights["start.bias"])
    hidden, cells = [start[:8], start[8:]], [torch.zeros(8), torch.zeros(8)]
    logits = []
    for word in [BOS, *words[:-1]]:
        given = weights["words.weight"][word]
        for layer in range(2):
            w, u, b, c = (
                weights[f"recurrence.{name}_l{layer}"]
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            i, f, g, o = (w @ given + b + u @ hidden[layer] + c).split(8)
            cells[layer] = sigmoid(f) * cells[layer] + sigmoid(i) * torch.tanh(g)
            given = hidden[layer] = sigmoid(o) * torch.tanh(cells[layer])
        logits.append(weights["text.weight"] @ given + weights["text.bias"])
    return torch.stack(logits)


def test_a_pass_equals_the_equations(inputs: Inputs) -> None:
    model = small_att2seq()
    with torch.no_grad():
        output = model(inputs.users, inputs.items, None, inputs.words, None, word_slots(inputs.words))
    expected = [
        plain_att2seq(model, user, item, [word for word in words if word != PAD])
        for user, item, words in zip(
            inputs.users.tolist(), inputs.items.tolist(), inputs.words.tolist(), strict=True
        )
    ]
    torch.testing.assert_close(output.text, torch.cat(expected))
    assert output.rating is None


def test_it_predicts_no_rating(inputs: Inputs) -> None:
    assert small_att2seq().generate(inputs.users, inputs.items).rating is None


def test_units_are_left_out_between_the_layers_while_it_learns(inputs: Inputs) -> None:
    model, slots = small_att2seq(), word_slots(inputs.words)

    def text() -> torch.Tensor:
        return model(inputs.users, inputs.items, None, inputs.words, None, slots).text

    assert torch.equal(text(), text())
    model.train()
    assert not torch.equal(text(), text())


def test_its_first_weights_and_published_sizes() -> None:
    model = Att2Seq(Att2SeqConfig(**SIZES))
    for weight, bound in [
        (model.users.weight, 0.1),
        (model.items.weight, 0.1),
        (model.start.weight, 0.1),
        (model.words.weight, 0.08),
        (model.text.weight, 0.08),
    ]:
        assert 0.9 * bound < weight.abs().max() <= bound
    assert not model.start.bias.any()
    assert not model.text.bias.any()
    assert model.start.weight.shape == (1024, 128)
    recurrence = model.recurrence
    assert (recurrence.input_size, recurrence.hidden_size, recurrence.num_layers) == (512, 512, 2)
    assert recurrence.dropout == 0.2
