"""Each loss of J against a hand-computed value."""

import math

import pytest
import torch
import torch.nn.functional as F

from meter.model import PackedOutput, word_slots
from meter.train.objective import (
    ContextTargets,
    Losses,
    ObjectiveConfig,
    context_loss,
    rating_loss,
    supervised_losses,
    text_loss,
    visual_loss,
)

# Two sentences of n = 3: "4 5 EOS", and "6 4 5 EOS", which is as long as n allows.
WORDS = torch.tensor([[4, 5, 2, 0], [6, 4, 5, 2]])


def log_softmax(row: list[float], index: int) -> float:
    return row[index] - math.log(sum(math.exp(value) for value in row))


def test_text_loss_is_the_mean_over_words_and_eos() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 7)
    targets = [(0, 0, 4), (0, 1, 5), (0, 2, 2), (1, 0, 6), (1, 1, 4), (1, 2, 5), (1, 3, 2)]
    expected = -sum(log_softmax(logits[row, slot].tolist(), word) for row, slot, word in targets) / 7
    assert text_loss(logits, WORDS).item() == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_is_that_of_torch() -> None:
    """The words that are PAD count for nothing; all words of the vocabulary are taught a little."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 9, generator=generator, requires_grad=True)
    words = torch.tensor([[3, 4, 2, 0], [8, 2, 0, 0]])
    expected = F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=0, label_smoothing=0.3)
    found = text_loss(logits, words, 0.3)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in (found, expected)]
    torch.testing.assert_close(*slopes)


def test_visual_loss_leaves_out_pictures_that_do_not_exist() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 2, 5)
    expected = -(log_softmax(logits[0, 0].tolist(), 3) + log_softmax(logits[0, 1].tolist(), 1)) / 2
    assert visual_loss(logits, torch.tensor([[3, 1], [-1, -1]])).item() == pytest.approx(expected, rel=1e-5)
    assert visual_loss(logits, torch.full((2, 2), -1)).item() == 0


def test_rating_loss_is_the_mean_squared_error() -> None:
    assert rating_loss(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0])).item() == pytest.approx(
        (1 + 9) / 2
    )


def test_context_loss_scores_words_without_eos() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 7)
    scored = [(0, 4), (0, 5), (1, 6), (1, 4), (1, 5)]
    expected = -sum(log_softmax(logits[row].tolist(), word) for row, word in scored) / 5
    assert context_loss(logits, WORDS, ContextTargets.words).item() == pytest.approx(expected, rel=1e-5)


def test_context_loss_as_peter_counts_eos_of_short_sentences() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 7)
    scored = [(0, 4), (0, 5), (0, 2), (1, 6), (1, 4), (1, 5)]
    expected = -sum(log_softmax(logits[row].tolist(), word) for row, word in scored) / 6
    assert context_loss(logits, WORDS, ContextTargets.peter_compat).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_j_is_the_weighted_sum() -> None:
    losses = Losses(
        text=torch.tensor(2.0),
        visual=torch.tensor(3.0),
        rating=torch.tensor(5.0),
        context=torch.tensor(7.0),
        generator=torch.tensor(11.0),
    )
    config = ObjectiveConfig(lambda_e=0.5, lambda_d=0.2, lambda_r=0.3, lambda_c=0.7, alpha=0.4)
    assert losses.total(config).item() == pytest.approx(0.5 * (2 + 0.4 * 3) + 0.2 * 11 + 0.3 * 5 + 0.7 * 7)
    losses.visual = losses.generator = None
    assert losses.total(config).item() == pytest.approx(0.5 * 2 + 0.3 * 5 + 0.7 * 7)


def test_supervised_losses_read_the_right_heads() -> None:
    torch.manual_seed(0)
    text = torch.randn(2, 4, 7)
    output = PackedOutput(
        rating=torch.tensor([3.0, 4.0]),
        context=torch.randn(2, 7),
        text=text.flatten(0, 1)[word_slots(WORDS)],
        word_slots=word_slots(WORDS),
        visual=torch.randn(2, 2, 5),
    )
    codes = torch.tensor([[3, 1], [0, 2]])
    ratings = torch.tensor([3.0, 5.0])
    losses = supervised_losses(output, WORDS, ratings, codes, ObjectiveConfig())
    assert losses.rating.item() == pytest.approx(0.5)
    assert losses.text.item() == pytest.approx(text_loss(text, WORDS).item(), rel=1e-6)
    assert torch.equal(losses.visual, visual_loss(output.visual, codes))
    assert torch.equal(losses.context, context_loss(output.context, WORDS, ContextTargets.words))
    assert losses.generator is None
