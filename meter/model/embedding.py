"""Input representation (§3.3): four tables of tokens, positions in a row, axial positions for the picture."""

import math
from enum import Enum
from typing import assert_never

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.errors import InputError
from meter.model.sequence import Layout
from meter.special_words import BOS


class VisualTable(Enum):
    """Where the embeddings of visual codes come from (decision D8)."""

    own = "own"
    """A learned table of width D."""
    codebook = "codebook"
    """The VQ-GAN's code vectors, frozen, through a learned projection."""


class Positions(Enum):
    """What tells the slots of u, i, f, BOS, words and BOI apart; the positions of codes are always axial."""

    learned = "learned"
    """A learned vector for each slot."""
    sinusoidal = "sinusoidal"
    """Fixed waves, as in PETER (Vaswani et al., 2017)."""


def sinusoids(length: int, width: int) -> Float[Tensor, "T D"]:
    """Sines in even and cosines in odd columns, from one radian a slot down to nearly 1/10,000."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :width]


def draw_hidden(
    batch: int, num_codes: int, largest_share: float, device: torch.device
) -> Bool[Tensor, "B V"]:
    """Draws which codes are hidden: of each picture another share, even between 0 and ``largest_share``.

    Neighbouring codes are so alike that a model which always sees the last one learns little else. As with words
    (Bowman et al., "Generating Sentences from a Continuous Space", 2016), it must then ask the item and the sentence.
    """
    shares = largest_share * torch.rand(batch, 1, device=device)
    return torch.rand(batch, num_codes, device=device) < shares


class VisualEmbedding(nn.Module):
    """Z: visual codes and their axial positions, one vector for the row plus one for the column (Ho et al., 2019).

    codebook: the VQ-GAN's code vectors; None for a table of its own.
    scale: what a code's vector is multiplied with before its position is added.
    dropout: the largest share of a picture's codes that are hidden while the model learns (``draw_hidden``).
    """

    def __init__(
        self,
        num_codes: int,
        grid: tuple[int, int],
        width: int,
        codebook: Float[Tensor, "K C"] | None,
        scale: float,
        dropout: float,
    ) -> None:
        super().__init__()
        from axial_positional_embedding import AxialPositionalEmbedding

        self.scale = scale
        self.dropout = dropout
        self.positions = AxialPositionalEmbedding(width, axial_shape=grid)
        if codebook is None:
            self.table: nn.Module = nn.Embedding(num_codes, width)
        else:
            frozen = nn.Embedding.from_pretrained(codebook, freeze=True)
            self.table = nn.Sequential(frozen, nn.Linear(codebook.shape[1], width))

    def axial_positions(self) -> Float[Tensor, "M D"]:
        """The sum of row and column embedding of every cell of the grid, row by row."""
        rows, columns = self.positions.weights
        return (rows + columns).flatten(0, 2)

    def forward(self, codes: Int[Tensor, "B V"]) -> Float[Tensor, "B V D"]:
        """Embeds the first V codes of each picture; an absent picture's −1 counts as code 0, which no loss reads.

        In training some are hidden: their slots hold the position alone.
        """
        positions = self.axial_positions()[: codes.shape[1]]
        embedded = self.embed_at(positions, codes.clamp(min=0))
        if not self.training or self.dropout == 0:
            return embedded
        hidden = draw_hidden(len(codes), codes.shape[1], self.dropout, codes.device)
        return torch.where(hidden[..., None], positions, embedded)

    def embed_at(self, positions: Float[Tensor, "V D"], codes: Int[Tensor, "B V"]) -> Float[Tensor, "B V D"]:
        """Embeds codes that stand at these positions."""
        return torch.add(positions, self.table(codes), alpha=self.scale)


class Embedding(nn.Module):
    """Turns ids into S0: token plus position, slot by slot.

    scale: what a token's vector is multiplied with before its position is added.
    visual: the picture's part; None for a model without pictures.
    picture_features: what is known of each item's photos, handed in; None for a model that sees none of them.
    """

    def __init__(
        self,
        *,
        num_users: int,
        num_items: int,
        num_words: int,
        width: int,
        layout: Layout,
        positions: Positions,
        scale: float,
        visual: VisualEmbedding | None,
        picture_features: Float[Tensor, "I F"] | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.scale = scale
        self.users = nn.Embedding(num_users, width)
        self.items = nn.Embedding(num_items, width)
        self.words = nn.Embedding(num_words, width)
        self.visual = visual
        self.pictures = None
        if picture_features is not None:
            frozen = nn.Embedding.from_pretrained(picture_features, freeze=True)
            # Without bias: an item whose features are 0, as it has no photo, keeps its own vector.
            self.pictures = nn.Sequential(frozen, nn.Linear(picture_features.shape[1], width, bias=False))
        length = layout.text.stop + (1 if visual else 0)
        match positions:
            case Positions.learned:
                self.positions = nn.Embedding(length, width)
            case Positions.sinusoidal:
                self.positions = nn.Embedding.from_pretrained(sinusoids(length, width), freeze=True)
            case _:
                assert_never(positions)
        self.begin_image = nn.Parameter(torch.empty(width)) if visual else None

    def embed_conditions(
        self, users: Int[Tensor, " B"], items: Int[Tensor, " B"], features: Int[Tensor, " B"] | None
    ) -> Float[Tensor, "B C D"]:
        """Embeds [u, i, f, BOS]: what every generation starts from."""
        return self.add_positions(self.look_up(users, items, features, users.new_empty(len(users), 0)), 0)

    def look_up(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B E"],
    ) -> Float[Tensor, "B Q D"]:
        """Looks up [u, i, f, BOS, words], without positions.

        All words in one lookup: the gradient of every lookup is a table as large as V.
        """
        if (features is not None) != self.layout.has_feature:
            expected = "a word each" if self.layout.has_feature else "None"
            found = "None" if features is None else f"shape {tuple(features.shape)}"
            raise InputError(
                f"features: expected {expected}, as model.has_feature={self.layout.has_feature}, found {found}"
            )
        in_vocabulary = [torch.full_like(users, BOS)[:, None], words]
        if features is not None:
            in_vocabulary.insert(0, features[:, None])
        pair = [self.users(users)[:, None], self.look_up_items(items)[:, None]]
        return torch.cat([*pair, self.words(torch.cat(in_vocabulary, dim=1))], dim=1)

    def look_up_items(self, items: Int[Tensor, " B"]) -> Float[Tensor, "B D"]:
        """Each item's own vector, plus the projected features of its photos where they are handed in."""
        own = self.items(items)
        return own if self.pictures is None else own + self.pictures(items)

    def embed_word(self, words: Int[Tensor, " B"], index: int) -> Float[Tensor, "B 1 D"]:
        """Embeds the word that stands at ``index`` of the sentence (0 is the first)."""
        return self.add_positions(self.words(words)[:, None], self.layout.text.start + 1 + index)

    def embed_boi(self, batch: int) -> Float[Tensor, "B 1 D"]:
        """Embeds BOI, the token that begins a picture; its position is the last of the non-visual ones."""
        assert self.begin_image is not None
        return self.add_positions(self.begin_image.expand(batch, 1, -1), self.layout.text.stop)

    def add_positions(self, tokens: Float[Tensor, "B Q D"], start: int) -> Float[Tensor, "B Q D"]:
        """Scales the tokens and adds the positions from slot ``start`` on."""
        positions = self.positions.weight[start : start + tokens.shape[1]]
        return torch.add(positions, tokens, alpha=self.scale)

    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        codes: Int[Tensor, "B M"] | None,
    ) -> Float[Tensor, "B T D"]:
        """Embeds the whole sequence."""
        self._check_sizes(words, codes)
        parts = [self.add_positions(self.look_up(users, items, features, words[:, :-1]), 0)]
        if codes is not None:
            assert self.visual is not None
            parts += [self.embed_boi(len(users)), self.visual(codes[:, :-1])]
        return torch.cat(parts, dim=1)

    def _check_sizes(self, words: Tensor, codes: Tensor | None) -> None:
        """Raises InputError where words or codes do not fill the slots that the model has for them."""
        num_words, num_codes = self.layout.text_length + 1, self.layout.visual_length
        if words.shape[1] != num_words:
            raise InputError(
                f"words: expected {num_words} columns (model.text_length={num_words - 1} and EOS), "
                f"found {words.shape[1]}"
            )
        if codes is not None and (self.visual is None or codes.shape[1] != num_codes):
            expected = (
                f"{num_codes} columns (model.grid)" if self.visual else "None, as the model has no pictures"
            )
            raise InputError(f"codes: expected {expected}, found shape {tuple(codes.shape)}")
