"""A small world whose truth is known, so that faithfulness can be measured."""

from meter.world.images.oracle import read_image
from meter.world.text.oracle import read_text
from meter.world.truth import Truth
from meter.world.world import WorldConfig, write_world

__all__ = ["Truth", "WorldConfig", "read_image", "read_text", "write_world"]
