"""Tests of tests: against scipy, against naive recomputation, by hand, and under a hypothesis that holds."""

from dataclasses import asdict
from itertools import product

import numpy as np
import pytest
from scipy import stats

from meter.compare.measures import EvaluatedRecords, measures
from meter.errors import InputError
from meter.metrics import (
    cliffs_delta,
    count_overlap,
    diversity,
    holm,
    matched_runs_test,
    paired_test,
    seed_test,
)
from meter.metrics.stats.resampling import Stratum, _bootstrap, _sum_metrics, paired_tests, stratified_tests
from meter.metrics.stats.sum_metrics import SumMetric, SumPairs, mean_of
from meter.metrics.stats.type_metrics import SETTLED, TypeMetric, TypePair
from meter.metrics.text import bleu, bleu_counts, bleu_of_counts, text_metrics
from meter.run_folder import RunFolder, RunNames
from tests.conftest import plain_generation

WORDS = ["the", "room", "was", "clean", "quiet", "and", "pool", "front", "desk"]
FEATURES = {"room", "pool", "front desk", "spa"}


def correlated(seed: int, count: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two systems that find the same examples hard."""
    draws = np.random.default_rng(seed)
    hardness = draws.normal(size=count)
    return hardness + draws.normal(size=count) + shift, hardness + draws.normal(size=count)


def sentences(seed: int, count: int, longest: int = 5) -> list[str]:
    """Short sentences of few words, so that many are equal; some are empty."""
    draws = np.random.default_rng(seed)
    return [" ".join(draws.choice(WORDS, size=draws.integers(0, longest))) for _ in range(count)]


def swapped(first: list[str], second: list[str], swaps: np.ndarray) -> tuple[list[str], list[str]]:
    pairs = [(b, a) if swap else (a, b) for a, b, swap in zip(first, second, swaps, strict=True)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def test_the_mean_difference_and_d_z_by_hand() -> None:
    found = paired_test([3.0, 5.0, 4.0, 8.0], [1.0, 4.0, 4.0, 5.0], num_resamples=100)
    assert (found.first, found.second, found.difference) == (5.0, 3.5, 1.5)
    assert found.effect == pytest.approx(1.5 / np.std([2, 1, 0, 3], ddof=1))
    assert (found.num_examples, found.interval) == (4, "bootstrap")


def test_randomization_agrees_with_scipys_exact_test() -> None:
    first, second = correlated(0, count=12, shift=0.9)
    exact = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    found = paired_test(first, second, num_resamples=40_000)
    assert 0.01 < exact.pvalue < 0.3
    assert found.p_randomization == pytest.approx(exact.pvalue, abs=0.008)


def test_the_interval_agrees_with_scipys_bootstrap() -> None:
    first, second = correlated(1, count=80, shift=0.3)
    settings = {"paired": True, "vectorized": True, "method": "percentile", "n_resamples": 20_000, "rng": 5}
    theirs = stats.bootstrap((first, second), lambda a, b, axis: np.mean(a - b, axis=axis), **settings)
    found = paired_test(first, second, num_resamples=20_000)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)
    effects = stats.bootstrap(
        (first - second,),
        lambda d, axis: d.mean(axis=axis) / d.std(axis=axis, ddof=1),
        **{**settings, "paired": False},
    )
    ends = (found.effect_low, found.effect_high)
    assert ends == pytest.approx(tuple(effects.confidence_interval), abs=0.015)


def test_the_bootstraps_p_and_interval_say_the_same() -> None:
    for seed in range(30):
        found = paired_test(*correlated(seed, count=30, shift=0.5), num_resamples=999)
        assert found.p_bootstrap is not None
        if abs(found.p_bootstrap - 0.05) > 0.005:
            assert (found.p_bootstrap < 0.05) == (found.low > 0 or found.high < 0)


def test_where_nothing_differs_p_is_uniform() -> None:
    draws = [paired_test(*correlated(seed, count=25), num_resamples=399, seed=seed) for seed in range(600)]
    randomization = [found.p_randomization for found in draws]
    assert stats.kstest(randomization, "uniform").pvalue > 0.05
    assert np.mean(np.array(randomization) <= 0.05) == pytest.approx(0.05, abs=0.02)
    # the percentile bootstrap is known to be a little liberal for few examples
    assert (
        0.03
        < np.mean([found.p_bootstrap is not None and found.p_bootstrap <= 0.05 for found in draws])
        < 0.11
    )


def test_identical_systems_do_not_differ() -> None:
    scores = correlated(0, count=50)[0]
    found = paired_test(scores, scores, num_resamples=200)
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    assert (found.p_bootstrap, found.p_randomization) == (1, 1)
    assert (found.effect, found.effect_low, found.effect_high) == (0, 0, 0)


def test_the_same_difference_everywhere_has_no_standard() -> None:
    found = paired_test(np.arange(20) + 0.1, np.arange(20.0), num_resamples=200)
    assert found.effect is None
    assert found.p_randomization < 0.02


def test_exchanging_the_systems_changes_the_sign_only() -> None:
    first, second = correlated(3, count=40, shift=0.4)
    one, other = paired_test(first, second, num_resamples=500), paired_test(second, first, num_resamples=500)
    assert one.difference == -other.difference
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert (one.p_bootstrap, one.p_randomization) == (other.p_bootstrap, other.p_randomization)
    assert one.effect == pytest.approx(-other.effect)


def test_the_seed_decides_the_draws() -> None:
    pair = correlated(4, count=40, shift=0.3)
    assert paired_test(*pair, num_resamples=300) == paired_test(*pair, num_resamples=300)
    assert paired_test(*pair, num_resamples=300) != paired_test(*pair, num_resamples=300, seed=1)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1.0, 2.0], [1.0], r"one score for each example, found \(2,\) and \(1,\)"),
        ([1.0], [1.0], "at least two examples, found 1"),
        ([1.0, np.nan], [1.0, 2.0], "finite scores"),
    ],
)
def test_what_cannot_be_paired_is_refused(first, second, words) -> None:
    with pytest.raises(InputError, match=words):
        paired_test(first, second)


def run_of(texts: list[str], references: list[str]) -> RunFolder:
    generations = [
        plain_generation(text, reference, row=row)
        for row, (text, reference) in enumerate(zip(texts, references, strict=True))
    ]
    run = RunFolder("run")
    run.generations, run.scores = generations, None
    run.names = RunNames(
        users=[], items=[], features=sorted(FEATURES), dataset="toy", lowest_rating=1.0, highest_rating=5.0
    )
    return run


def metrics_of(texts: list[list[str]], references: list[str]) -> dict:
    """Every metric of a system with several seeds that needs no file, made as a comparison makes it."""
    runs = [EvaluatedRecords(run_of(seed_texts, references), "test") for seed_texts in texts]
    wanted = ("text.", "diversity.usr", "diversity.fcr", "diversity.div", "diversity.dist")
    return {one.key: one.metric(runs) for one in measures() if one.key.startswith(wanted)}


def naive(texts: list[str], references: list[str]) -> dict[str, float]:
    text, diverse = text_metrics(references, texts), diversity(texts, [None] * len(texts), FEATURES)
    return {
        "text.bleu_1": text.bleu_1,
        "text.bleu_4": text.bleu_4,
        "text.rouge_1.f": text.rouge_1.f,
        "text.rouge_2.f": text.rouge_2.f,
        "text.rouge_l.f": text.rouge_l.f,
        "diversity.usr": diverse.usr,
        "diversity.fcr": diverse.fcr,
        "diversity.div": diverse.div,
        "diversity.distinct_1": diverse.distinct_1,
        "diversity.distinct_2": diverse.distinct_2,
        "diversity.distinct_3": diverse.distinct_3,
    }  # type: ignore[return-value]


@pytest.mark.parametrize(("count", "longest"), [(9, 8), (60, 5), (3 * SETTLED, 3)])
def test_swapping_without_recounting_equals_counting_again(count, longest) -> None:
    references = sentences(0, count, longest=9)
    texts = [[sentences(10 * system + seed, count, longest) for seed in (1, 2)] for system in (1, 2)]
    first, second = (metrics_of(of_system, references) for of_system in texts)
    swaps = np.random.default_rng(5).integers(0, 2, size=(count, 12)).astype(np.float64)
    swaps[:, 0], swaps[:, 1] = 0, 1
    sums = SumPairs(*(_sum_metrics(of_system) for of_system in (first, second)))
    fast = sums.swapped(swaps)
    fast |= {
        name: TypePair(one, second[name]).swapped(swaps)
        for name, one in first.items()
        if isinstance(one, TypeMetric)
    }
    for draw in range(swaps.shape[1]):
        differences: dict[str, list[float]] = {name: [] for name in fast}
        for seed in (0, 1):
            mixed = swapped(texts[0][seed], texts[1][seed], swaps[:, draw])
            values = [naive(one, references) for one in mixed]
            for name in fast:
                differences[name].append(values[0][name] - values[1][name])
        for name, found in fast.items():
            assert found[draw] == pytest.approx(np.mean(differences[name]), abs=1e-9), name


def test_leaving_an_example_out_equals_counting_again() -> None:
    first, second = sentences(1, 30), sentences(2, 30)
    references = sentences(0, 30, longest=9)
    one, other = metrics_of([first], references), metrics_of([second], references)
    for name in (
        "diversity.usr",
        "diversity.fcr",
        "diversity.div",
        "diversity.distinct_1",
        "diversity.distinct_2",
        "diversity.distinct_3",
    ):
        left = TypePair(one[name], other[name]).without_each()
        for row in range(30):
            values = [
                naive(texts[:row] + texts[row + 1 :], references[:row] + references[row + 1 :])[name]
                for texts in (first, second)
            ]
            assert left[row] == pytest.approx(values[0] - values[1]), name


def test_resampled_bleu_equals_bleu_of_the_resample() -> None:
    references, texts = (
        sentences(0, 50, longest=9),
        [sentences(1, 50, longest=9), sentences(2, 50, longest=9)],
    )
    overlaps = [count_overlap(references, one) for one in texts]
    one, other = (
        SumMetric(terms=bleu_counts(overlap, 2)[None], value=bleu_of_counts) for overlap in overlaps
    )
    pairs = SumPairs({"bleu": one}, {"bleu": other})
    resamples = _bootstrap(pairs, pairs.jackknives(), np.random.default_rng(3), 50, 25)["bleu"]
    draws = np.random.default_rng(3)
    for difference in resamples.differences:
        rows = draws.integers(0, 50, size=50, dtype=np.int32)
        expected = bleu(overlaps[0].take(rows), 2) - bleu(overlaps[1].take(rows), 2)
        assert difference == pytest.approx(expected, abs=1e-9)


def test_seeds_are_averaged_before_examples_are_resampled() -> None:
    draws = np.random.default_rng(0)
    first, second = draws.normal(size=(3, 40)) + 0.4, draws.normal(size=(3, 40))
    pooled = paired_tests({"x": mean_of(first)}, {"x": mean_of(second)}, num_resamples=300)["x"]
    averaged = paired_test(first.mean(axis=0), second.mean(axis=0), num_resamples=300)
    for name in ("difference", "low", "high", "p_bootstrap", "p_randomization", "effect"):
        assert getattr(pooled, name) == pytest.approx(getattr(averaged, name))


def test_a_metric_gets_the_same_numbers_in_any_company() -> None:
    references = sentences(0, 30, longest=9)
    first, second = (metrics_of([sentences(seed, 30)], references) for seed in (1, 2))
    together = paired_tests(first, second, num_resamples=50)
    for name in first:
        alone = paired_tests({name: first[name]}, {name: second[name]}, num_resamples=50)[name]
        assert asdict(alone) == pytest.approx(asdict(together[name]))


def test_counts_of_types_get_a_jackknife_and_no_bootstrap() -> None:
    first, second = (metrics_of([sentences(seed, 40)], sentences(0, 40)) for seed in (1, 2))
    found = paired_tests(first, second, num_resamples=50)["diversity.usr"]
    pair = TypePair(first["diversity.usr"], second["diversity.usr"])
    left = pair.without_each()
    error = np.sqrt(39 / 40 * ((left - left.mean()) ** 2).sum())
    assert (found.interval, found.p_bootstrap) == ("jackknife", None)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * error)
    assert (found.high + found.low) / 2 == pytest.approx(found.difference)


def test_examples_without_a_score_are_not_counted() -> None:
    first = np.array([[1.0, np.nan, 3.0, 5.0]])
    second = np.array([[0.0, np.nan, 3.0, 2.0]])
    found = paired_tests({"x": mean_of(first)}, {"x": mean_of(second)}, num_resamples=100)["x"]
    assert (found.first, found.second, found.num_examples) == (3.0, pytest.approx(5 / 3), 3)
    assert found.effect == pytest.approx(np.mean([1, 0, 3]) / np.std([1, 0, 3], ddof=1))


def test_systems_that_do_not_fit_are_refused() -> None:
    one, other = mean_of(np.ones((1, 5))), mean_of(np.ones((1, 6)))
    with pytest.raises(InputError, match="the same seeds and examples, found"):
        paired_tests({"x": one}, {"x": other})
    with pytest.raises(InputError, match="other metrics"):
        paired_tests({"x": one}, {"y": one})


def stratum(first: list[list[float]], second: list[list[float]]) -> Stratum:
    """Mean scores S × N of two systems in one stratum."""
    return Stratum(
        first={"x": mean_of(np.array(first, dtype=float))},
        second={"x": mean_of(np.array(second, dtype=float))},
    )


def test_the_value_over_strata_is_the_mean_over_runs() -> None:
    two_runs = stratum([[1, 2, 3], [5, 5, 5]], [[0, 0, 0], [1, 1, 1]])
    one_run = stratum([[8, 10]], [[2, 2]])
    found = stratified_tests([two_runs, one_run], num_resamples=100)["x"]
    assert found.first == pytest.approx((2 + 5 + 9) / 3)
    assert found.second == pytest.approx((0 + 1 + 2) / 3)
    assert found.difference == pytest.approx(13 / 3)
    assert found.num_examples == 5
    # of the examples' differences, mean over runs: 2.5, 3, 3.5 with weight 2/3 and 6, 8 with weight 1/3
    assert found.effect == pytest.approx(13 / 3 / np.sqrt(2 / 3 * 0.25 + 1 / 3 * 2))


def test_strata_are_blocks_of_one_metric_of_sums() -> None:
    """The same runs with no terms for the other's examples, counted by the test of a single stratum."""
    references = [sentences(world, 12, longest=9) for world in (0, 1)]
    texts = [[sentences(10 * system + world, 12, longest=9) for world in (0, 1)] for system in (1, 2)]
    blocks, strata = [], []
    for system in (0, 1):
        counts = [bleu_counts(count_overlap(references[world], texts[system][world]), 2) for world in (0, 1)]
        empty = np.zeros_like(counts[0])
        terms = np.stack([np.concatenate([counts[0], empty]), np.concatenate([empty, counts[1]])])
        blocks.append({"x": SumMetric(terms=terms, value=bleu_of_counts)})
        strata.append([{"x": SumMetric(terms=one[None], value=bleu_of_counts)} for one in counts])
    whole = paired_tests(*blocks, num_resamples=100)["x"]
    found = stratified_tests(
        [Stratum(first=strata[0][world], second=strata[1][world]) for world in (0, 1)], num_resamples=100
    )["x"]
    assert (found.first, found.second) == pytest.approx((whole.first, whole.second))
    assert (found.num_examples, found.num_resamples) == (whole.num_examples, whole.num_resamples)


def test_randomization_over_strata_is_all_swaps_of_all_examples() -> None:
    """Of words in sentences, against every one of the 2⁷ ways to swap."""
    texts = [[["a b", "a", "a"], ["a b", "c", "d e"]], [["a", "b c", "b", "c"], ["b", "b", "b", "b"]]]

    def values(of_system: list[str]) -> float:
        words = [word for text in of_system for word in text.split()]
        return len(set(words)) / len(words)

    def metric(of_system: list[str]) -> TypeMetric:
        return TypeMetric(
            types=[[set(text.split()) for text in of_system]],
            sizes=np.array([[float(len(text.split())) for text in of_system]]),
            denominator=lambda words: words,
        )

    observed = np.mean([values(first) - values(second) for first, second in texts])
    differences = []
    for swaps in product([0, 1], repeat=7):
        mixed = [
            swapped(*texts[0], np.array(swaps[:3])),
            swapped(*texts[1], np.array(swaps[3:])),
        ]
        differences.append(np.mean([values(first) - values(second) for first, second in mixed]))
    exact = np.mean(np.abs(differences) >= abs(observed) - 1e-12)
    strata = [Stratum(first={"x": metric(first)}, second={"x": metric(second)}) for first, second in texts]
    found = stratified_tests(strata, num_resamples=20_000)["x"]
    assert found.difference == pytest.approx(observed)
    assert 0.05 < exact < 0.95
    assert found.p_randomization == pytest.approx(exact, abs=0.012)


def test_a_stratum_twice_gives_the_same_difference_more_surely() -> None:
    first, second = correlated(5, count=60, shift=0.4)
    once = paired_test(first, second, num_resamples=4000)
    half = Stratum(first={"x": mean_of(first[None])}, second={"x": mean_of(second[None])})
    twice = stratified_tests([half, half], num_resamples=4000)["x"]
    assert twice.difference == pytest.approx(once.difference)
    assert twice.effect == pytest.approx(once.effect)
    assert (twice.high - twice.low) * np.sqrt(2) == pytest.approx(once.high - once.low, rel=0.08)


def test_examples_are_drawn_within_their_stratum() -> None:
    """Where every example of a stratum differs by the same, no draw changes anything; drawn from all, it would."""
    found = stratified_tests(
        [stratum([[1] * 9], [[0] * 9]), stratum([[3] * 9], [[0] * 9])], num_resamples=200
    )["x"]
    assert (found.difference, found.low, found.high) == (2, 2, 2)
    assert found.effect is None


def test_the_jackknife_over_strata_adds_their_variances() -> None:
    halves = [metrics_of([sentences(seed, 40)], sentences(0, 40)) for seed in (1, 2, 3, 4)]
    strata = [Stratum(first=halves[place], second=halves[place + 1]) for place in (0, 2)]
    found = stratified_tests(strata, num_resamples=50)["diversity.usr"]
    widths = [
        (alone.high - alone.low)
        for one in strata
        for alone in [paired_tests(one.first, one.second, num_resamples=50)["diversity.usr"]]
    ]
    assert found.interval == "jackknife"
    assert found.high - found.low == pytest.approx(np.hypot(*widths) / 2)


def test_strata_with_other_metrics_are_refused() -> None:
    one = stratum([[1, 2]], [[1, 1]])
    with pytest.raises(InputError, match=r"two strata with other metrics: \['x'\] and \['y'\]"):
        stratified_tests([one, Stratum(first={"y": one.first["x"]}, second={"y": one.second["x"]})])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2, None, 0.4, 0.9]) == [pytest.approx(0.6), None, pytest.approx(0.8), 0.9]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("second", [[0.84, 0.86, 0.80, 0.83], [0.94, 0.86]])
