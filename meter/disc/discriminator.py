"""The text–image matching discriminator D(E, V): two separate encoders and a match score (§3.4)."""

from contextlib import nullcontext
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
    text_length: int = 0
    """n, the longest sentence in words; sentences are given with their EOS."""
    grid: list[int] = field(default_factory=list)
    """Rows and columns of codes in a picture."""
    width: int = 256
    """Width of the tokens in both encoders and of the vectors that are compared."""
    layers: int = 1
    """Transformer layers in each encoder."""
    heads: int = 4
    """Attention heads; divides the width."""
    dropout: float = 0.1
    """Share of activations that are dropped while training."""

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a network."""
        for name in ("num_words", "num_codes", "text_length", "width", "layers", "heads"):
            if getattr(self, name) < 1:
                raise InputError(f"disc.{name}: expected at least 1, found {getattr(self, name)}")
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise InputError(f"disc.grid: expected [rows, columns], each at least 1, found {list(self.grid)}")
        if self.width % self.heads:
            raise InputError(f"disc.width={self.width} is not a multiple of disc.heads={self.heads}")


class TokenEncoder(nn.Module):
    """Encodes tokens with their positions into one vector of length 1; tokens are ids or probabilities over ids."""

    def __init__(self, num_tokens: int, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(num_tokens, config.width)
        nn.init.normal_(self.table.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, 4 * config.width, config.dropout, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(config.width)
        self.project = nn.Linear(config.width, config.width)

    def embed(self, tokens: Int[Tensor, "B L"] | Float[Tensor, "B L W"]) -> Float[Tensor, "B L D"]:
        """The rows of the table for ids; their weighted means for probabilities."""
        return tokens @ self.table.weight if tokens.is_floating_point() else self.table(tokens)

    def forward(
        self,
        vectors: Float[Tensor, "B L D"],
        positions: Float[Tensor, "L D"],
        present: Bool[Tensor, "B L"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Averages the encoded tokens that are present (all where None) and projects onto the unit sphere."""
        states = self.encode(vectors + positions, None if present is None else ~present)
        if present is None:
            pooled = states.mean(dim=1)
        else:
            weight = present[..., None].to(states.dtype)
            pooled = (states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
        return F.normalize(self.project(pooled), dim=-1)

    def encode(
        self, tokens: Float[Tensor, "B L D"], absent: Bool[Tensor, "B L"] | None
    ) -> Float[Tensor, "B L D"]:
        """The layers; on a CPU in their own precision, as torch's attention goes backward through bf16 slowly there."""
        with torch.autocast("cpu", enabled=False) if tokens.device.type == "cpu" else nullcontext():
            return self.norm(self.layers(tokens.to(self.table.weight.dtype), src_key_padding_mask=absent))


class Discriminator(nn.Module):
    """Scores how well a sentence and a picture match.

    D(E, V) = σ(score): the cosine of the two encoders' vectors, with a learned scale and offset, as in contrastive
    text–image training. Both arguments may be ids or probabilities over ids, so that gradients reach a choice.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        rows, columns = config.grid
        self.text_encoder = TokenEncoder(config.num_words, config)
        self.image_encoder = TokenEncoder(config.num_codes, config)
        self.text_positions = nn.Parameter(torch.randn(config.text_length + 1, config.width) * 0.02)
        self.row_positions = nn.Parameter(torch.randn(rows, 1, config.width) * 0.02)
        self.column_positions = nn.Parameter(torch.randn(1, columns, config.width) * 0.02)
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        self.offset = nn.Parameter(torch.tensor(0.0))

    def encode_text(
        self, words: Int[Tensor, "B S"] | Float[Tensor, "B S W"], present: Bool[Tensor, "B S"] | None = None
    ) -> Float[Tensor, "B D"]:
        """One vector a sentence; ``present`` is True where there is a word (by default wherever it is not PAD)."""
        if present is None:
            ids = words.argmax(dim=-1) if words.is_floating_point() else words
            present = ids != PAD
        return self.text_encoder(self.text_encoder.embed(words), self.text_positions, present)

    def encode_image(self, codes: Int[Tensor, "B M"] | Float[Tensor, "B M K"]) -> Float[Tensor, "B D"]:
        """One vector a picture."""
        return self.image_encoder(self.image_encoder.embed(codes), self.image_positions())

    def image_positions(self) -> Float[Tensor, "M D"]:
        """The sum of row and column vector for every cell of the grid, row by row."""
        return (self.row_positions + self.column_positions).flatten(0, 1)

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
        present: Bool[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, " B"]:
        """Match logits of B pairs; their sigmoid is D(E, V)."""
        return self.score(self.encode_text(words, present), self.encode_image(codes))

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
