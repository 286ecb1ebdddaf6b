"""The codebook: nearest code, straight-through gradient, and revival of codes that no point chooses."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional


@dataclass(kw_only=True, slots=True)
class Quantized:
    """A batch of encoded photos after quantization.

    vectors: the chosen code vectors; their gradient goes straight through to the encoder.
    codes: the code at each position of the grid, row by row.
    loss: codebook term plus β times commitment term, a scalar.
    """

    vectors: Float[Tensor, "B C h w"]
    codes: Int[Tensor, "B M"]
    loss: Float[Tensor, ""]


class Codebook(nn.Module):
    """K vectors of width C; every vector of the encoder's grid is replaced by the nearest of them.

    Loss as in van den Oord et al. 2017, eq. 3, and Esser et al. 2021, eq. 4: ‖sg[z] − e‖² + β ‖z − sg[e]‖², β on
    the encoder's commitment. (The first release of taming-transformers has β on the other term, its issue 46.)
    """

    def __init__(self, *, num_codes: int, code_width: int, beta: float) -> None:
        super().__init__()
        self.beta = beta
        self.vectors = nn.Parameter(
            torch.empty(num_codes, code_width).uniform_(-1 / num_codes, 1 / num_codes)
        )

    @property
    def num_codes(self) -> int:
        return self.vectors.shape[0]

    def forward(self, encoded: Float[Tensor, "B C h w"]) -> Quantized:
        """Quantizes the encoder's output, in 32 bits whatever the precision around it."""
        with torch.autocast(device_type=encoded.device.type, enabled=False):
            encoded = encoded.float()
            codes = self.nearest(points_of(encoded)).unflatten(0, (encoded.shape[0], -1))
            nearest = self.lookup(codes, (encoded.shape[2], encoded.shape[3]))
            codebook = functional.mse_loss(nearest, encoded.detach())
            commitment = functional.mse_loss(encoded, nearest.detach())
            vectors = encoded + (nearest - encoded).detach()
        return Quantized(vectors=vectors, codes=codes, loss=codebook + self.beta * commitment)

    def nearest(self, points: Float[Tensor, "N C"]) -> Int[Tensor, "N"]:
        """The code with the least squared distance to each point, without an (N, K, C) difference in memory."""
        # ‖p‖² is the same for every code of a point, so it does not change which is least.
        distances = self.vectors.square().sum(1) - 2 * points @ self.vectors.T
        return distances.argmin(1)

    def lookup(self, codes: Int[Tensor, "B M"], grid: tuple[int, int]) -> Float[Tensor, "B C h w"]:
        """The vectors of these codes, laid out on the grid."""
        return functional.embedding(codes, self.vectors).transpose(1, 2).unflatten(2, grid)

    @torch.no_grad()
    def seed(self, points: Float[Tensor, "N C"], generator: torch.Generator, iterations: int = 8) -> None:
        """Moves the codes to where the encoder's outputs lie: k-means (Lloyd) from randomly drawn points."""
        self.vectors.copy_(_draw(points, self.num_codes, generator))
        for _ in range(iterations):
            codes = self.nearest(points)
            sizes = torch.bincount(codes, minlength=self.num_codes)
            sums = torch.zeros_like(self.vectors).index_add_(0, codes, points)
            chosen = sizes > 0
            self.vectors[chosen] = sums[chosen] / sizes[chosen, None]

    @torch.no_grad()
    def revive(
        self, points: Float[Tensor, "N C"], used: Bool[Tensor, "K"], generator: torch.Generator
    ) -> int:
        """Moves the codes that were not ``used`` onto points of the present batch; returns how many."""
        dead = torch.nonzero(~used).squeeze(1)
        if len(dead):
            self.vectors[dead] = _draw(points, len(dead), generator)
        return len(dead)


def points_of(encoded: Float[Tensor, "B C h w"]) -> Float[Tensor, "N C"]:
    """The encoder's grid as a list of points, photo by photo, row by row."""
    return encoded.flatten(2).transpose(1, 2).flatten(0, 1)


def count_codes(codes: Int[Tensor, "..."], num_codes: int) -> Int[Tensor, "K"]:
    """How often each code occurs."""
    return torch.bincount(codes.flatten(), minlength=num_codes)


def usage(counts: Int[Tensor, "K"]) -> float:
    """The share of codes that occur at all."""
    return (counts > 0).float().mean().item()


def perplexity(counts: Int[Tensor, "K"]) -> float:
    """exp of the entropy of the codes: K where all are equally frequent, 1 where only one occurs."""
    shares = counts[counts > 0] / counts.sum()
    return torch.exp(-(shares * shares.log()).sum()).item()


def _draw(points: Float[Tensor, "N C"], count: int, generator: torch.Generator) -> Float[Tensor, "count C"]:
    """``count`` of the points, each at most once while there are enough of them."""
    order = torch.randperm(len(points), generator=generator).to(points.device)
    return points[order.repeat(-(-count // len(points)))[:count]]
