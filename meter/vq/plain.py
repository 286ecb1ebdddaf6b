"""An encoder and a decoder of convolutions and ReLU alone, for short trainings on a processor.

taming's blocks normalize groups of channels and use Swish. In layers as narrow as a processor can train, that takes
more time than the convolutions, and keeps them from half precision. A residual block whose last weights begin at zero
needs neither to learn quickly (SkipInit: De & Smith 2020).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(ReLU(x)))), 3 × 3; at first it is x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.conv1.weight)
        for zero in (self.conv1.bias, self.conv2.weight, self.conv2.bias):
            assert zero is not None
            nn.init.zeros_(zero)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        return x + self.conv2(functional.relu(self.conv1(functional.relu(x))))


class PositionMaps(nn.Module):
    """Adds a learned vector at each position of the grid, then what the position's own linear map makes of the sum.

    Photos of one kind have their things at the same positions: what a code means may depend on where it stands.
    The maps are zero at first.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(0.02 * torch.randn(channels, side, side))
        self.maps = nn.Parameter(torch.zeros(side**2, channels, channels))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        x = x + self.vectors
        # Position by position: (h·w, B, C) times (h·w, C, C).
        mapped = x.flatten(2).permute(2, 0, 1) @ self.maps
        return x + mapped.permute(1, 2, 0).reshape(x.shape)


class PlainEncoder(nn.Module):
    """Folded photos (B, in_channels, s, s) to (B, out_channels, side, side).

    widths: channels of each resolution level; each level after the first halves the resolution.
    side: of the grid of codes.  blocks: residual blocks per level; the last level has one more,
        after the maps of the positions.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, widths: list[int], blocks: int, side: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(in_channels, widths[0], 3, padding=1)]
        for level, width in enumerate(widths):
            if level:
                layers.append(nn.Conv2d(widths[level - 1], width, 2, stride=2))
            layers += [ResidualBlock(width) for _ in range(blocks)]
        layers += [PositionMaps(widths[-1], side), ResidualBlock(widths[-1])]
        self.layers = nn.Sequential(*layers)
        self.conv_out = nn.Conv2d(widths[-1], out_channels, 1)

    def forward(self, images: Float[Tensor, "B C s s"]) -> Float[Tensor, "B D h w"]:
        return self.conv_out(self.layers(images))


class PlainDecoder(nn.Module):
    """The way back: (B, in_channels, side, side) to folded photos (B, out_channels, s, s); one block more per level."""

    def __init__(
        self, in_channels: int, out_channels: int, *, widths: list[int], blocks: int, side: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, widths[-1], 3, padding=1),
            PositionMaps(widths[-1], side),
        ]
        for level in reversed(range(len(widths))):
            layers += [ResidualBlock(widths[level]) for _ in range(blocks + 1)]
            if level:
                layers += [nn.Conv2d(widths[level], 4 * widths[level - 1], 1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)
        self.conv_out = nn.Conv2d(widths[0], out_channels, 3, padding=1)

    def forward(self, vectors: Float[Tensor, "B D h w"]) -> Float[Tensor, "B C s s"]:
        return self.conv_out(functional.relu(self.layers(vectors)))
