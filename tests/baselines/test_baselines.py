"""What every baseline does, whatever its equations: decoding, saving, seeing no future, learning by heart."""

import pytest
import torch
import torch.nn.functional as F

from meter.baselines import Baseline, NrtConfig
from meter.errors import InputError
from meter.model import EOS, PAD, BeamConfig, DecodingConfig, SamplingConfig, WordChoice, word_slots
from meter.train.objective import ObjectiveConfig, supervised_losses
from meter.train.systems import BASELINES, SystemKind, open_system
from tests.baselines.examples import SMALL, packed, written_again
from tests.conftest import small_inputs

INPUTS = small_inputs((6, 3, 1, 5, 6, 6, 2, 4))
COUNT = len(INPUTS.users)


@pytest.fixture(params=SMALL)
def model(request) -> Baseline:
    return SMALL[request.param]()


def next_logits(model: Baseline, row: int, words: list[int]) -> torch.Tensor:
    """Of the next word of one example, from a training pass over the whole prefix."""
    example = type(INPUTS)(
        *(getattr(INPUTS, name)[row : row + 1] for name in ("users", "items", "features", "words", "codes"))
    )
    # What stands in the next place is predicted, not read.
    return packed(model, example, torch.tensor([[*words, EOS]]))[-1]


def test_greedy_generation_equals_passes_over_the_whole_prefix(model: Baseline) -> None:
    with torch.no_grad():
        again = written_again(lambda row, words: next_logits(model, row, words), COUNT, length=6)
    done = model.generate(INPUTS.users, INPUTS.items, INPUTS.features)
    assert done.words.tolist() == again
    assert len({sum(word != PAD for word in row) for row in again}) > 1, "must be ragged to mean anything"
    assert (done.context, done.codes) == (None, None)


def test_a_beam_of_one_is_greedy_and_a_wide_one_likelier(model: Baseline) -> None:
    def searched(width: int) -> torch.Tensor:
        beam = BeamConfig(width=width, length_penalty=0.0)
        decoding = DecodingConfig(words=WordChoice.beam, beam=beam)
        return model.generate(INPUTS.users, INPUTS.items, INPUTS.features, decoding=decoding).words

    def likelihood(words: torch.Tensor) -> torch.Tensor:
        # An end after n words is certain.
        free = words.clone()
        free[:, -1] = PAD
        slots = word_slots(free)
        chosen = packed(model, INPUTS, free).log_softmax(-1).gather(1, free.flatten()[slots, None])[:, 0]
        return torch.zeros(COUNT).index_add(0, slots // words.shape[1], chosen)

    greedy = model.generate(INPUTS.users, INPUTS.items, INPUTS.features).words
    assert torch.equal(searched(1), greedy)
    with torch.no_grad():
        assert likelihood(searched(20)).sum() > likelihood(greedy).sum()


def test_what_is_sampled_is_a_function_of_the_seed_and_not_of_the_batch(model: Baseline) -> None:
    decoding = DecodingConfig(words=WordChoice.sample, word_sampling=SamplingConfig(temperature=2.0))

    def sampled(seed: int, *cuts: slice) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.cat(
            [
                model.generate(
                    *(each[cut] for each in (INPUTS.users, INPUTS.items, INPUTS.features)),
                    decoding=decoding,
                    generator=generator,
                ).words
                for cut in cuts
            ]
        )

    whole = sampled(0, slice(None))
    assert torch.equal(whole, sampled(0, slice(0, 3), slice(3, None)))
    assert not torch.equal(whole, sampled(1, slice(None)))
    with pytest.raises(InputError, match="generator"):
        model.generate(INPUTS.users, INPUTS.items, INPUTS.features, decoding=decoding)


def test_no_word_is_predicted_from_itself_or_what_follows(model: Baseline) -> None:
    words = INPUTS.words[:1]
    changed = words.clone()
    changed[0, 3:5] += 1
    first, second = (packed(model, small_inputs((6,)), each) for each in (words, changed))
    assert torch.equal(first[:4], second[:4])
    assert not torch.equal(first[4], second[4])


def test_saved_and_opened_it_says_the_same(model: Baseline, tmp_path) -> None:
    kind = next(kind for kind, baseline in BASELINES.items() if baseline is type(model))
    model.save_pretrained(tmp_path)
    opened = open_system(kind, tmp_path)
    assert opened.config == model.config
    ours, theirs = (each.generate(INPUTS.users, INPUTS.items, INPUTS.features) for each in (model, opened))
    assert torch.equal(ours.words, theirs.words)
    with pytest.raises(InputError):
        open_system(SystemKind.meter, tmp_path)


def test_sentences_are_learned_by_heart(model: Baseline) -> None:
    """Each example has a user of its own: the loss of a pass falls to nothing, and generation says what was taught."""
    inputs = small_inputs((6, 3, 1, 5))
    inputs.users = torch.arange(4)
    ratings = torch.tensor([1.0, 5.0, 2.0, 4.0])
    objective = ObjectiveConfig(alpha=0.0, lambda_d=0.0, lambda_r=1.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(400):
        output = model(
            inputs.users,
            inputs.items,
            inputs.features,
            inputs.words,
            None,
            word_slots(inputs.words),
            ratings,
        )
        losses = supervised_losses(output, inputs.words, ratings, None, objective)
        assert (losses.context, losses.visual, losses.generator) == (None, None, None)
        optimizer.zero_grad()
        losses.total(objective).backward()
        optimizer.step()
    done = model.generate(inputs.users, inputs.items, inputs.features)
    assert torch.equal(done.words, inputs.words)
    if done.rating is not None:
        torch.testing.assert_close(done.rating, ratings, atol=0.3, rtol=0)


def test_every_weight_learns(model: Baseline) -> None:
    """From text and rating together, in the first step, but for the rows of a table that no example names."""
    output = model(
        INPUTS.users, INPUTS.items, INPUTS.features, INPUTS.words, None, word_slots(INPUTS.words), None
    )
    words = INPUTS.words.flatten()[word_slots(INPUTS.words)]
    loss = F.cross_entropy(output.text, words)
    if output.rating is not None:
        loss = loss + output.rating.square().mean()
    loss.backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    assert [name for name, weight in model.named_parameters() if not weight.grad.any()] == []


def test_sizes_that_make_no_model_are_refused() -> None:
    with pytest.raises(InputError, match=r"NrtConfig.num_users: expected at least 1, found 0"):
        BASELINES[SystemKind.nrt](NrtConfig())
