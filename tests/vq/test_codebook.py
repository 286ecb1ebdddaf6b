import math

import pytest
import torch

from meter.vq.codebook import Codebook, count_codes, perplexity, points_of, usage


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def codebook_of(vectors: list[list[float]], beta: float = 0.25) -> Codebook:
    codebook = Codebook(num_codes=len(vectors), code_width=len(vectors[0]), beta=beta)
    codebook.vectors.data = torch.tensor(vectors)
    return codebook


def test_nearest_is_brute_force():
    codebook = Codebook(num_codes=37, code_width=5, beta=0.25)
    codebook.vectors.data = torch.randn(37, 5, generator=generator())
    points = torch.randn(200, 5, generator=generator(1))

    slow = [
        min(range(37), key=lambda k, p=p: (p - codebook.vectors[k]).square().sum().item()) for p in points
    ]

    assert codebook.nearest(points).tolist() == slow


def test_codes_are_in_row_order_and_look_up_to_their_vectors():
    codebook = codebook_of([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    encoded = torch.tensor([[[[0.1, 0.9], [0.0, 0.2]], [[0.0, 0.1], [0.8, 0.1]]]])

    done = codebook(encoded)

    assert done.codes.tolist() == [[0, 1, 2, 0]]
    assert torch.equal(codebook.lookup(done.codes, (2, 2)), done.vectors.detach().round())
    assert points_of(encoded)[2].tolist() == pytest.approx([0.0, 0.8])


def test_straight_through_gradient_is_ones():
    codebook = Codebook(num_codes=8, code_width=4, beta=0.25)
    encoded = torch.randn(2, 4, 3, 3, generator=generator(), requires_grad=True)

    codebook(encoded).vectors.sum().backward()

    assert torch.equal(encoded.grad, torch.ones_like(encoded))
    assert codebook.vectors.grad is None or not codebook.vectors.grad.any()


def test_beta_weighs_the_commitment_of_the_encoder():
    # One position, one point z = 3, its code e = 1: (sg[z] − e)² + β (z − sg[e])².
    codebook = codebook_of([[1.0], [-7.0]], beta=0.1)
    encoded = torch.full((1, 1, 1, 1), 3.0, requires_grad=True)

    done = codebook(encoded)
    done.loss.backward()

    assert done.loss.item() == pytest.approx(4 + 0.1 * 4)
    assert encoded.grad.item() == pytest.approx(0.1 * 2 * (3 - 1))
    assert codebook.vectors.grad.tolist() == [[pytest.approx(2 * (1 - 3))], [0.0]]


def test_quantizes_in_32_bits_under_autocast():
    # 1.001 and 1.002 are one number in bfloat16.
    codebook = codebook_of([[1.001, 0.0], [1.002, 0.0]])
    encoded = torch.tensor([1.0021, 0.0]).view(1, 2, 1, 1)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        done = codebook(encoded)

    assert done.codes.tolist() == [[1]]
    assert done.vectors.dtype == torch.float32


def test_dead_codes_move_onto_points_and_used_ones_stay():
    codebook = Codebook(num_codes=6, code_width=3, beta=0.25)
    before = codebook.vectors.detach().clone()
    points = torch.randn(10, 3, generator=generator())
    used = torch.tensor([True, False, True, True, False, False])

    moved = codebook.revive(points, used, generator())

    assert moved == 3
    assert torch.equal(codebook.vectors[used], before[used])
    indices = [(points == vector).all(1).nonzero().item() for vector in codebook.vectors[~used]]
    assert len(set(indices)) == 3


def test_a_revived_code_is_chosen_at_once():
    codebook = codebook_of([[0.0, 0.0], [90.0, 90.0]])
    points = torch.tensor([[5.0, 5.0]])

    codebook.revive(points, torch.tensor([True, False]), generator())

    assert codebook.nearest(points).tolist() == [1]


def test_reviving_more_codes_than_points_repeats_them():
    codebook = Codebook(num_codes=5, code_width=2, beta=0.25)
    points = torch.tensor([[1.0, 1.0], [2.0, 2.0]])

    assert codebook.revive(points, torch.zeros(5, dtype=torch.bool), generator()) == 5
    assert {tuple(vector) for vector in codebook.vectors.tolist()} == {(1.0, 1.0), (2.0, 2.0)}


def test_revival_is_a_function_of_its_generator():
    def revived(seed: int) -> torch.Tensor:
        codebook = codebook_of([[0.0, 0.0]] * 4)
        points = torch.randn(50, 2, generator=generator())
        codebook.revive(points, torch.zeros(4, dtype=torch.bool), generator(seed))
        return codebook.vectors.detach()

    assert torch.equal(revived(1), revived(1))
    assert not torch.equal(revived(1), revived(2))


def test_seeding_finds_separate_clusters():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (centres[:, None] + 0.1 * torch.randn(3, 40, 2, generator=generator())).flatten(0, 1)
    codebook = Codebook(num_codes=12, code_width=2, beta=0.25)

    codebook.seed(points, generator())

    before = (points - codebook_of(centres.tolist()).vectors[0]).square().sum(1).mean().item()
    after = (points - codebook.vectors[codebook.nearest(points)]).square().sum(1).mean().item()
    assert after < 0.02 < before
    assert usage(count_codes(codebook.nearest(points), 12)) == 1


def test_usage_and_perplexity_by_hand():
    counts = count_codes(torch.tensor([[0, 0, 3], [0, 3, 1]]), num_codes=5)

    assert counts.tolist() == [3, 1, 0, 2, 0]
    assert usage(counts) == pytest.approx(3 / 5)
    entropy = -(3 / 6 * math.log(3 / 6) + 1 / 6 * math.log(1 / 6) + 2 / 6 * math.log(2 / 6))
    assert perplexity(counts) == pytest.approx(math.exp(entropy))
    assert perplexity(torch.full((8,), 5)) == pytest.approx(8)
    assert perplexity(torch.tensor([0, 9, 0])) == pytest.approx(1)
