"""NETE: a sentence about a given feature, in the tone of the predicted rating (Li, Zhang and Chen, CIKM 2020)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.baselines.baseline import Baseline, BaselineConfig, Phase, words_before
from meter.baselines.rating import RatingPerceptron
from meter.baselines.recurrence import RecurrentDecoder, State
from meter.model.packed import PackedOutput

INITIAL_DEVIATION = 0.1
"""Of the truncated normal that linear maps start from."""
INITIAL_RANGE = 0.1
"""Tables start uniform in ± this."""


@dataclass(kw_only=True, slots=True)
class NeteConfig(BaselineConfig):
    """The sizes of NETE; the defaults are the released code's."""

    width: int = 200
    """Numbers of the vector of a user, an item, a word, a sentiment."""
    rating_hidden: int = 400
    """Units of each layer under the rating."""
    rating_layers: int = 4
    """Layers with a sigmoid under the rating."""
    rating_decay: float = 1e-4
    """Weight of Σ ½‖θ‖² in the rating's loss; the sentence's has no such term."""
    hidden: int = 256
    """Units of each GRU cell."""
    fusion_width: int = 200
    """Units of each of the two tanh layers that weigh the cells."""
    dropout: float = 0.2
    """Share of the numbers of a cell's input that are left out while it learns."""
    positive_from: float = 3.0
    """The least rating whose sentiment is positive."""
    tie_cells: bool = False
    """Whether both cells have the same weights."""


class Nete(Baseline):
    """Neural Template: two networks with tables of their own, trained one after the other, the rating first.

    The sentence is told the sentiment of the true rating while the model learns, that of the predicted one otherwise.
    """

    config_class = NeteConfig
    needs_feature = True

    def __init__(self, config: NeteConfig) -> None:
        super().__init__(config)
        self.rating = RatingNetwork(config)
        self.text = TextNetwork(config)

    def phases(self) -> list[Phase]:
        """First the rating, then the sentence."""
        return [
            Phase(
                name="rating",
                network=RatingPass(self.rating),
                trained=self.rating,
                weight_decay=self.config.rating_decay,
            ),
            Phase(network=self, trained=self.text),
        ]

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
        """Predicts rating and words.

        ratings: the true ones, whose sentiment the sentence is told; the predicted one's where None.
        """
        assert features is not None
        rating = self.rating(users, items)
        states = self.text(users, items, features, rating if ratings is None else ratings, words)
        return PackedOutput(
            word_slots=word_slots, rating=rating, text=self.text.head(states.flatten(0, 1)[word_slots])
        )

    def begin(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
    ) -> tuple[Float[Tensor, " B"], RecurrentDecoder]:
        """The predicted rating, and the decoder that has read nothing yet."""
        assert features is not None
        text, rating = self.text, self.rating(users, items)

        def step(word: Tensor, state: State) -> tuple[Tensor, State]:
            feature, hidden = state
            hidden = text.cell(word, feature, hidden)
            return hidden, (feature, hidden)

        state = (text.words(features), text.initial_state(users, items, rating))
        return rating, RecurrentDecoder(self.config.text_length, text.words, step, text.head, state)


class RatingNetwork(nn.Module):
    """r̂ = MLP([u; i])."""

    def __init__(self, config: NeteConfig) -> None:
        super().__init__()
        self.users = nn.Embedding(config.num_users, config.width)
        self.items = nn.Embedding(config.num_items, config.width)
        self.perceptron = RatingPerceptron(2 * config.width, config.rating_hidden, config.rating_layers)
        initialise(self)

    def forward(self, users: Int[Tensor, " B"], items: Int[Tensor, " B"]) -> Float[Tensor, " B"]:
        """The rating of each pair."""
        return self.perceptron(torch.cat([self.users(users), self.items(items)], dim=1))


class RatingPass(nn.Module):
    """The training pass of the rating alone."""

    def __init__(self, rating: RatingNetwork) -> None:
        super().__init__()
        self.rating = rating

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
        """Predicts the rating; reads user and item only."""
        return PackedOutput(word_slots=word_slots, rating=self.rating(users, items))


