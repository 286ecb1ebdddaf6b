import numpy as np
import pytest

from meter.errors import InputError
from meter.metrics.retrieval import (
    draw_candidates,
    embedding_scores,
    is_above_chance,
    label_agreement,
    retrieval_metrics,
)


def test_ranks_by_hand():
    scores = np.array(
        [
            [9.0, 1, 2, 3, 4, 5, 6],
            [5.0, 1, 2, 3, 4, 6, 7],
            [0.0, 1, 2, 3, 4, 5, 6],
        ]
    )
    result = retrieval_metrics(scores)
    assert result.recall_at_1 == pytest.approx(1 / 3)
    assert result.recall_at_5 == pytest.approx(2 / 3)
    assert result.median_rank == 3
    assert result.mean_reciprocal_rank == pytest.approx((1 + 1 / 3 + 1 / 7) / 3)
    assert (result.num_candidates, result.count, result.tied) == (7, 3, 0)
    shares = np.array([6, 4, 0]) / 6
    assert result.auc == pytest.approx(shares.mean())
    assert result.auc_error == pytest.approx(shares.std() / 3**0.5)


def test_above_chance_is_two_standard_errors_above_a_half():
    assert is_above_chance(0.53, 0.01)
    assert not is_above_chance(0.51, 0.01)
    assert not is_above_chance(float("nan"), float("nan"))


def test_the_true_column_may_stand_anywhere():
    scores = np.random.default_rng(0).normal(size=(40, 9))
    moved = np.roll(scores, 4, axis=1)
    assert retrieval_metrics(scores) == retrieval_metrics(moved, true_column=4)


def test_ties_are_the_mean_over_random_orders():
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 4, size=(30, 8)).astype(np.float64)
    result = retrieval_metrics(scores)
    ranks = []
    for _ in range(3000):
        broken = scores + generator.uniform(0, 0.5, scores.shape)
        ranks.append(1 + (broken[:, 1:] > broken[:, :1]).sum(axis=1))
    ranks = np.array(ranks)
    assert result.recall_at_1 == pytest.approx((ranks == 1).mean(), abs=0.01)
    assert result.recall_at_5 == pytest.approx((ranks <= 5).mean(), abs=0.01)
    assert result.mean_reciprocal_rank == pytest.approx((1 / ranks).mean(), abs=0.01)
    assert result.median_rank == pytest.approx(np.median(ranks.mean(axis=0)), abs=0.1)


def test_a_constant_score_gets_the_chance_value():
    result = retrieval_metrics(np.zeros((7, 100)))
    assert result.recall_at_1 == pytest.approx(0.01)
    assert result.chance_at_1 == pytest.approx(0.01)
    assert result.recall_at_5 == pytest.approx(0.05)
    assert result.median_rank == 50.5
    assert (result.auc, result.auc_error) == (0.5, 0)
    assert result.tied == 7


def test_candidates_are_other_groups_each_once_and_the_own_first():
    generator = np.random.default_rng(1)
    groups = generator.integers(0, 12, size=200).tolist()
    candidates = draw_candidates(groups, seed=3, num_candidates=50)
    assert candidates.shape == (200, 50)
    for row, drawn in enumerate(candidates):
        assert drawn[0] == row
        assert len(set(drawn.tolist())) == 50
        assert all(groups[other] != groups[row] for other in drawn[1:])


def test_every_other_row_is_drawn_equally_often():
    groups = ["a", "b", "a", "c", "d"] * 4
    drawn = [draw_candidates(groups, seed=seed, num_candidates=7)[0, 1:] for seed in range(1000)]
    frequency = np.bincount(np.concatenate(drawn), minlength=20)
    others = np.array([group != "a" for group in groups])
    assert frequency[~others].sum() == 0
    assert frequency[others] == pytest.approx(1000 * 6 / 12, rel=0.15)


def test_the_same_seed_draws_the_same():
    groups = [str(row // 3) for row in range(300)]
    first = draw_candidates(groups, seed=0)
    assert first.shape == (300, 100)
    assert np.array_equal(first, draw_candidates(groups, seed=0))
    assert not np.array_equal(first, draw_candidates(groups, seed=1))


def test_a_large_group_leaves_fewer_candidates_to_all():
    groups = ["a"] * 7 + ["b", "c", "d"]
    assert draw_candidates(groups, seed=0).shape == (10, 4)


def test_embeddings_find_their_own_pictures():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(600, 16))
    candidates = draw_candidates(list(range(600)), seed=0)
    scores = embedding_scores(vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), candidates)
    assert scores.shape == (600, 100)
    assert scores[511, 7] == pytest.approx(
        vectors[511] @ vectors[candidates[511, 7]] / np.linalg.norm(vectors[candidates[511, 7]])
    )
    assert retrieval_metrics(scores).recall_at_1 == 1
    blind = embedding_scores(vectors, generator.normal(size=(600, 16)), candidates)
    assert retrieval_metrics(blind).recall_at_1 < 0.05


def test_one_picture_for_all_gets_the_chance_value():
    candidates = draw_candidates(list(range(120)), seed=0)
    pictures = np.ones((120, 4))
    scores = embedding_scores(np.random.default_rng(0).normal(size=(120, 4)), pictures, candidates)
    assert retrieval_metrics(scores).recall_at_1 == pytest.approx(0.01)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="two groups"):
        draw_candidates(["a", "a"], seed=0)
    with pytest.raises(InputError, match="finite scores"):
        retrieval_metrics(np.array([[np.nan, 1.0]]))


def test_label_agreement_by_hand():
    """Sentence 0 prefers the other bathroom, sentence 1 a garden, and sentence 2 cannot choose between both others."""
    candidates = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1]])
    scores = np.array([[0.0, 5.0, 1.0], [9.0, 2.0, 3.0], [0.0, 4.0, 4.0]])
    agreement = label_agreement(scores, ["bathroom", "bathroom", "garden"], candidates)
    assert agreement.same_label == pytest.approx(1 / 3)
    assert agreement.same_label_by_chance == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    alike = label_agreement(scores, ["bathroom", "garden", "bathroom"], candidates)
    assert alike.same_label == pytest.approx((0 + 0 + 1 / 2) / 3)
