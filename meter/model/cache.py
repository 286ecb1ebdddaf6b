"""What decoding keeps of the slots so far: the keys and values of a layer."""

from jaxtyping import Float, Int
from torch import Tensor


class LayerCache:
    """Keys and values of one layer, in memory that is taken once and filled from the left, in place.

    The memory is taken when the first keys come, and of their type: autocast decides about it.

    length: slots that there is room for.
    """

    block: Float[Tensor, "2 B H T dh"]

    def __init__(self, length: int) -> None:
        self.length = length
        self.filled = 0
        self.rows = 0

    @property
    def seen(self) -> Float[Tensor, "2 B H T dh"]:
        """Keys and values of the filled slots of the examples that are still added to; a view."""
        return self.block[:, : self.rows, :, : self.filled]

    def extend(self, added: Float[Tensor, "2 B H Q dh"]) -> None:
        """Adds the keys and values of the next Q slots of the first B examples."""
        _, self.rows, heads, num_slots, width = added.shape
        if not self.filled:
            # Zeros, as a slot that nothing is written to has weight 0, and 0 × NaN is NaN.
            self.block = added.new_zeros(2, self.rows, heads, self.length, width)
        end = self.filled + num_slots
        self.block[:, : self.rows, :, self.filled : end] = added
        self.filled = end

    def rearrange(self, rows: Int[Tensor, " R"], sources: Int[Tensor, " R"]) -> None:
        """Puts into the given rows what stands in others."""
        self.block[:, rows, :, : self.filled] = self.block[:, sources, :, : self.filled]

    def take(self, rows: Int[Tensor, " R"], length: int) -> "LayerCache":
        """A copy of the given rows with room for ``length`` slots."""
        taken = LayerCache(length)
        taken.extend(self.block[:, rows, :, : self.filled])
        return taken


class FixedLayerCache(LayerCache):
    """The same memory for steps of which no shape and no address may change, so that one can be captured.

    All slots are shown: a mask hides those to come.

    slot: where the next keys and values are written; the caller moves it on, in place.
    """

    def __init__(self, cache: LayerCache, slot: Int[Tensor, "1"]) -> None:
        super().__init__(cache.length)
        self.block = cache.block
        self.slot = slot

    @property
    def seen(self) -> Float[Tensor, "2 B H T dh"]:
        """Keys and values of all slots."""
        return self.block

    def extend(self, added: Float[Tensor, "2 B H 1 dh"]) -> None:
        """Writes one slot of all examples."""
        self.block.index_copy_(3, self.slot, added)
