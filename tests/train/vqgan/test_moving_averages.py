"""The codebook as moving averages, beside a plain version and by hand."""

import pytest
import torch

from meter.train.vqgan.moving_averages import MovingAverages, PointsByCode, sum_by_code
from meter.vq.codebook import Codebook


def codebook_of(vectors: list[list[float]]) -> Codebook:
    codebook = Codebook(num_codes=len(vectors), code_width=len(vectors[0]), beta=0.25)
    codebook.vectors.data = torch.tensor(vectors)
    codebook.vectors.requires_grad_(False)
    return codebook


def test_by_hand() -> None:
    # Code 0 was chosen by 2 and 6, code 1 by nothing: N = (.5 + .5·2, .5), m = (.5·1 + .5·8, .5·−1).
    codebook = codebook_of([[1.0], [-1.0]])
    averages = MovingAverages(codebook, decay=0.5)
    points, codes = torch.tensor([[2.0], [6.0]]), torch.tensor([[0, 0]])

    averages.update(sum_by_code(points, codes, 2))

    assert averages.sizes.tolist() == [1.5, 0.5]
    assert codebook.vectors.flatten().tolist() == pytest.approx([4.5 / 1.5, -1.0], rel=1e-4)


def test_steps_are_a_plain_loop_over_points() -> None:
    generator = torch.Generator().manual_seed(0)
    codebook = codebook_of(torch.randn(5, 3, generator=generator).tolist())
    averages = MovingAverages(codebook, decay=0.9)
    sizes, sums = [1.0] * 5, [vector.clone() for vector in codebook.vectors]
    for _ in range(4):
        points = torch.randn(24, 3, generator=generator)
        codes = codebook.nearest(points).view(2, 12)
        averages.update(sum_by_code(points, codes, 5))
        for code in range(5):
            mine = [
                point
                for point, chosen in zip(points, codes.flatten().tolist(), strict=True)
                if chosen == code
            ]
            sizes[code] = 0.9 * sizes[code] + 0.1 * len(mine)
            sums[code] = 0.9 * sums[code] + 0.1 * sum(mine, start=torch.zeros(3))
    expected = torch.stack([total / size for total, size in zip(sums, sizes, strict=True)])
    torch.testing.assert_close(codebook.vectors, expected, rtol=1e-4, atol=1e-5)


def test_codes_settle_on_the_means_of_what_chooses_them() -> None:
    points = torch.tensor([[-3.0], [-1.0], [4.0], [8.0]])
    codebook = codebook_of([[-0.5], [0.5]])
    averages = MovingAverages(codebook, decay=0.8)
    for _ in range(60):
        averages.update(sum_by_code(points, codebook.nearest(points)[None], 2))
    assert codebook.vectors.flatten().tolist() == pytest.approx([-2.0, 6.0], abs=1e-3)


def test_moved_codes_begin_anew() -> None:
    codebook = codebook_of([[1.0], [2.0]])
    averages = MovingAverages(codebook, decay=0.9)
    averages.update(PointsByCode(sizes=torch.tensor([4.0, 4.0]), sums=torch.tensor([[4.0], [8.0]])))
    before = averages.sums[1].clone()
    codebook.vectors[0] = 7.0

    averages.restart(torch.tensor([True, False]))

    assert (averages.sizes[0].item(), averages.sums[0].item()) == (1.0, 7.0)
    assert torch.equal(averages.sums[1], before)


def test_a_code_that_nothing_chooses_stays_finite() -> None:
    codebook = codebook_of([[1.0], [2.0]])
    averages = MovingAverages(codebook, decay=0.1)
    for _ in range(200):
        averages.update(PointsByCode(sizes=torch.tensor([4.0, 0.0]), sums=torch.tensor([[4.0], [0.0]])))
    assert codebook.vectors.isfinite().all()
