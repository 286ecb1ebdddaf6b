"""Random choices: hand-computed filters, frequencies against probabilities, and what a seed decides."""

import pytest
import torch

from meter.errors import InputError
from meter.model import EOS, UNK, BeamConfig, CodeChoice, DecodingConfig, SamplingConfig, WordChoice
from meter.model.generation.sampling import sample
from tests.commands.test_config import composed
from tests.conftest import small_inputs, small_model

LOGITS = torch.tensor([[0.1, 0.4, 0.2, 0.3]]).log()
"""Four choices of unordered probabilities."""
EVENLY = (torch.arange(5040, dtype=torch.float64) + 0.5) / 5040
"""Numbers in [0, 1) that leave nothing to chance: each choice is made exactly as often as it is probable."""
SAMPLED = DecodingConfig(words=WordChoice.sample, codes=CodeChoice.sample)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shares(sampling: SamplingConfig) -> list[float]:
    chosen = sample(LOGITS.expand(len(EVENLY), -1), EVENLY, sampling)
    return (chosen.bincount(minlength=4) / len(EVENLY)).tolist()


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (SamplingConfig(), [0.1, 0.4, 0.2, 0.3]),
        (SamplingConfig(temperature=0.5), [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
        (SamplingConfig(top_k=3), [0, 4 / 9, 2 / 9, 3 / 9]),
        (SamplingConfig(top_k=1), [0, 1, 0, 0]),
        (SamplingConfig(top_k=9), [0.1, 0.4, 0.2, 0.3]),
        (SamplingConfig(top_p=0.65), [0, 4 / 7, 0, 3 / 7]),
        (SamplingConfig(top_p=0.75), [0, 4 / 9, 2 / 9, 3 / 9]),
        (SamplingConfig(top_p=1e-9), [0, 1, 0, 0]),
        # Of the three likeliest, the first two have 7/9.
        (SamplingConfig(top_k=3, top_p=0.77), [0, 4 / 7, 0, 3 / 7]),
        (SamplingConfig(top_k=3, top_p=0.79), [0, 4 / 9, 2 / 9, 3 / 9]),
        # Temperature comes first: of 16 : 9 : 4 : 1, the first has 16/30.
        (SamplingConfig(temperature=0.5, top_p=0.53), [0, 1, 0, 0]),
    ],
)
def test_each_is_chosen_as_often_as_it_is_probable(sampling: SamplingConfig, expected: list[float]) -> None:
    assert shares(sampling) == pytest.approx(expected, abs=1 / 2520)


def test_what_is_impossible_is_never_chosen() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]])
    ends = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert sample(logits.expand(2, -1), ends, SamplingConfig()).tolist() == [1, 3]
    assert sample(logits.expand(2, -1), ends, SamplingConfig(top_k=5)).tolist() == [3, 1]


@pytest.mark.parametrize(
    "sampling", [SamplingConfig(top_k=1), SamplingConfig(top_p=1e-9), SamplingConfig(temperature=1e-6)]
)
def test_the_limits_of_sampling_are_greedy(sampling: SamplingConfig) -> None:
    model, inputs = small_model(), small_inputs((6,) * 8)
    arguments = (inputs.users, inputs.items, inputs.features)
    decoding = DecodingConfig(
        words=WordChoice.sample, codes=CodeChoice.sample, word_sampling=sampling, code_sampling=sampling
    )
    sampled = model.generate(*arguments, decoding=decoding, generator=seeded())
    greedy = model.generate(*arguments)
    assert torch.equal(sampled.words, greedy.words)
    assert torch.equal(sampled.codes, greedy.codes)


def test_sampled_words_and_codes_follow_the_models_probabilities() -> None:
    """One pair many times: total variation between frequencies and softmax of a teacher-forced pass."""
    model = small_model(num_words=8, num_codes=5, text_length=1, grid=[1, 2])
    with torch.no_grad():
        for head in (model.heads.text, model.heads.visual):
            head.weight.mul_(0.3)
    count = 4000
    pair = (torch.full((count,), 3), torch.full((count,), 2), torch.full((count,), 6))
    generated = model.generate(*pair, decoding=SAMPLED, generator=seeded())
    with torch.no_grad():
        output = model(*pair, generated.words, generated.codes)

    logits = output.text[0, 0].clone()
    logits[:2] = -torch.inf
    assert distance(generated.words[:, 0], logits) < 0.03
    # The second code is drawn given the word and the first code: of those that have the commonest of both.
    given = torch.stack([generated.words[:, 0], generated.codes[:, 0]], dim=1)
    values, counts = given.unique(dim=0, return_counts=True)
    chosen = (given == values[counts.argmax()]).all(dim=1)
    assert distance(generated.codes[chosen, 1], output.visual[chosen][0, 1]) < 0.06
    assert len(values) > 10


