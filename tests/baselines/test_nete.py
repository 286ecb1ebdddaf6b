"""NETE against its equations written out, example by example and word by word; its two phases."""

import pytest
import torch
import torch.nn.functional as F

from meter.baselines import Nete, NeteConfig
from meter.model import BOS, PAD, word_slots
from tests.baselines.examples import SIZES, gru_step, plain_rating, sigmoid, small_nete, spread_ratings
from tests.conftest import Inputs


def cell_weights(model: Nete, cell: str) -> dict[str, torch.Tensor]:
    weights = model.state_dict()
    return {
        name: weights[f"text.cell.{cell}.{key}"]
        for name, key in {
            "ih": "weight_ih",
            "hh": "weight_hh",
            "bias_ih": "bias_ih",
            "bias_hh": "bias_hh",
        }.items()
    }


def plain_nete(
    model: Nete, user: int, item: int, feature: int, true: float | None, words: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The rating, and the logits of every word in the sentiment of the true rating, or of the predicted one."""
    weights = model.state_dict()
    pair = torch.cat([weights["rating.users.weight"][user], weights["rating.items.weight"][item]])
    rating = plain_rating(model, "rating.perceptron", pair)
    sentiment = 0 if (rating.item() if true is None else true) < 3 else 1
    begin = torch.cat(
        [
            weights["text.users.weight"][user],
            weights["text.items.weight"][item],
            weights["text.sentiments.weight"][sentiment],
        ]
    )
    state = torch.tanh(weights["text.start.weight"] @ begin + weights["text.start.bias"])
    tied = model.config.tie_cells
    of_word, of_feature = (
        cell_weights(model, cell) for cell in ("word_cell", "word_cell" if tied else "own_feature_cell")
    )
    table, logits = weights["text.words.weight"], []
    for word in [BOS, *words[:-1]]:
        h_w = gru_step(of_word, table[word], state)
        h_f = gru_step(of_feature, table[feature], state)
        weighed = torch.cat(
            [
                torch.tanh(weights["text.cell.from_word.weight"] @ h_w),
                torch.tanh(weights["text.cell.from_feature.weight"] @ h_f),
            ]
        )
        gamma = sigmoid(weights["text.cell.gate.weight"][0] @ weighed)
        state = (1 - gamma) * h_w + gamma * h_f
        logits.append(weights["text.head.weight"] @ state + weights["text.head.bias"])
    return rating, torch.stack(logits)


@pytest.mark.parametrize("tie_cells", [False, True])
@pytest.mark.parametrize("true_ratings", [None, [1.0, 2.5, 3.0, 5.0]])
def test_a_pass_equals_the_equations(
    inputs: Inputs, true_ratings: list[float] | None, tie_cells: bool
) -> None:
    model = small_nete(tie_cells=tie_cells).double()
    with torch.no_grad():
        # Predicted ratings on both sides of 3.
        spread_ratings(model.rating.perceptron, model.rating(inputs.users, inputs.items))
        given = None if true_ratings is None else torch.tensor(true_ratings)
        arguments = (inputs.users, inputs.items, inputs.features, inputs.words)
        output = model(*arguments, None, word_slots(inputs.words), given)
    expected = [
        plain_nete(model, *ids, true, [word for word in words if word != PAD])
        for ids, true, words in zip(
            zip(inputs.users.tolist(), inputs.items.tolist(), inputs.features.tolist(), strict=True),
            true_ratings or [None] * 4,
            inputs.words.tolist(),
            strict=True,
        )
    ]
    torch.testing.assert_close(output.rating, torch.stack([rating for rating, _ in expected]))
    torch.testing.assert_close(output.text, torch.cat([logits for _, logits in expected]))
    assert len({rating.item() < 3 for rating, _ in expected}) == 2


def test_the_rating_is_trained_before_the_sentence_and_neither_moves_the_other(inputs: Inputs) -> None:
    model = small_nete()
    first, second = model.phases()
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words, None, word_slots(inputs.words))
    ratings = torch.tensor([1.0, 2.0, 4.0, 5.0])

    output = first.network(*arguments, ratings)
    assert (output.text, output.context, output.visual) == (None, None, None)
    assert first.weight_decay == 1e-4
    F.mse_loss(output.rating, ratings).backward()
    assert all(weight.grad is not None for weight in first.trained.parameters())
    assert all(weight.grad is None for weight in second.trained.parameters())

    model.zero_grad()
    F.cross_entropy(
        second.network(*arguments, ratings).text, inputs.words.flatten()[arguments[-1]]
    ).backward()
    assert all(weight.grad is None for weight in first.trained.parameters())
    assert all(weight.grad is not None for weight in second.trained.parameters())
    both = {id(weight) for phase in (first, second) for weight in phase.trained.parameters()}
    assert both == {id(weight) for weight in model.parameters()}


def test_inputs_of_the_cells_are_left_out_while_it_learns(inputs: Inputs) -> None:
    model, slots = small_nete(), word_slots(inputs.words)

    def output() -> tuple[torch.Tensor, torch.Tensor]:
        done = model(inputs.users, inputs.items, inputs.features, inputs.words, None, slots)
        return done.rating, done.text

    model.train()
    first, second = output(), output()
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_its_first_weights_and_published_sizes() -> None:
    torch.manual_seed(0)
    model = Nete(NeteConfig(**SIZES))
    text, cell = model.text, model.text.cell
    for table in (model.rating.users, model.rating.items, text.users, text.words, text.sentiments):
        assert 0.09 < table.weight.abs().max() <= 0.1
    for layer in (model.rating.perceptron.hidden[1], text.start, cell.from_word, text.head):
        assert 0.19 < layer.weight.abs().max() <= 0.2
        # A normal distribution of .1, cut at two deviations.
        assert layer.weight.std().item() == pytest.approx(0.088, abs=0.002)
    for gru in (cell.word_cell, cell.own_feature_cell):
        gates = torch.cat([gru.weight_ih, gru.weight_hh], dim=1)[:512]
        # 512 rows of 456 numbers: the columns are orthogonal.
        torch.testing.assert_close(gates.T @ gates, torch.eye(456), atol=1e-4, rtol=0)
        assert gru.bias_ih.tolist() == [1.0] * 512 + [0.0] * 256
        assert not gru.bias_hh.any()
    assert [layer.weight.shape for layer in model.rating.perceptron.hidden] == [(400, 400)] * 4
    assert text.start.weight.shape == (256, 600)
    assert cell.gate.weight.shape == (1, 400)
