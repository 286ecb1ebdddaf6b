import pytest
import torch

from meter.errors import InputError
from meter.model.kernels.dropout import Dropout, dropout_mask


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_is_dropped_and_the_mean_is_kept(share):
    torch.manual_seed(0)
    ones = torch.ones(1000, 999)

    dropped = Dropout(share)(ones)

    assert (dropped == 0).float().mean().item() == pytest.approx(share, abs=0.002)
    assert dropped.mean().item() == pytest.approx(1, abs=0.005)
    assert len(dropped.unique()) == 2


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    lost = dropout_mask(torch.ones(400_000), 0.5).eq(0).float() - 0.5

    for distance in (1, 2, 3, 4, 8):
        assert abs((lost[distance:] * lost[:-distance]).mean().item()) < 0.002
    for lane in range(4):
        assert lost[lane::4].mean().item() == pytest.approx(0, abs=0.005)


def test_the_seed_decides_and_evaluation_drops_nothing():
    values, dropout = torch.randn(7, 5), Dropout(0.3)

    def once(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return dropout(values)

    assert torch.equal(once(3), once(3))
    assert not torch.equal(once(3), once(4))
    assert dropout.eval()(values) is values


def test_gradients_pass_what_is_kept():
    torch.manual_seed(0)
    values = torch.ones(50, requires_grad=True)

    dropped = Dropout(0.5)(values)
    dropped.sum().backward()

    assert torch.equal(values.grad, dropped.detach())


def test_a_share_that_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"probability in \[0, 1\), found 1\.5$"):
        Dropout(1.5)
