"""The discriminator: relaxed choices equal chosen ones, gradients flow, L_d against hand-computed values."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from meter.disc import (
    Discriminator,
    DiscriminatorConfig,
    GeneratedPairs,
    GeneratorForm,
    Matcher,
    MatchScores,
    PairScorer,
    Relaxation,
    RelaxedSentences,
    generator_loss,
    matching_value,
    relax,
)
from meter.errors import InputError
from meter.model import word_slots
from meter.train.matcher import MatcherConfig, contrastive_loss, train_matcher
from tests.conftest import Inputs, small_inputs

SIZES = DiscriminatorConfig(
    num_words=50, num_codes=16, text_length=6, grid=[2, 3], width=16, heads=2, dropout=0.0
)


def small_discriminator() -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(SIZES).eval()


def log_sigmoid(value: float) -> float:
    return -math.log(1 + math.exp(-value))


@pytest.mark.parametrize("relaxation", [Relaxation.gumbel, Relaxation.straight_through])
def test_a_hard_relaxation_is_one_hot(relaxation: Relaxation) -> None:
    torch.manual_seed(0)
    relaxed = relax(torch.randn(3, 4, 5), relaxation)
    assert torch.allclose(relaxed.max(dim=-1).values, torch.ones(3, 4))
    assert torch.allclose(relaxed.sum(dim=-1), torch.ones(3, 4))


def test_straight_through_chooses_the_most_likely_and_passes_the_softmaxs_gradient() -> None:
    logits = torch.tensor([[[0.0, 2.0, 1.0]]], requires_grad=True)
    weights = torch.tensor([3.0, 5.0, 7.0])
    relaxed = relax(logits, Relaxation.straight_through, temperature=2.0)
    assert relaxed.tolist() == [[[0.0, 1.0, 0.0]]]
    (found,) = torch.autograd.grad((relaxed * weights).sum(), logits)
    (expected,) = torch.autograd.grad((torch.softmax(logits / 2.0, -1) * weights).sum(), logits)
    torch.testing.assert_close(found, expected)


def test_soft_is_the_softmax() -> None:
    logits = torch.randn(2, 3, 4)
    torch.testing.assert_close(relax(logits, Relaxation.soft, 0.5), torch.softmax(2 * logits, -1))


def test_gumbel_samples_follow_the_distribution() -> None:
    torch.manual_seed(0)
    logits = torch.log(torch.tensor([0.5, 0.3, 0.2])).expand(1, 20_000, 3)
    frequencies = relax(logits, Relaxation.gumbel).mean(dim=(0, 1))
    torch.testing.assert_close(frequencies, torch.tensor([0.5, 0.3, 0.2]), atol=0.015, rtol=0)


def test_one_hot_probabilities_score_as_their_ids_do(inputs: Inputs) -> None:
    discriminator = small_discriminator()
    words = torch.nn.functional.one_hot(inputs.words, 50).float()
    codes = torch.nn.functional.one_hot(inputs.codes, 16).float()
    torch.testing.assert_close(discriminator(words, codes), discriminator(inputs.words, inputs.codes))
    torch.testing.assert_close(discriminator(inputs.words, codes), discriminator(words, inputs.codes))


def test_padding_does_not_reach_the_score(inputs: Inputs) -> None:
    discriminator = small_discriminator()
    before = discriminator(inputs.words, inputs.codes)
    with torch.no_grad():
        discriminator.text_encoder.table.weight[0] += 100
    assert torch.equal(before, discriminator(inputs.words, inputs.codes))


def test_l_d_by_hand() -> None:
    """Two pairs, the second without a picture: it counts for nothing."""
    scores = MatchScores(
        true=torch.tensor([2.0, 9.0]),
        generated_image=torch.tensor([-1.0, 9.0]),
        generated_text=torch.tensor([0.5, 9.0]),
        weight=torch.tensor([1.0, 0.0]),
    )
    value = log_sigmoid(2.0) + log_sigmoid(1.0) + log_sigmoid(-0.5)
    assert matching_value(scores).item() == pytest.approx(value, rel=1e-5)
    non_saturating = -log_sigmoid(-1.0) - log_sigmoid(0.5)
    assert generator_loss(scores, GeneratorForm.non_saturating).item() == pytest.approx(
        non_saturating, rel=1e-5
    )
    minimax = log_sigmoid(1.0) + log_sigmoid(-0.5)
    assert generator_loss(scores, GeneratorForm.minimax).item() == pytest.approx(minimax, rel=1e-5)


def test_extra_negatives_by_hand() -> None:
    scores = MatchScores(
        true=torch.tensor([0.0]),
        generated_image=torch.tensor([0.0]),
        generated_text=torch.tensor([0.0]),
        generated_pair=torch.tensor([3.0]),
        mismatched=torch.tensor([-2.0]),
        mismatched_weight=torch.tensor([1.0]),
        weight=torch.tensor([1.0]),
    )
    value = 3 * log_sigmoid(0.0) + log_sigmoid(-3.0) + log_sigmoid(2.0)
    assert matching_value(scores).item() == pytest.approx(value, rel=1e-5)
    loss = generator_loss(scores, GeneratorForm.non_saturating).item()
    assert loss == pytest.approx(-2 * log_sigmoid(0.0) - log_sigmoid(3.0), rel=1e-5)


def certain(words: Tensor) -> RelaxedSentences:
    """Sentences whose words are all but certain to be these."""
    slots = word_slots(words)
    chances = torch.nn.functional.one_hot(words.flatten()[slots], 50).float()
    return RelaxedSentences(words=chances, word_slots=slots, present=words != 0)


def test_the_scorer_scores_the_pairs_it_names(inputs: Inputs) -> None:
    discriminator = small_discriminator()
    other = small_inputs(seed=1)
    pairs = GeneratedPairs(
        sentences=certain(other.words),
        codes=torch.nn.functional.one_hot(other.codes, 16).float(),
    )
    codes = inputs.codes.clone()
    codes[1] = -1
    scorer = PairScorer(discriminator, generated_pair=True, mismatched=True).eval()
    assert scorer(inputs.words, codes, pairs).borrowed_text is None
    third = small_inputs(seed=2)
    pairs.borrowed = certain(third.words)
    scores = scorer(inputs.words, codes, pairs)
    seen = codes.clamp(min=0)
    torch.testing.assert_close(scores.true, discriminator(inputs.words, seen))
    torch.testing.assert_close(scores.generated_image, discriminator(inputs.words, other.codes))
    torch.testing.assert_close(scores.generated_text, discriminator(other.words, seen))
    torch.testing.assert_close(scores.generated_pair, discriminator(other.words, other.codes))
    torch.testing.assert_close(scores.borrowed_text, discriminator(third.words, seen))
    paired = [0, 2, 3]
    torch.testing.assert_close(
        scores.mismatched[paired], discriminator(inputs.words[paired], codes[[3, 0, 2]])
    )
    assert scores.weight.tolist() == [1, 0, 1, 1]


def test_gradients_reach_the_generated_logits_and_nothing_true(inputs: Inputs) -> None:
    logits = torch.randn(4, 7, 50, requires_grad=True)
    visual = torch.randn(4, 6, 16, requires_grad=True)
    slots = word_slots(inputs.words)
    pairs = GeneratedPairs(
        sentences=RelaxedSentences(
            words=relax(logits.flatten(0, 1)[slots], Relaxation.gumbel),
            word_slots=slots,
            present=inputs.words != 0,
        ),
        codes=relax(visual, Relaxation.gumbel),
    )
    scorer = PairScorer(small_discriminator(), generated_pair=False, mismatched=False)
    generator_loss(scorer(inputs.words, inputs.codes, pairs), GeneratorForm.non_saturating).backward()
    assert (logits.grad.abs().sum(dim=(1, 2)) > 0).all()
    assert (visual.grad.abs().sum(dim=(1, 2)) > 0).all()
    assert (logits.grad[inputs.words == 0] == 0).all()


def test_contrastive_loss_by_hand() -> None:
    scores = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    rows = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-3))) / 2
    assert contrastive_loss(scores).item() == pytest.approx(rows)


def test_the_matcher_learns_which_picture_belongs_to_a_sentence(tmp_path) -> None:
    """Word and code say the same thing, out of 16: the matcher must find out, and survive saving."""
    generator = torch.Generator().manual_seed(0)
    meaning = torch.randint(0, 16, (512,), generator=generator)
    words = torch.full((512, 7), 0)
    words[:, 0], words[:, 1] = meaning + 4, 2
    codes = torch.randint(0, 16, (512, 6), generator=generator)
    codes[:, 3] = meaning
    config = MatcherConfig(width=16, epochs=30, batch_size=64, learning_rate=3e-3)
    matcher = train_matcher(words, codes, SIZES, config, seed=0)
    assert matcher.match(words[:64], codes[:64]).mean() > 0.8
    assert abs(matcher.match(words[:64], codes[64:128]).mean() - 0.5) < 0.12
    matcher.save_pretrained(tmp_path)
    opened = Matcher.from_pretrained(tmp_path)
    assert torch.equal(opened.match(words[:8], codes[:8]), matcher.match(words[:8], codes[:8]))


def test_training_a_matcher_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    words, codes = torch.full((8, 7), 4), torch.zeros(8, 6, dtype=torch.long)
    train_matcher(words, codes, SIZES, MatcherConfig(epochs=1, batch_size=4), seed=3)
    assert torch.equal(torch.rand(1), expected)


def test_discriminator_saves_and_loads(inputs: Inputs, tmp_path) -> None:
    discriminator = small_discriminator()
    discriminator.save_pretrained(tmp_path)
    assert torch.equal(
        Discriminator.from_pretrained(tmp_path)(inputs.words, inputs.codes),
        discriminator(inputs.words, inputs.codes),
    )


def scores_of(codes: Tensor) -> MatchScores:
    """The scores of the small inputs' sentences with these pictures; −1 where there is none."""
    inputs = small_inputs()
    pairs = GeneratedPairs(
        sentences=certain(inputs.words), codes=torch.nn.functional.one_hot(codes.clamp(min=0), 16).float()
    )
    return PairScorer(small_discriminator(), generated_pair=False, mismatched=True).eval()(
        inputs.words, codes, pairs
    )


