"""What moves the codes besides the optimizer: their first vectors, moving averages, and the revival of unused ones."""

from typing import TYPE_CHECKING, Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.train.vqgan.moving_averages import MovingAverages, PointsByCode, sum_by_code
from meter.vq.codebook import Codebook, count_codes

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class CodebookTraining:
    """Moves a codebook's vectors alike in all processes, by what the points of all of them have chosen.

    decay: of the moving averages; None where the optimizer moves the codes.
    """

    def __init__(self, codebook: Codebook, decay: float | None, fabric: "Fabric") -> None:
        self.codebook, self.fabric = codebook, fabric
        # How often each code was chosen since the last revival.
        self.code_counts = torch.zeros(codebook.num_codes, dtype=torch.long, device=fabric.device)
        self.averages = None if decay is None else MovingAverages(codebook, decay)

    def seed(self, points: Float[Tensor, "N C"], generator: torch.Generator) -> None:
        """Moves the codes to where the untrained encoder's outputs lie: else most would never be the nearest."""
        self.codebook.seed(points, generator)
        self.code_counts.zero_()
        self._share(torch.ones_like(self.code_counts, dtype=torch.bool))

    def average(self, points: Float[Tensor, "N C"], codes: Int[Tensor, "B M"]) -> None:
        """Moves the codes to the mean of the points that recently chose them; nothing where the optimizer does."""
        if self.averages is not None:
            chosen = sum_by_code(points, codes, len(self.code_counts))
            self.averages.update(PointsByCode(sizes=self.summed(chosen.sizes), sums=self.summed(chosen.sums)))

    def count(self, codes: Int[Tensor, "B M"]) -> Int[Tensor, "K"]:
        """Counts the codes of a step of this process, returns the counts and remembers them until the next revival."""
        code_counts = count_codes(codes, len(self.code_counts))
        self.code_counts += code_counts
        return code_counts

    def revive(self, points: Float[Tensor, "N C"], generator: torch.Generator) -> int:
        """Moves the codes that no process has chosen since the last time onto points; returns how many."""
        used = self.summed(self.code_counts) > 0
        revived = self.codebook.revive(points, used, generator)
        self._share(~used)
        return revived

    def summed(self, counts: Tensor) -> Tensor:
        """These counts or sums over all processes."""
        return cast(Tensor, self.fabric.all_reduce(counts.clone(), reduce_op="sum"))

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = {"code_counts": self.code_counts}
        return state if self.averages is None else state | {"averages": self.averages.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores what ``state_dict`` returned; other entries may stand beside it."""
        self.code_counts.copy_(state["code_counts"])
        if self.averages is not None:
            self.averages.load_state_dict(state["averages"])

    def _share(self, moved: Bool[Tensor, "K"]) -> None:
        """Gives every process the codes of the first, and starts the averages of moved codes afresh."""
        self.codebook.vectors.data = self.fabric.broadcast(self.codebook.vectors.data)
        if self.averages is not None:
            self.averages.restart(moved)