def distance(chosen: torch.Tensor, logits: torch.Tensor) -> float:
    frequencies = chosen.bincount(minlength=len(logits)) / len(chosen)
    return 0.5 * float((frequencies - logits.softmax(dim=0)).abs().sum())


def test_the_seed_decides_and_the_batch_does_not() -> None:
    model, inputs = small_model(), small_inputs((6,) * 8)
    with torch.no_grad():
        # Some sentences end early and leave the batch to the others.
        model.heads.text.bias[EOS] += 4

    def generate(rows: slice, generator: torch.Generator):
        ids = (inputs.users[rows], inputs.items[rows], inputs.features[rows])
        return model.generate(*ids, decoding=SAMPLED, generator=generator)

    together = generate(slice(0, 8), seeded(1))
    assert len({int((row == EOS).nonzero()) for row in together.words}) > 2, "must be ragged to mean anything"
    again, other = generate(slice(0, 8), seeded(1)), generate(slice(0, 8), seeded(2))
    assert torch.equal(again.words, together.words)
    assert torch.equal(again.codes, together.codes)
    assert not torch.equal(other.words, together.words)
    assert not torch.equal(other.codes, together.codes)

    generator = seeded(1)
    parts = [generate(rows, generator) for rows in (slice(0, 3), slice(3, 4), slice(4, 8))]
    assert torch.equal(torch.cat([part.words for part in parts]), together.words)
    assert torch.equal(torch.cat([part.codes for part in parts]), together.codes)


def test_only_what_is_asked_for_is_sampled() -> None:
    model, inputs = small_model(), small_inputs((6,) * 8)
    arguments = (inputs.users, inputs.items, inputs.features)
    greedy = model.generate(*arguments)
    codes = model.generate(*arguments, decoding=DecodingConfig(codes=CodeChoice.sample), generator=seeded())
    assert torch.equal(codes.words, greedy.words)
    assert not torch.equal(codes.codes, greedy.codes)
    both = model.generate(*arguments, decoding=SAMPLED, generator=seeded())
    words = model.generate(*arguments, decoding=DecodingConfig(words=WordChoice.sample), generator=seeded())
    assert torch.equal(words.words, both.words)


@pytest.mark.parametrize("words", list(WordChoice))
def test_unknown_words_can_be_ruled_out(words: WordChoice) -> None:
    model, inputs = small_model(), small_inputs((6,) * 4)
    with torch.no_grad():
        model.heads.text.bias[UNK] += 100
    for allowed in (True, False):
        generated = model.generate(
            inputs.users,
            inputs.items,
            inputs.features,
            decoding=DecodingConfig(words=words, allow_unknown=allowed),
            generator=seeded(),
        )
        assert bool((generated.words == UNK).any()) is allowed


@pytest.mark.parametrize(
    ("decoding", "message"),
    [
        (
            DecodingConfig(word_sampling=SamplingConfig(temperature=0.0)),
            r"word_sampling.temperature: .* found 0",
        ),
        (DecodingConfig(code_sampling=SamplingConfig(top_k=-1)), r"code_sampling.top_k: .* found -1"),
        (DecodingConfig(code_sampling=SamplingConfig(top_p=0.0)), r"code_sampling.top_p: .* found 0"),
        (DecodingConfig(word_sampling=SamplingConfig(top_p=1.5)), r"word_sampling.top_p: .* found 1.5"),
        (DecodingConfig(beam=BeamConfig(width=0)), r"beam.width: .* found 0"),
        (DecodingConfig(beam=BeamConfig(length_penalty=-1.0)), r"beam.length_penalty: .* found -1"),
        (DecodingConfig(guidance=float("nan")), r"guidance: .* found nan"),
    ],
)
def test_values_that_mean_nothing_are_refused(decoding: DecodingConfig, message: str) -> None:
    inputs = small_inputs()
    with pytest.raises(InputError, match=rf"decoding\.{message}"):
        small_model().generate(inputs.users, inputs.items, inputs.features, decoding=decoding)


@pytest.mark.parametrize("field", ["words", "codes"])
def test_sampling_without_a_generator_is_refused(field: str) -> None:
    inputs = small_inputs()
    decoding = composed(f"evaluation.decoding.{field}=sample").evaluation.decoding
    with pytest.raises(InputError, match=r"generator: expected torch\.Generator\(\).*, found none$"):
        small_model().generate(inputs.users, inputs.items, inputs.features, decoding=decoding)


def test_a_command_sets_how_it_decodes_and_is_refused_before_it_trains() -> None:
    config = composed("evaluation.decoding.words=beam", "evaluation.decoding.beam.width=8")
    assert config.evaluation.decoding == DecodingConfig(words=WordChoice.beam, beam=BeamConfig(width=8))
    with pytest.raises(InputError, match=r"evaluation\.decoding\.guidance: .* found -1"):
        composed("evaluation.decoding.guidance=-1")