def test_tests_over_seeds_agree_with_scipy(second: list[float]) -> None:
    first = [0.91, 0.85, 0.97, 0.93]
    found = seed_test(first, second)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert found.p_welch == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue, rel=1e-12)
    exact = stats.permutation_test(
        (first, second),
        lambda a, b: abs(np.mean(a) - np.mean(b)),
        n_resamples=np.inf,
        alternative="greater",
    )
    assert found.p_permutation == pytest.approx(exact.pvalue, rel=1e-12)
    assert found.num_seeds == (4, len(second))


def test_tests_over_seeds_by_hand() -> None:
    found = seed_test([3.0, 4.0, 5.0], [1.0, 2.0, 2.5])
    assert found.p_permutation == pytest.approx(2 / 20)
    assert found.cliffs_delta == 1
    assert cliffs_delta(np.array([1.0, 3.0]), np.array([1.0, 2.0])) == pytest.approx((0 - 1 + 1 + 1) / 4)


def test_seeds_that_all_agree_have_no_welch_test() -> None:
    found = seed_test([0.1 + 0.2, 0.3], [0.3, 0.3])
    assert (found.p_welch, found.p_permutation) == (None, 1.0)


def test_many_seeds_are_not_split_in_every_way() -> None:
    assert seed_test([1.0] * 12, [2.0] * 12).p_permutation is None


