"""The text–image matching discriminator D(E, V): two separate encoders and a match score (§3.4)."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from meter.errors import InputError
from meter.special_words import PAD
from meter.storage.pretrained import read_pretrained, save_pretrained


@dataclass(kw_only=True, slots=True)
class DiscriminatorConfig:
    """The sizes of D; the paper gives none. A training run fills in those that are 0."""

    num_words: int = 0
    """W, rows of the word table."""
    num_codes: int = 0
    """K, rows of the code table."""
    grid: list[int] = field(default_factory=list)
    """Rows and columns of codes in a picture."""
    width: int = 64
    """Width of the vectors that are compared."""
    code_rank: int = 32
    """Width of a code's vector before the linear map of its position."""
    gated: bool = False
    """Whether D is told the feature word that was asked for, so that a sentence about another one cannot please it."""

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a network."""
        for name in ("num_words", "num_codes", "width", "code_rank"):
            if getattr(self, name) < 1:
                raise InputError(f"disc.{name}: expected at least 1, found {getattr(self, name)}")
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise InputError(f"disc.grid: expected [rows, columns], each at least 1, found {list(self.grid)}")


class SentenceEncoder(nn.Module):
    """The mean of the words' vectors, scaled to length 1."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(config.num_words, config.width)
        nn.init.normal_(self.table.weight, std=0.02)

    def embed(self, words: Int[Tensor, "B S"] | Float[Tensor, "B S W"]) -> Float[Tensor, "B S D"]:
        """The rows of the table for ids; their weighted means for probabilities."""
        return words @ self.table.weight if words.is_floating_point() else self.table(words)

    def forward(self, vectors: Float[Tensor, "B S D"], present: Bool[Tensor, "B S"]) -> Float[Tensor, "B D"]:
        """Averages the vectors of the words that are present."""
        return F.normalize((vectors * present[..., None]).sum(dim=1).float(), dim=-1)


class PictureEncoder(nn.Module):
    """A linear map of its own for every position of the grid, summed and scaled to length 1.

    Positions are not averaged: what a code means depends on where it stands. The codes' vectors are narrow, so that
    what is learned of a code at one position serves at the others too.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        rows, columns = config.grid
        self.table = nn.Embedding(config.num_codes, config.code_rank)
        inputs = rows * columns * config.code_rank
        self.project = nn.Parameter(torch.randn(inputs, config.width) / inputs**0.5)

    def embed(self, codes: Int[Tensor, "B M"] | Float[Tensor, "B M K"]) -> Float[Tensor, "B M R"]:
        """The rows of the table for ids; their weighted means for probabilities."""
        return codes @ self.table.weight if codes.is_floating_point() else self.table(codes)

    def forward(self, vectors: Float[Tensor, "B M R"]) -> Float[Tensor, "B D"]:
        return F.normalize((vectors.flatten(1) @ self.project).float(), dim=-1)


class Discriminator(nn.Module):
    """Scores how well a sentence and a picture match.

    D(E, V) = σ(score): the cosine of the two encoders' vectors, with a learned scale and offset, as in contrastive
    text–image training. Both arguments may be ids or probabilities over ids, so that gradients reach a choice.
    A gated one multiplies the sentence's vector by a learned vector of the feature word that was asked for.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        self.text_encoder = SentenceEncoder(config)
        self.image_encoder = PictureEncoder(config)
        self.gate = nn.Embedding(config.num_words, config.width) if config.gated else None
        if self.gate is not None:
            nn.init.normal_(self.gate.weight, mean=1.0, std=0.3)
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        self.offset = nn.Parameter(torch.tensor(0.0))

    def encode_text(
        self,
        words: Int[Tensor, "B S"] | Float[Tensor, "B S W"],
        features: Int[Tensor, " B"] | None = None,
        present: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """One vector a sentence.

        features: word ids of the features that were asked for; only a gated network reads them.
        present: True where there is a word; by default wherever it is not PAD.
        """
        if present is None:
            ids = words.argmax(dim=-1) if words.is_floating_point() else words
            present = ids != PAD
        return self.gated(self.text_encoder(self.text_encoder.embed(words), present), features)

    def gated(
        self, sentences: Float[Tensor, "B D"], features: Int[Tensor, " B"] | None
    ) -> Float[Tensor, "B D"]:
        """Encoded sentences as they bear on these features; a network without gate leaves them as they are."""
        if self.gate is None:
            return sentences
        if features is None:
            raise ValueError("a gated discriminator needs the features that were asked for, found none")
        return sentences * self.gate(features)

    def encode_image(self, codes: Int[Tensor, "B M"] | Float[Tensor, "B M K"]) -> Float[Tensor, "B D"]:
        """One vector a picture."""
        return self.image_encoder(self.image_encoder.embed(codes))

    def score(self, text: Float[Tensor, "B D"], image: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
        """Match logits of encoded pairs."""
        return (text * image).sum(dim=-1) * self.log_scale.exp() + self.offset

    def score_all(self, text: Float[Tensor, "A D"], image: Float[Tensor, "B D"]) -> Float[Tensor, "A B"]:
        """Match logits of every sentence with every picture."""
        return text @ image.T * self.log_scale.exp() + self.offset

    def forward(
        self,
        words: Int[Tensor, "B S"] | Float[Tensor, "B S W"],
        codes: Int[Tensor, "B M"] | Float[Tensor, "B M K"],
        features: Int[Tensor, " B"] | None = None,
        present: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, " B"]:
        """Match logits of B pairs; their sigmoid is D(E, V)."""
        return self.score(self.encode_text(words, features, present), self.encode_image(codes))

    def save_pretrained(self, folder: Path | str) -> None:
        """Writes ``config.json`` and ``model.safetensors``."""
        save_pretrained(folder, self.config, self.state_dict())

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Discriminator":
        """Opens what ``save_pretrained`` wrote, ready to score.

        Raises InputError where the files are missing, damaged or of another network.
        """
        saved = read_pretrained(folder, DiscriminatorConfig)
        return saved.load_into(cls(saved.config))
