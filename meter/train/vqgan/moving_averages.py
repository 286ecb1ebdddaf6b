"""The codebook as moving averages of what chose its codes, in place of a gradient (van den Oord et al. 2017, A.1)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.vq.codebook import Codebook

SMOOTHING = 1e-5
"""Added to every code's size, so that the size of a code that no point chooses is not zero (Laplace)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointsByCode:
    """sizes: how many points chose each code.  sums: the sum of those points."""

    sizes: Float[Tensor, "K"]
    sums: Float[Tensor, "K C"]


def sum_by_code(points: Float[Tensor, "N C"], codes: Int[Tensor, "B M"], num_codes: int) -> PointsByCode:
    """Counts and adds up the points that chose each code."""
    sizes = torch.bincount(codes.flatten(), minlength=num_codes).to(points.dtype)
    sums = points.new_zeros(num_codes, points.shape[1]).index_add_(0, codes.flatten(), points)
    return PointsByCode(sizes=sizes, sums=sums)


class MovingAverages:
    """Moves a codebook's vectors to the mean of the points that recently chose them.

    After every step Nᵢ ← γ Nᵢ + (1 − γ) nᵢ and mᵢ ← γ mᵢ + (1 − γ) Σ z, where nᵢ points z chose code i; then
    eᵢ = mᵢ / Nᵢ (eqs. 6 to 8). The codebook's vectors must get no gradient (``requires_grad_(False)``).

    sizes: N (K,).  sums: m (K, C).
    """

    def __init__(self, codebook: Codebook, decay: float) -> None:
        self.codebook, self.decay = codebook, decay
        self.sizes = torch.ones(codebook.num_codes, device=codebook.vectors.device)
        self.sums = codebook.vectors.detach().clone()

    @torch.no_grad()
    def update(self, points: PointsByCode) -> None:
        """Takes the points of one step, over all processes."""
        self.sizes.lerp_(points.sizes, 1 - self.decay)
        self.sums.lerp_(points.sums, 1 - self.decay)
        total = self.sizes.sum()
        smoothed = (self.sizes + SMOOTHING) / (total + len(self.sizes) * SMOOTHING) * total
        self.codebook.vectors.copy_(self.sums / smoothed[:, None])

    @torch.no_grad()
    def restart(self, moved: Bool[Tensor, "K"]) -> None:
        """Starts the averages of moved codes afresh at their new vectors, as if one point had chosen each."""
        self.sizes[moved] = 1.0
        self.sums[moved] = self.codebook.vectors[moved]

    def state_dict(self) -> dict[str, Tensor]:
        return {"sizes": self.sizes, "sums": self.sums}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.sizes.copy_(state["sizes"])
        self.sums.copy_(state["sums"])