class TextNetwork(nn.Module):
    """h₀ = tanh(W [u; i; s] + b), s the sentiment's vector; the gated fusion cell writes from there."""

    def __init__(self, config: NeteConfig) -> None:
        super().__init__()
        self.positive_from = config.positive_from
        self.users = nn.Embedding(config.num_users, config.width)
        self.items = nn.Embedding(config.num_items, config.width)
        self.sentiments = nn.Embedding(2, config.width)
        self.words = nn.Embedding(config.num_words, config.width)
        self.start = nn.Linear(3 * config.width, config.hidden)
        self.cell = FusionCell(config)
        self.head = nn.Linear(config.hidden, config.num_words)
        initialise(self)

    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"],
        ratings: Float[Tensor, " B"],
        words: Int[Tensor, "B S"],
    ) -> Float[Tensor, "B S D"]:
        """The states that predict each word from those before it."""
        state, feature = self.initial_state(users, items, ratings), self.words(features)
        states = []
        for word in self.words(words_before(words)).unbind(1):
            state = self.cell(word, feature, state)
            states.append(state)
        return torch.stack(states, dim=1)

    def initial_state(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], ratings: Float[Tensor, " B"]
    ) -> Float[Tensor, "B D"]:
        """h₀ in the sentiment of these ratings."""
        sentiments = self.sentiments((ratings >= self.positive_from).long())
        return self.start(torch.cat([self.users(users), self.items(items), sentiments], dim=1)).tanh()


class FusionCell(nn.Module):
    """Gated fusion: two GRU cells go on from the same state, one with the word, one with the feature.

    γ = σ(w · [tanh(W₁ h_w); tanh(W₂ h_f)]), h = (1 − γ) h_w + γ h_f.
    """

    def __init__(self, config: NeteConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.word_cell = nn.GRUCell(config.width, config.hidden)
        self.own_feature_cell = None if config.tie_cells else nn.GRUCell(config.width, config.hidden)
        self.from_word = nn.Linear(config.hidden, config.fusion_width, bias=False)
        self.from_feature = nn.Linear(config.hidden, config.fusion_width, bias=False)
        self.gate = nn.Linear(2 * config.fusion_width, 1, bias=False)

    def forward(
        self, word: Float[Tensor, "B E"], feature: Float[Tensor, "B E"], state: Float[Tensor, "B D"]
    ) -> Float[Tensor, "B D"]:
        """The next state."""
        feature_cell = self.word_cell if self.own_feature_cell is None else self.own_feature_cell
        of_word = self.word_cell(self.dropout(word), state)
        of_feature = feature_cell(self.dropout(feature), state)
        weighed = torch.cat([self.from_word(of_word).tanh(), self.from_feature(of_feature).tanh()], dim=1)
        share = self.gate(weighed).sigmoid()
        return (1 - share) * of_word + share * of_feature


def initialise(network: nn.Module) -> None:
    """First weights as the released code has them: tables uniform, linear maps normal and cut, cells orthogonal."""
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            nn.init.uniform_(module.weight, -INITIAL_RANGE, INITIAL_RANGE)
        elif isinstance(module, nn.Linear):
            cut = 2 * INITIAL_DEVIATION
            nn.init.trunc_normal_(module.weight, std=INITIAL_DEVIATION, a=-cut, b=cut)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GRUCell):
            orthogonal_cell(module)


@torch.no_grad()
def orthogonal_cell(cell: nn.GRUCell) -> None:
    """TensorFlow's GRU: both gates are one orthogonal matrix over [input; state], the candidate another; gates at 1."""
    inputs, hidden = cell.input_size, cell.hidden_size
    for rows in (slice(0, 2 * hidden), slice(2 * hidden, 3 * hidden)):
        kernel = nn.init.orthogonal_(torch.empty(rows.stop - rows.start, inputs + hidden))
        cell.weight_ih[rows], cell.weight_hh[rows] = kernel[:, :inputs], kernel[:, inputs:]
    cell.bias_ih.zero_()
    cell.bias_hh.zero_()
    cell.bias_ih[: 2 * hidden] = 1.0
