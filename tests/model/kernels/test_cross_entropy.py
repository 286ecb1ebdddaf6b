"""Cross-entropy in parts that fit a cache is torch's own, in every precision."""

import pytest
import torch
import torch.nn.functional as F

from meter.model.kernels import cross_entropy
from meter.model.kernels.cross_entropy import cross_entropies


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows of 11 numbers at once, so that 10 rows make parts of 3, 3, 3 and 1."""
    monkeypatch.setattr(cross_entropy, "CHUNK_SIZE", 35)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64, torch.bfloat16])
def test_values_and_gradients_are_those_of_torch(precision: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (20 * torch.randn(10, 11, generator=generator)).to(precision).requires_grad_()
    targets = torch.randint(11, (10,), generator=generator)
    weights = torch.randn(10, generator=generator, dtype=torch.promote_types(precision, torch.float32))

    ours = cross_entropies(logits, targets)
    (gradient,) = torch.autograd.grad((ours * weights).sum(), logits)
    theirs = F.cross_entropy(logits.to(weights.dtype), targets, reduction="none")
    (expected,) = torch.autograd.grad((theirs * weights).sum(), logits)

    assert ours.dtype == weights.dtype
    assert gradient.dtype == precision
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradient, expected)


def test_the_gradient_is_the_slope() -> None:
    logits = torch.randn(7, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 10, 3, 3, 7, 5, 1])
    assert torch.autograd.gradcheck(lambda x: cross_entropies(x, targets), logits.requires_grad_())


def test_large_logits_neither_overflow_nor_vanish() -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]], requires_grad=True)
    losses = cross_entropies(logits, torch.tensor([1, 2]))
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    torch.testing.assert_close(losses, torch.tensor([1e4, torch.log(torch.tensor(3.0)).item()]))
    torch.testing.assert_close(gradient, torch.tensor([[1.0, -1.0, 0.0], [1 / 3, 1 / 3, -2 / 3]]))


def test_no_rows_no_losses() -> None:
    logits = torch.empty(0, 5, requires_grad=True)
    losses = cross_entropies(logits, torch.empty(0, dtype=torch.long))
    losses.sum().backward()
    assert losses.shape == (0,)
    assert logits.grad is not None
    assert logits.grad.shape == (0, 5)