def test_one_run_is_no_sample() -> None:
    with pytest.raises(InputError, match="at least two runs of each system, found 1 and 2"):
        seed_test([1.0], [1.0, 2.0])


def test_matched_runs_agree_with_scipy_and_with_every_flip() -> None:
    first, second = correlated(6, count=11, shift=0.7)
    found = matched_runs_test(first.tolist(), second.tolist())
    differences = first - second
    flipped = [abs(np.dot(signs, differences)) for signs in product([1, -1], repeat=11)]
    assert found.p_sign_flip == pytest.approx(np.mean(np.array(flipped) >= abs(differences.sum()) - 1e-12))
    assert found.p_paired_t == pytest.approx(stats.ttest_rel(first, second).pvalue, rel=1e-9)
    assert 0.001 < found.p_sign_flip < 0.5
    assert found.difference == pytest.approx(differences.mean())
    assert found.num_higher == (differences > 0).sum()
    assert found.num_higher + found.num_lower == found.num_pairs == 11


def test_matched_runs_by_hand() -> None:
    found = matched_runs_test([3.0, 5.0, 8.0], [1.0, 4.0, 5.0])
    assert found.p_sign_flip == 2 / 8
    assert (found.num_higher, found.num_lower, found.num_pairs) == (3, 0, 3)
    assert matched_runs_test([float(place) for place in range(15)], [-1.0] * 15).p_sign_flip == 2 / 2**15


