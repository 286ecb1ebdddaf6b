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
    Generated,
    GeneratedPairs,
    GeneratorForm,
    MatchScores,
    PairScorer,
    Relaxation,
    RelaxedSentences,
    TruePairs,
    generator_loss,
    matching_value,
    relax,
)
from meter.errors import InputError
from meter.model import word_slots
from tests.conftest import Inputs, small_inputs

SIZES = DiscriminatorConfig(num_words=50, num_codes=16, grid=[2, 3], width=16, code_rank=4)


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


def true_pairs(inputs: Inputs, **changed: Tensor | None) -> TruePairs:
    """The small inputs' pairs, by default of four items and about no feature."""
    given = {"items": torch.arange(len(inputs.words)), "features": None}
    return TruePairs(**given | {"words": inputs.words, "codes": inputs.codes} | changed)


def certain(words: Tensor) -> RelaxedSentences:
    """Sentences whose words are all but certain to be these."""
    slots = word_slots(words)
    chances = torch.nn.functional.one_hot(words.flatten()[slots], 50).float()
    return RelaxedSentences(features=None, words=chances, word_slots=slots, present=words != 0)


def test_the_scorer_scores_the_pairs_it_names(inputs: Inputs) -> None:
    discriminator = small_discriminator()
    other = small_inputs(seed=1)
    own = GeneratedPairs(
        sentences=certain(other.words),
        codes=torch.nn.functional.one_hot(other.codes, 16).float(),
    )
    codes = inputs.codes.clone()
    codes[1] = -1
    true = true_pairs(inputs, codes=codes)
    scorer = PairScorer(discriminator, generated_pair=True, mismatched=True).eval()
    assert scorer(true, Generated(own=own)).borrowed_text is None
    third = small_inputs(seed=2)
    scores = scorer(true, Generated(borrowed=certain(third.words)))
    assert scores.generated_image is scores.generated_text is scores.generated_pair is None
    scores = scorer(true, Generated(own=own, borrowed=certain(third.words)))
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
            features=None,
            words=relax(logits.flatten(0, 1)[slots], Relaxation.gumbel),
            word_slots=slots,
            present=inputs.words != 0,
        ),
        codes=relax(visual, Relaxation.gumbel),
    )
    scorer = PairScorer(small_discriminator(), generated_pair=False, mismatched=False)
    scores = scorer(true_pairs(inputs), Generated(own=pairs))
    generator_loss(scores, GeneratorForm.non_saturating).backward()
    assert (logits.grad.abs().sum(dim=(1, 2)) > 0).all()
    assert (visual.grad.abs().sum(dim=(1, 2)) > 0).all()
    assert (logits.grad[inputs.words == 0] == 0).all()


def test_discriminator_saves_and_loads(inputs: Inputs, tmp_path) -> None:
    discriminator = small_discriminator()
    discriminator.save_pretrained(tmp_path)
    assert torch.equal(
        Discriminator.from_pretrained(tmp_path)(inputs.words, inputs.codes),
        discriminator(inputs.words, inputs.codes),
    )


A, B, NONE = torch.arange(6), torch.arange(6) + 4, torch.full((6,), -1)


@pytest.mark.parametrize(
    ("items", "features", "pictures", "partners"),
    [
        ([1, 2, 3, 1], None, [A, A, A, A], [2, 0, 1, 2]),
        ([1, 1, 2, 3], None, [A, NONE, B, A], [3, None, 0, 2]),
        ([1, 1, 1, 2], None, [A, B, A, B], [3, 3, 3, 2]),
        ([1, 1, 1, 1], None, [A, B, A, B], [None] * 4),
        ([1, 2, 3, 4], None, [A, NONE, NONE, NONE], [None] * 4),
        ([1, 2, 3, 4], None, [NONE] * 4, [None] * 4),
        ([1, 2, 3, 4], [7, 8, 7, 8], [A] * 4, [2, 3, 0, 1]),
        ([1, 2, 1, 4], [7, 8, 7, 9], [A] * 4, [3, 0, 1, 2]),
    ],
)
def test_a_mismatched_picture_is_another_items_first_of_the_same_feature(
    items: list[int], features: list[int] | None, pictures: list[Tensor], partners: list[int | None]
) -> None:
    """The picture of the nearest fitting example before; examples without any count for nothing."""
    inputs, codes = small_inputs(), torch.stack(pictures)
    asked = None if features is None else torch.tensor(features)
    true = true_pairs(inputs, items=torch.tensor(items), features=asked, codes=codes)
    scores = PairScorer(small_discriminator(), generated_pair=False, mismatched=True)(true, Generated())
    assert scores.mismatched_weight.bool().tolist() == [partner is not None for partner in partners]
    with_partner = [index for index, partner in enumerate(partners) if partner is not None]
    chosen = [partner for partner in partners if partner is not None]
    expected = torch.zeros(0)
    if with_partner:
        expected = small_discriminator()(inputs.words[with_partner], codes[chosen])
    torch.testing.assert_close(scores.mismatched[with_partner], expected)

    plain = matching_value(replace(scores, mismatched=None))
    term = F.logsigmoid(-expected).mean() if with_partner else torch.tensor(0.0)
    torch.testing.assert_close(matching_value(scores), plain + term)


def test_without_generated_negatives_d_ascends_true_and_mismatched_pairs_only() -> None:
    scores = MatchScores(
        true=torch.tensor([1.0]),
        generated_image=torch.tensor([5.0]),
        generated_text=torch.tensor([5.0]),
        borrowed_text=torch.tensor([5.0]),
        mismatched=torch.tensor([-2.0]),
        mismatched_weight=torch.tensor([1.0]),
        weight=torch.tensor([1.0]),
    )
    value = matching_value(scores, generated_negatives=False).item()
    assert value == pytest.approx(log_sigmoid(1.0) + log_sigmoid(2.0), rel=1e-5)


def test_a_gated_network_reads_the_feature_that_was_asked_for(inputs: Inputs) -> None:
    torch.manual_seed(0)
    gated = Discriminator(replace(SIZES, gated=True)).eval()
    asked, other = torch.full((4,), 7), torch.full((4,), 8)
    scores = gated(inputs.words, inputs.codes, asked)
    assert not torch.allclose(scores, gated(inputs.words, inputs.codes, other))
    by_hand = gated.encode_text(inputs.words, asked) / gated.gate(asked)
    torch.testing.assert_close(by_hand.norm(dim=-1), torch.ones(4))
    with pytest.raises(ValueError, match="needs the features"):
        gated(inputs.words, inputs.codes)


def test_a_code_means_something_else_at_another_position(inputs: Inputs) -> None:
    discriminator = small_discriminator()
    moved = inputs.codes.roll(1, dims=1)
    assert not torch.allclose(discriminator.encode_image(inputs.codes), discriminator.encode_image(moved))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_words": 0}, "disc.num_words: expected at least 1, found 0"),
        ({"code_rank": 0}, "disc.code_rank: expected at least 1, found 0"),
        ({"grid": []}, r"disc.grid: expected \[rows, columns\], each at least 1, found \[\]"),
    ],
)
def test_impossible_sizes_name_both_values(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Discriminator(replace(SIZES, **change))
