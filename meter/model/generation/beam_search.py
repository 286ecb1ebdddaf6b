"""Beam search: the sentence that is likeliest as a whole, as far as a few kept beginnings find it."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.errors import InputError
from meter.model.generation.text import Decoder, Sentences, checks_for_ends, end_sentences, word_logits
from meter.special_words import EOS, PAD


@dataclass(kw_only=True, slots=True)
class BeamConfig:
    """How wide a search is, and how it scores."""

    width: int = 4
    """Beginnings of a sentence that are kept."""
    length_penalty: float = 0.6
    """α of Wu et al. (2016): a sentence of |Y| words, EOS among them, scores log P(Y) / ((5 + |Y|) / 6)^α. 0 compares
    log-probabilities as they are, which favours short sentences."""

    def check(self, name: str) -> None:
        """Raises InputError where a value means nothing; ``name`` is that of this config."""
        if self.width < 1:
            raise InputError(f"{name}.width: expected at least 1, found {self.width}")
        if not 0 <= self.length_penalty < math.inf:
            raise InputError(
                f"{name}.length_penalty: expected a number of at least 0, found {self.length_penalty}"
            )


def beam_search(
    model: Decoder, state: Float[Tensor, "B D"], config: BeamConfig, *, allow_unknown: bool
) -> Sentences[Decoder]:
    """Keeps the best beginnings of every sentence, ended ones among them, and returns the best in the end.

    An end that is forced, after n words, is certain: it changes neither log-probability nor length.

    state: predicts the first word.
    """
    batch, length, num_words = len(state), model.text_length, model.num_words
    examples = torch.arange(batch, device=state.device)[:, None]
    words = torch.full((batch, 1, length + 1), PAD, dtype=torch.long, device=state.device)
    log_probabilities = torch.zeros(batch, 1, device=state.device)
    only_pad = torch.full((num_words,), -torch.inf, device=state.device)
    only_pad[PAD] = 0
    for index in range(length):
        beams = words.shape[1]
        logits = word_logits(model, state, allow_unknown=allow_unknown).float()
        next_word = logits.log_softmax(dim=-1).unflatten(0, (batch, beams))
        ended = (words == EOS).any(dim=-1)
        totals = log_probabilities[..., None] + torch.where(ended[..., None], only_pad, next_word)
        lengths = (words != PAD).sum(dim=-1) + ~ended
        scores = totals / penalty(lengths, config.length_penalty)[..., None]
        best = scores.flatten(1).topk(min(config.width, scores[0].numel()), dim=-1).indices
        log_probabilities = totals.flatten(1).gather(1, best)
        parents = best // num_words
        words = words[examples, parents]
        words[:, :, index] = best % num_words
        model = model.copy_rows((examples * beams + parents).flatten())
        all_ended = checks_for_ends(index, state.device) and bool((words == EOS).any(dim=-1).all())
        if all_ended or index + 1 == length:
            break
        state = model.read_word(words[:, :, index].flatten(), index)
    return Sentences(end_sentences(words[:, 0]), model, examples.squeeze(1) * words.shape[1])


def penalty(lengths: Int[Tensor, "B R"], alpha: float) -> Float[Tensor, "B R"]:
    """What the log-probability of a sentence of so many words is divided by (Wu et al., 2016, equation 14)."""
    return ((5 + lengths) / 6) ** alpha