def test_what_pairs_share_cancels() -> None:
    """Worlds that differ a thousand times more than systems hide nothing from pairs."""
    worlds = np.repeat([0.0, 1000.0, -1000.0], 5)
    first, second = correlated(7, count=15, shift=1.0)
    apart = matched_runs_test(first.tolist(), second.tolist())
    together = matched_runs_test((first + worlds).tolist(), (second + worlds).tolist())
    assert together.p_sign_flip == apart.p_sign_flip
    assert together.p_paired_t == pytest.approx(apart.p_paired_t, rel=1e-6)


def test_pairs_that_differ_by_the_same_have_no_t_test() -> None:
    equal = matched_runs_test([0.1 + 0.2, 0.3], [0.3, 0.3])
    assert (equal.p_paired_t, equal.p_sign_flip, equal.num_higher, equal.num_lower) == (None, 1.0, 0, 0)
    assert matched_runs_test([1.0] * 21, [2.0] * 21).p_sign_flip is None


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0]), ([1.0, 2.0, 3.0], [1.0, 2.0])])
def test_runs_without_a_match_are_refused(first: list[float], second: list[float]) -> None:
    words = f"at least two pairs of runs, found {len(first)} and {len(second)} runs"
    with pytest.raises(InputError, match=words):
        matched_runs_test(first, second)
