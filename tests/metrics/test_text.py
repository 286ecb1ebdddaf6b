import random

import numpy as np
import pytest
from nltk.translate.bleu_score import corpus_bleu
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from meter.errors import InputError
from meter.metrics.overlap import count_overlap, longest_common_subsequence
from meter.metrics.text import bleu, rouge_l, rouge_n, text_metrics, text_metrics_peter_compat


class Whitespace(Tokenizer):
    def tokenize(self, text):
        return text.split()


def random_sentences(seed: int, number: int, shortest: int, longest: int, words: int = 6) -> list[str]:
    generator = random.Random(seed)
    vocabulary = [f"w{index}" for index in range(words)]
    return [
        " ".join(generator.choices(vocabulary, k=generator.randint(shortest, longest))) for _ in range(number)
    ]


def peter_rouge_n(reference: str, generated: str, order: int) -> tuple[float, float, float]:
    """From the definition: sets of n-grams, of sentences split at single spaces."""

    def grams(sentence):
        words = sentence.split(" ")
        return {tuple(words[start : start + order]) for start in range(len(words) - order + 1)}

    shared = len(grams(reference) & grams(generated))
    precision = shared / len(grams(generated)) if grams(generated) else 0.0
    recall = shared / len(grams(reference)) if grams(reference) else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall + 1e-8)


def table_lcs(first: list[str], second: list[str]) -> int:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for row, left in enumerate(first, start=1):
        for column, right in enumerate(second, start=1):
            above, before = table[row - 1][column], table[row][column - 1]
            table[row][column] = table[row - 1][column - 1] + 1 if left == right else max(above, before)
    return table[-1][-1]


def test_bleu_by_hand():
    overlap = count_overlap(["the room was very clean"], ["the room was clean"])
    # words 4 of 4, pairs 2 of 3; c = 4, r = 5
    assert bleu(overlap, max_order=1) == pytest.approx(100 * np.exp(1 - 5 / 4))
    assert bleu(overlap, max_order=2) == pytest.approx(100 * np.exp(1 - 5 / 4) * np.sqrt(2 / 3))
    assert bleu(overlap, max_order=4) == 0.0


def test_bleu_clips_repeated_words():
    overlap = count_overlap(["the cat sat on the mat"], ["the the the the the the the"])
    assert bleu(overlap, max_order=1) == pytest.approx(100 * 2 / 7)


def test_bleu_is_of_the_corpus_and_short_sentences_add_no_ngrams():
    references = ["a b c d e", "x y"]
    generated = ["a b c d e", "x y"]
    overlap = count_overlap(references, generated)
    assert bleu(overlap, max_order=4) == pytest.approx(100.0)
    # nltk gives each sentence at least one n-gram of every order, so a true copy misses 100 there.
    split = [[[*sentence.split()]] for sentence in references]
    nltk_value = corpus_bleu(split, [sentence.split() for sentence in generated])
    assert nltk_value == pytest.approx((2 / 3 * 3 / 4) ** 0.25)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_bleu_equals_nltk_where_every_sentence_has_four_words(seed, order):
    references = random_sentences(seed, number=80, shortest=4, longest=18, words=3)
    generated = random_sentences(seed + 100, number=80, shortest=4, longest=14, words=3)
    expected = corpus_bleu(
        [[reference.split()] for reference in references],
        [sentence.split() for sentence in generated],
        weights=(1 / order,) * order,
    )
    assert expected > 0
    assert bleu(count_overlap(references, generated), max_order=order) == pytest.approx(100 * expected)


@pytest.mark.parametrize("seed", range(5))
def test_rouge_equals_the_rouge_score_library(seed):
    references = random_sentences(seed, number=60, shortest=0, longest=20)
    generated = random_sentences(seed + 100, number=60, shortest=0, longest=15)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Whitespace())
    scores = [scorer.score(*pair) for pair in zip(references, generated, strict=True)]
    overlap = count_overlap(references, generated)
    ours = {
        "rouge1": rouge_n(overlap, order=1),
        "rouge2": rouge_n(overlap, order=2),
        "rougeL": rouge_l(overlap),
    }
    for name, score in ours.items():
        precision, recall, f = np.mean(
            [(one[name].precision, one[name].recall, one[name].fmeasure) for one in scores], 0
        )
        assert score.precision == pytest.approx(100 * precision)
        assert score.recall == pytest.approx(100 * recall)
        assert score.f == pytest.approx(100 * f)


def test_rouge_by_hand():
    result = text_metrics(["the pool was very warm"], ["the pool is warm"])
    assert (result.rouge_1.precision, result.rouge_1.recall) == pytest.approx((75.0, 60.0))
    assert result.rouge_1.f == pytest.approx(100 * 2 * 0.75 * 0.6 / 1.35)
    assert (result.rouge_2.precision, result.rouge_2.recall) == pytest.approx((100 / 3, 25.0))
    assert (result.rouge_l.precision, result.rouge_l.recall) == pytest.approx((75.0, 60.0))


