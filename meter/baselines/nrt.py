"""NRT: a rating, and a tip that is written knowing it (Li et al., SIGIR 2017), as PETER's authors run it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.baselines.baseline import Baseline, BaselineConfig, words_before
from meter.baselines.rating import RatingPerceptron
from meter.baselines.recurrence import RecurrentDecoder, State
from meter.model.packed import PackedOutput


@dataclass(kw_only=True, slots=True)
class NrtConfig(BaselineConfig):
    """The sizes of NRT; the defaults are the released code's."""

    width: int = 300
    """Numbers of the vector of a user, an item, a word."""
    hidden: int = 400
    """Units of each hidden layer and of the GRU."""
    rating_layers: int = 5
    """Layers with a sigmoid under the rating."""
    highest_rating: int = 5
    """Ratings that the sentence is told apart: 1 to this one."""
    initial_range: float = 0.1
    """Tables and linear maps start uniform in ± this; biases at 0, the GRU as torch makes it."""


class Nrt(Baseline):
    """Neural Rating and Tips generation.

    r̂ = MLP([u; i]); h₀ = tanh(W [u; i; one-hot of r̂ cut to a whole rating] + b); a GRU writes from there.
    """

    config_class = NrtConfig
    needs_feature = False

    def __init__(self, config: NrtConfig) -> None:
        super().__init__(config)
        width, hidden = config.width, config.hidden
        self.users = nn.Embedding(config.num_users, width)
        self.items = nn.Embedding(config.num_items, width)
        self.words = nn.Embedding(config.num_words, width)
        self.rating = RatingPerceptron(2 * width, hidden, config.rating_layers)
        self.start = nn.Linear(2 * width + config.highest_rating, hidden)
        self.recurrence = nn.GRU(width, hidden, batch_first=True)
        self.text = nn.Linear(hidden, config.num_words)
        for module in self.modules():
            if isinstance(module, (nn.Embedding, nn.Linear)):
                nn.init.uniform_(module.weight, -config.initial_range, config.initial_range)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        codes: Int[Tensor, "B M"] | None,
        word_slots: Int[Tensor, " P"],
        ratings: Float[Tensor, " B"] | None = None,
    ) -> PackedOutput:
        """Predicts rating and words; the sentence is told the predicted rating while the model learns, too."""
        pairs = self.pairs(users, items)
        rating = self.rating(pairs)
        states, _ = self.recurrence(self.words(words_before(words)), self.initial_state(pairs, rating)[None])
        text = self.text(states.flatten(0, 1)[word_slots])
        return PackedOutput(word_slots=word_slots, rating=rating, text=text)

    def begin(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
    ) -> tuple[Float[Tensor, " B"], RecurrentDecoder]:
        """The predicted rating, and the decoder that has read nothing yet."""
        pairs = self.pairs(users, items)
        rating = self.rating(pairs)

        def step(word: Tensor, state: State) -> tuple[Tensor, State]:
            output, new = self.recurrence(word[:, None], state[0][None])
            return output[:, 0], (new[0],)

        state = (self.initial_state(pairs, rating),)
        return rating, RecurrentDecoder(self.config.text_length, self.words, step, self.text, state)

    def pairs(self, users: Int[Tensor, " B"], items: Int[Tensor, " B"]) -> Float[Tensor, "B E"]:
        """[u; i]."""
        return torch.cat([self.users(users), self.items(items)], dim=1)

    def initial_state(self, pairs: Float[Tensor, "B E"], rating: Float[Tensor, " B"]) -> Float[Tensor, "B D"]:
        """h₀; no gradient passes the whole rating."""
        highest = self.config.highest_rating
        level = rating.detach().clamp(1, highest).long() - 1
        told = F.one_hot(level, highest).to(pairs.dtype)
        return self.start(torch.cat([pairs, told], dim=1)).tanh()
