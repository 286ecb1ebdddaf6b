"""Att2Seq: a sentence from user and item alone (Dong et al., EACL 2017), as PETER's authors run it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from meter.baselines.baseline import Baseline, BaselineConfig, words_before
from meter.baselines.recurrence import RecurrentDecoder, State
from meter.model.packed import PackedOutput


@dataclass(kw_only=True, slots=True)
class Att2SeqConfig(BaselineConfig):
    """The sizes of Att2Seq; the defaults are the released code's."""

    attribute_width: int = 64
    """Numbers of the vector of a user or an item."""
    word_width: int = 512
    """Numbers of the vector of a word."""
    hidden: int = 512
    """Units of each layer of the LSTM."""
    layers: int = 2
    """Layers of the LSTM."""
    dropout: float = 0.2
    """Share of the units that are left out between these layers while it learns."""
    encoder_range: float = 0.1
    """The weights that read user and item start uniform in ± this."""
    decoder_range: float = 0.08
    """The word vectors and the words' head start uniform in ± this; biases at 0, the LSTM as torch makes it."""


class Att2Seq(Baseline):
    """Attribute-to-sequence: h₀ = tanh(W [u; i] + b), a part for each layer, c₀ = 0; an LSTM writes from there."""

    config_class = Att2SeqConfig
    needs_feature = False

    def __init__(self, config: Att2SeqConfig) -> None:
        super().__init__(config)
        self.users = nn.Embedding(config.num_users, config.attribute_width)
        self.items = nn.Embedding(config.num_items, config.attribute_width)
        self.start = nn.Linear(2 * config.attribute_width, config.layers * config.hidden)
        self.words = nn.Embedding(config.num_words, config.word_width)
        dropout = config.dropout if config.layers > 1 else 0.0
        self.recurrence = nn.LSTM(
            config.word_width, config.hidden, config.layers, dropout=dropout, batch_first=True
        )
        self.text = nn.Linear(config.hidden, config.num_words)
        for encoder in (self.users, self.items, self.start):
            nn.init.uniform_(encoder.weight, -config.encoder_range, config.encoder_range)
        for decoder in (self.words, self.text):
            nn.init.uniform_(decoder.weight, -config.decoder_range, config.decoder_range)
        nn.init.zeros_(self.start.bias)
        nn.init.zeros_(self.text.bias)

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
        """Predicts the words."""
        hidden = self.initial_state(users, items).transpose(0, 1).contiguous()
        states, _ = self.recurrence(self.words(words_before(words)), (hidden, torch.zeros_like(hidden)))
        return PackedOutput(word_slots=word_slots, text=self.text(states.flatten(0, 1)[word_slots]))

    def begin(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
    ) -> tuple[None, RecurrentDecoder]:
        """No rating, and the decoder that has read nothing yet."""

        def step(word: Tensor, state: State) -> tuple[Tensor, State]:
            layers = tuple(part.transpose(0, 1).contiguous() for part in state)
            output, new = self.recurrence(word[:, None], layers)
            return output[:, 0], tuple(part.transpose(0, 1) for part in new)

        hidden = self.initial_state(users, items)
        state = (hidden, torch.zeros_like(hidden))
        return None, RecurrentDecoder(self.config.text_length, self.words, step, self.text, state)

    def initial_state(self, users: Int[Tensor, " B"], items: Int[Tensor, " B"]) -> Float[Tensor, "B L D"]:
        """h₀ of every layer."""
        pairs = torch.cat([self.users(users), self.items(items)], dim=1)
        return self.start(pairs).tanh().unflatten(1, (self.config.layers, self.config.hidden))
