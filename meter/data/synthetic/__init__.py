"""A small world where the truth is known, so that faithfulness is measured and not guessed."""

from meter.data.synthetic.oracle_image import read_image
from meter.data.synthetic.oracle_text import read_text
from meter.data.synthetic.truth import Truth
from meter.data.synthetic.world import WorldConfig, write_world

__all__ = ["Truth", "WorldConfig", "read_image", "read_text", "write_world"]