@pytest.mark.parametrize("seed", range(5))
def test_peter_rouge_n_equals_its_definition(seed):
    references = random_sentences(seed, number=60, shortest=0, longest=12, words=4)
    generated = random_sentences(seed + 100, number=60, shortest=0, longest=12, words=4)
    references[:2], generated[:2] = ["", "a"], ["", ""]
    result = text_metrics_peter_compat(references, generated)
    for order, score in ((1, result.rouge_1), (2, result.rouge_2)):
        pairs = zip(references, generated, strict=True)
        expected = 100 * np.mean([peter_rouge_n(*pair, order=order) for pair in pairs], axis=0)
        assert (score.precision, score.recall, score.f) == pytest.approx(tuple(expected))


def test_peter_rouge_counts_a_repeated_word_once():
    reference, generated = ["the pool the bar"], ["the the the pool"]
    ours = text_metrics(reference, generated).rouge_1
    peter = text_metrics_peter_compat(reference, generated).rouge_1
    assert (ours.precision, ours.recall) == pytest.approx((75.0, 75.0))
    assert (peter.precision, peter.recall) == pytest.approx((100.0, 200 / 3))


def test_peter_rouge_l_f_by_hand():
    # P = 2/4, R = 2/2, β = 1/2: F = 1.25 · .5 / (1 + .125); F1 would be 2/3
    score = text_metrics_peter_compat(["a b"], ["a x b y"]).rouge_l
    assert (score.precision, score.recall) == pytest.approx((50.0, 100.0))
    assert score.f == pytest.approx(100 * 0.625 / 1.125)
    assert text_metrics(["a b"], ["a x b y"]).rouge_l.f == pytest.approx(200 / 3)


def test_peter_rouge_l_f_lies_under_both_means_where_f1_does_not():
    """As in PETER+'s released log: RL-P 31.38, RL-R 25.26, but RL-F 22.89."""
    references, generated = ["a b c d", "a b"], ["a b", "a b c d"]
    f1 = text_metrics(references, generated).rouge_l
    peter = text_metrics_peter_compat(references, generated).rouge_l
    assert (peter.precision, peter.recall) == (f1.precision, f1.recall) == (75, 75)
    assert f1.f == pytest.approx(200 / 3)
    # R = .5, P = 1, β = 2: 5 · .5 / (.5 + 4); R = 1, P = .5, β = .5: 1.25 · .5 / (1 + .125); both 5/9
    assert peter.f == pytest.approx(500 / 9)


def test_longest_common_subsequence_equals_the_table():
    for seed in range(300):
        first, second = (
            sentence.split() for sentence in random_sentences(seed, 2, shortest=0, longest=90, words=5)
        )
        assert longest_common_subsequence(first, second) == table_lcs(first, second)


def test_a_copy_scores_one_hundred_and_a_stranger_zero():
    sentences = random_sentences(3, number=20, shortest=4, longest=30, words=50)
    copy = text_metrics(sentences, sentences)
    assert copy.bleu_4 == pytest.approx(100)
    assert copy.rouge_l.f == pytest.approx(100)
    stranger = text_metrics(sentences, ["z"] * 20)
    assert stranger.bleu_1 == 0
    assert stranger.rouge_1.f == 0


def test_the_cut_of_references_changes_bleu():
    reference, generated = "a b c d e f g h", "a b c d"
    whole = text_metrics([reference], [generated])
    cut = text_metrics_peter_compat(["a b c d"], [generated])
    assert whole.bleu_4 == pytest.approx(100 * np.exp(1 - 8 / 4))
    assert cut.bleu_4 == pytest.approx(100)
    assert whole.signature != cut.signature


def test_empty_sentences_are_counted():
    result = text_metrics(["a b", "c d"], ["", "c d"])
    assert result.empty == 1
    assert result.count == 2
    assert result.rouge_1.f == pytest.approx(50)
    assert text_metrics(["a"], [""]).bleu_1 == 0


def test_words_keep_their_case_and_punctuation():
    assert text_metrics(["it 's a $ 5 room"], ["it 's a $ 5 room"]).bleu_4 == pytest.approx(100)
    assert text_metrics(["Room"], ["room"]).rouge_1.f == 0


def test_take_resamples_the_counts():
    references = random_sentences(0, number=10, shortest=4, longest=9)
    generated = random_sentences(1, number=10, shortest=4, longest=9)
    rows = np.array([3, 3, 7])
    resampled = count_overlap(references, generated).take(rows)
    direct = count_overlap([references[row] for row in rows], [generated[row] for row in rows])
    assert bleu(resampled, max_order=2) == pytest.approx(bleu(direct, max_order=2))
    assert rouge_l(resampled) == rouge_l(direct)


@pytest.mark.parametrize(("references", "generated"), [([], []), (["a"], ["a", "b"])])
def test_wrong_numbers_are_refused(references, generated):
    with pytest.raises(InputError, match="as many generated sentences as references"):
        text_metrics(references, generated)
