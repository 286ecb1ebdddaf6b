"""The rating of NRT and NETE: layers with a sigmoid between them over the vectors of user and item."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn


class RatingPerceptron(nn.Module):
    """``layers`` times a linear map of ``width`` outputs and σ; then a linear map to one number."""

    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        sizes = [inputs, *[width] * layers]
        self.hidden = nn.ModuleList(nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(sizes))
        self.output = nn.Linear(width, 1)

    def forward(self, pairs: Float[Tensor, "B E"]) -> Float[Tensor, " B"]:
        """The rating of each pair, on no scale."""
        for layer in self.hidden:
            pairs = layer(pairs).sigmoid()
        return self.output(pairs).squeeze(1)
