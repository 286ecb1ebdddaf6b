"""PETER+ (Li, Zhang & Chen, ACL 2021), written plainly to compute as its published code does.

Sequences come first, (T, B, D); every slot is encoded and every word slot projected onto all words, PAD too. torch's
own layers stand in for the copies in PETER's code, which return the attention weights besides: a little in PETER's
favour. Numbers of words are PETER's: bos 0, eos 1, pad 2, unk 3.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from meter.model import Meter
from meter.model.peter import from_state_dict, word_order

from .machine import Precision
from .records import RandomRecords, Sizes

BOS, EOS, PAD = 0, 1, 2
CONDITIONS = 3
"""u, i and f stand before bos."""
LEARNING_RATE, CLIP, RATING_WEIGHT = 1.0, 1.0, 0.1


class Waves(nn.Module):
    """Sinusoidal positions (Vaswani et al., 2017), then dropout."""

    pe: Tensor

    def __init__(self, width: int, length: int, dropout: float) -> None:
        super().__init__()
        rates = 10_000 ** (-torch.arange(0, width, 2) / width)
        angles = torch.arange(length)[:, None] * rates
        self.register_buffer("pe", torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, None])
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.dropout(tokens + self.pe[: len(tokens)])


class Recommender(nn.Module):
    """Two layers with a sigmoid between them: (B, D) to ratings (B,)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, state: Tensor) -> Tensor:
        return self.linear2(self.linear1(state).sigmoid()).squeeze(1)


class Peter(nn.Module):
    """The network; its weights bear the names that PETER's checkpoints have."""

    hidden_from: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        length = CONDITIONS + sizes.text_length + 1
        layer = nn.TransformerEncoderLayer(sizes.width, sizes.heads, sizes.feedforward, sizes.dropout)
        self.pos_encoder = Waves(sizes.width, length, sizes.dropout)
        self.transformer_encoder = nn.TransformerEncoder(layer, sizes.layers, enable_nested_tensor=False)
        self.user_embeddings = nn.Embedding(sizes.users, sizes.width)
        self.item_embeddings = nn.Embedding(sizes.items, sizes.width)
        self.word_embeddings = nn.Embedding(sizes.words, sizes.width)
        self.hidden2token = nn.Linear(sizes.width, sizes.words)
        self.recommender = Recommender(sizes.width)
        hidden_from = torch.ones(length, length, dtype=torch.bool).triu(1)
        hidden_from[0, 1] = False
        self.register_buffer("hidden_from", hidden_from, persistent=False)
        for part in (self.user_embeddings, self.item_embeddings, self.word_embeddings, self.hidden2token):
            nn.init.uniform_(part.weight, -sizes.spread, sizes.spread)
        nn.init.zeros_(self.hidden2token.bias)

    def forward(self, users: Tensor, items: Tensor, text: Tensor) -> Tensor:
        """States (T, B, D) of [u, i, text]; users and items are (B,), text (T − 2, B) is the feature, bos, words."""
        pair = [self.user_embeddings(users)[None], self.item_embeddings(items)[None]]
        tokens = torch.cat([*pair, self.word_embeddings(text)]) * math.sqrt(
            self.word_embeddings.embedding_dim
        )
        length = len(tokens)
        padding = torch.cat([torch.zeros_like(text[:2].T, dtype=torch.bool), text.T == PAD], dim=1)
        return self.transformer_encoder(
            self.pos_encoder(tokens),
            mask=self.hidden_from[:length, :length],
            src_key_padding_mask=padding,
        )

    def log_words(self, states: Tensor) -> Tensor:
        """Log probabilities (…, W)."""
        return functional.log_softmax(self.hidden2token(states), dim=-1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PeterRecords:
    """Records on the host in PETER's numbers; sentences (B, N + 2) are bos, words, eos, then pad."""

    users: Tensor
    items: Tensor
    features: Tensor
    sentences: Tensor
    ratings: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class StepLosses:
    """What a training step reads of its losses, unweighted."""

    text: float
    context: float
    rating: float


def in_peters_numbers(records: RandomRecords, sizes: Sizes) -> PeterRecords:
    """The same records as PETER's loader makes them."""
    number_of = word_order(sizes.words)
    words = number_of[torch.from_numpy(records.words)]
    return PeterRecords(
        users=torch.from_numpy(records.users),
        items=torch.from_numpy(records.items),
        features=number_of[torch.from_numpy(records.features)],
        sentences=functional.pad(words, (1, 0), value=BOS),
        ratings=torch.from_numpy(records.ratings),
    )


def opened_as_meter(peter: Peter, sizes: Sizes) -> Meter:
    """METER with PETER's weights."""
    return from_state_dict(
        peter.state_dict(),
        text_length=sizes.text_length,
        heads=sizes.heads,
        has_feature=True,
        dropout=sizes.dropout,
    )


class PeterTraining:
    """Trains PETER on one batch again and again."""

    def __init__(
        self, peter: Peter, records: PeterRecords, device: torch.device, precision: Precision
    ) -> None:
        self.peter = peter.to(device).train()
        self.optimizer = torch.optim.SGD(self.peter.parameters(), lr=LEARNING_RATE)
        self.records, self.device, self.precision = records, device, precision

    def step(self) -> StepLosses:
        """One step: the batch is put on the device, and the losses are read, as in PETER's loop."""
        records, device = self.records, self.device
        users, items, ratings = (each.to(device) for each in (records.users, records.items, records.ratings))
        sentences = records.sentences.T.to(device)
        text = torch.cat([records.features[None].to(device), sentences[:-1]])
        self.optimizer.zero_grad()
        with self.precision.autocast(device):
            states = self.peter(users, items, text)
            log_words = self.peter.log_words(states[CONDITIONS:])
            log_context = self.peter.log_words(states[1])
            repeated = log_context[None].repeat(len(sentences) - 2, 1, 1)
            context_loss = functional.nll_loss(
                repeated.flatten(0, 1), sentences[1:-1].flatten(), ignore_index=PAD
            )
            rating_loss = functional.mse_loss(self.peter.recommender(states[0]), ratings)
            text_loss = functional.nll_loss(
                log_words.flatten(0, 1), sentences[1:].flatten(), ignore_index=PAD
            )
            loss = text_loss + context_loss + RATING_WEIGHT * rating_loss
        loss.backward()
        nn.utils.clip_grad_norm_(self.peter.parameters(), CLIP)
        self.optimizer.step()
        return StepLosses(text=text_loss.item(), context=context_loss.item(), rating=rating_loss.item())


@torch.no_grad()
def write_sentences(peter: Peter, users: Tensor, items: Tensor, features: Tensor, length: int) -> Tensor:
    """Greedy sentences (B, N): each word from a whole pass over all slots before it, as in PETER's code.

    users, items, features: (B,) on PETER's device.
    """
    text = torch.stack([features, torch.full_like(features, BOS)])
    for place in range(length):
        states = peter(users, items, text)
        if place == 0:
            peter.recommender(states[0])
            peter.log_words(states[1]).exp().topk(length, dim=1)
        chosen = peter.log_words(states[-1]).exp().argmax(dim=1)
        text = torch.cat([text, chosen[None]])
    return text[2:].T