A, B, C, NONE = torch.arange(6), torch.arange(6) + 4, torch.arange(6) + 8, torch.full((6,), -1)


@pytest.mark.parametrize(
    ("pictures", "partners"),
    [
        ([A, B, C, A], [2, 0, 1, 2]),
        ([A, NONE, B, C], [3, None, 0, 2]),
        ([A, A, A, B], [3, 3, 3, 2]),
        ([A, A, NONE, B], [3, 3, None, 1]),
        ([A, A, A, A], [None] * 4),
        ([A, NONE, NONE, A], [None] * 4),
        ([NONE] * 4, [None] * 4),
    ],
)
def test_a_mismatched_picture_is_another_examples_and_not_the_same(
    pictures: list[Tensor], partners: list[int | None]
) -> None:
    """The picture of the nearest example before that has another one; examples without any count for nothing."""
    codes, words = torch.stack(pictures), small_inputs().words
    scores = scores_of(codes)
    has_partner = [partner is not None for partner in partners]
    assert scores.mismatched_weight.bool().tolist() == has_partner
    with_partner = [index for index, partner in enumerate(partners) if partner is not None]
    chosen = [partner for partner in partners if partner is not None]
    expected = small_discriminator()(words[with_partner], codes[chosen]) if with_partner else torch.zeros(0)
    torch.testing.assert_close(scores.mismatched[with_partner], expected)

    plain = matching_value(replace(scores, mismatched=None))
    term = F.logsigmoid(-expected).mean() if with_partner else torch.tensor(0.0)
    torch.testing.assert_close(matching_value(scores), plain + term)


def test_a_single_example_has_no_mismatched_picture(inputs: Inputs) -> None:
    pairs = GeneratedPairs(
        sentences=certain(inputs.words[:1]), codes=torch.nn.functional.one_hot(inputs.codes[:1], 16).float()
    )
    scorer = PairScorer(small_discriminator(), generated_pair=False, mismatched=True)
    assert scorer(inputs.words[:1], inputs.codes[:1], pairs).mismatched_weight.tolist() == [0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_words": 0}, "disc.num_words: expected at least 1, found 0"),
        ({"heads": 3}, "disc.width=16 is not a multiple of disc.heads=3"),
        ({"grid": []}, r"disc.grid: expected \[rows, columns\], each at least 1, found \[\]"),
    ],
)
def test_impossible_sizes_name_both_values(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Discriminator(replace(SIZES, **change))
