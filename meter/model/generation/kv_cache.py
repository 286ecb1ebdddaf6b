"""What decoding keeps of the slots so far: the keys and values of a layer."""

from jaxtyping import Float, Int
from torch import Tensor


class LayerCache:
    """Keys and values of one layer, in memory that is allocated once and filled from the left, in place.

    It is allocated with the first keys and values and has their types, which autocast decides.

    length: slots that the memory holds.
    """

    keys: Float[Tensor, "B H T dh"]
    values: Float[Tensor, "B H T dh"]

    def __init__(self, length: int) -> None:
        self.length = length
        self.filled = 0
        self.rows = 0

    @property
    def seen_keys(self) -> Float[Tensor, "B H T dh"]:
        """Keys of the filled slots of the examples that are still added to; a view."""
        return self.keys[: self.rows, :, : self.filled]

    @property
    def seen_values(self) -> Float[Tensor, "B H T dh"]:
        """Values of the same; a view."""
        return self.values[: self.rows, :, : self.filled]

    def extend(self, keys: Float[Tensor, "B H Q dh"], values: Float[Tensor, "B H Q dh"]) -> None:
        """Adds the keys and values of the next Q slots of the first B examples."""
        self.rows, heads, num_slots, width = keys.shape
        if not self.filled:
            # Zeros, as a slot that nothing is written to has weight 0, and 0 × NaN is NaN.
            self.keys, self.values = (
                each.new_zeros(self.rows, heads, self.length, width) for each in (keys, values)
            )
        end = self.filled + num_slots
        self.keys[: self.rows, :, self.filled : end] = keys
        self.values[: self.rows, :, self.filled : end] = values
        self.filled = end

    def rearrange(self, rows: Int[Tensor, " R"], sources: Int[Tensor, " R"]) -> None:
        """Copies the filled slots of the source rows into the given rows."""
        for block in (self.keys, self.values):
            block[rows, :, : self.filled] = block[sources, :, : self.filled]

    def select_rows(self, rows: Int[Tensor, " R"], length: int) -> "LayerCache":
        """A copy of the given rows, in memory for ``length`` slots."""
        taken = LayerCache(length)
        taken.extend(self.keys[rows, :, : self.filled], self.values[rows, :, : self.filled])
        return taken


class FixedLayerCache(LayerCache):
    """The same memory for steps whose shapes and addresses never change, so that one can be captured.

    All slots are shown: a mask hides those to come.

    slot: where the next keys and values are written; the caller moves it on, in place.
    """

    def __init__(self, cache: LayerCache, slot: Int[Tensor, "1"]) -> None:
        super().__init__(cache.length)
        self.keys, self.values = cache.keys, cache.values
        self.slot = slot

    @property
    def seen_keys(self) -> Float[Tensor, "B H T dh"]:
        """Keys of all slots."""
        return self.keys

    @property
    def seen_values(self) -> Float[Tensor, "B H T dh"]:
        """Values of all slots."""
        return self.values

    def extend(self, keys: Float[Tensor, "B H 1 dh"], values: Float[Tensor, "B H 1 dh"]) -> None:
        """Writes one slot of all examples."""
        self.keys.index_copy_(2, self.slot, keys)
        self.values.index_copy_(2, self.slot, values)
