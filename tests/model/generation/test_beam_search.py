"""Beam search against all sentences there are, and against a plain search that encodes everything anew."""

import itertools
from dataclasses import dataclass

import pytest
import torch

from meter.model import EOS, PAD, BeamConfig, DecodingConfig, Meter, WordChoice
from tests.conftest import Inputs, small_inputs, small_model
from tests.model.generation.test_generate import plain_codes

WORDS, LENGTH = 7, 3
CHOICES = range(EOS, WORDS)


@dataclass
class Pair:
    """One user, item and feature word, repeated for as many sentences as are asked for."""

    model: Meter
    inputs: Inputs
    row: int

    def log_probabilities(self, words: torch.Tensor) -> torch.Tensor:
        """Of every next word (B, S, W) of some sentences, PAD and BOS ruled out, by teacher forcing."""
        ids = (ids[self.row].expand(len(words)) for ids in (self.inputs.users, self.inputs.items))
        features = (self.inputs.features[self.row] % WORDS).expand(len(words))
        logits = self.model(*ids, features, words, None).text
        logits[..., :EOS] = -torch.inf
        return logits.log_softmax(dim=-1)


@pytest.fixture
def model() -> Meter:
    model = small_model(num_words=WORDS, text_length=LENGTH)
    with torch.no_grad():
        model.heads.text.weight.mul_(0.3)
    return model


def searched(model: Meter, inputs: Inputs, width: int, length_penalty: float) -> list[list[int]]:
    decoding = DecodingConfig(
        words=WordChoice.beam, beam=BeamConfig(width=width, length_penalty=length_penalty)
    )
    generated = model.generate(inputs.users, inputs.items, inputs.features % WORDS, decoding=decoding)
    return [row[: row.index(EOS) + 1] for row in generated.words.tolist()]


def score(log_probability: float, chosen: int, length_penalty: float) -> float:
    return log_probability / ((5 + chosen) / 6) ** length_penalty


def padded(words: list[int]) -> list[int]:
    return words + [PAD] * (LENGTH + 1 - len(words))


def every_sentence() -> list[list[int]]:
    """All that up to three words can say, EOS last."""
    inner = [word for word in CHOICES if word != EOS]
    return [
        [*words, EOS] for length in range(LENGTH + 1) for words in itertools.product(inner, repeat=length)
    ]


@torch.no_grad()
def best_of_all(pair: Pair, length_penalty: float) -> list[int]:
    sentences = every_sentence()
    log_probabilities = pair.log_probabilities(torch.tensor([padded(words) for words in sentences]))
    scores = []
    for words, steps in zip(sentences, log_probabilities, strict=True):
        chosen = words[:LENGTH]  # EOS after the last word there is room for is no choice
        total = sum(float(steps[index, word]) for index, word in enumerate(chosen))
        scores.append(score(total, len(chosen), length_penalty))
    return sentences[scores.index(max(scores))]


@torch.no_grad()
def plain_search(pair: Pair, width: int, length_penalty: float) -> list[int]:
    beams = [([], 0.0)]
    for index in range(LENGTH):
        candidates = []
        for words, total in beams:
            if EOS in words:
                candidates.append((words, total))
                continue
            steps = pair.log_probabilities(torch.tensor([padded(words)]))[0, index]
            candidates += [([*words, word], total + float(steps[word])) for word in CHOICES]
        candidates.sort(key=lambda each: score(each[1], len(each[0]), length_penalty), reverse=True)
        beams = candidates[:width]
    best = beams[0][0]
    return best if EOS in best else [*best, EOS]


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 3.0])
def test_a_beam_wide_enough_finds_the_best_of_all_sentences(model: Meter, length_penalty: float) -> None:
    inputs = small_inputs((6,) * 12)
    found = searched(model, inputs, 4**LENGTH + 4**2 + 4 + 1, length_penalty)
    assert found == [best_of_all(Pair(model, inputs, row), length_penalty) for row in range(12)]
    if length_penalty == 0.6:
        assert len({len(words) for words in found}) > 1
        greedy = searched(model, inputs, 1, length_penalty)
        assert found != greedy, "a search that finds nothing better shows nothing"


@pytest.mark.parametrize("width", [2, 3])
def test_a_narrow_beam_keeps_what_a_plain_search_keeps(model: Meter, width: int) -> None:
    inputs = small_inputs((6,) * 12)
    found = searched(model, inputs, width, 0.6)
    assert found == [plain_search(Pair(model, inputs, row), width, 0.6) for row in range(12)]


def test_a_longer_sentence_wins_under_a_higher_penalty(model: Meter) -> None:
    inputs = small_inputs((6,) * 12)
    lengths = [sum(map(len, searched(model, inputs, 85, penalty))) for penalty in (0.0, 1.0, 4.0)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


def test_a_beam_of_one_is_greedy_and_the_picture_follows_its_sentence() -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model()
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3
    arguments = (inputs.users, inputs.items, inputs.features)
    single = DecodingConfig(words=WordChoice.beam, beam=BeamConfig(width=1))
    generated, greedy = model.generate(*arguments, decoding=single), model.generate(*arguments)
    assert torch.equal(generated.words, greedy.words)
    assert torch.equal(generated.codes, greedy.codes)

    four = model.generate(*arguments, decoding=DecodingConfig(words=WordChoice.beam))
    assert not torch.equal(four.words, greedy.words)
    assert torch.equal(four.codes, plain_codes(model, inputs, four.words))
