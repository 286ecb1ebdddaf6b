"""Which trackers a run has, and what they are told."""

from dataclasses import dataclass
from enum import Enum

from meter.enum_fields import EnumFields


class Wandb(Enum):
    """Whether metrics go to Weights & Biases."""

    disabled = "disabled"
    offline = "offline"
    """Files in the run folder, to be synced later."""
    online = "online"
    """To its server; needs a key that ``wandb login`` or WANDB_API_KEY has left."""


@dataclass(kw_only=True, slots=True)
class LogConfig(EnumFields):
    """Where metrics go besides the run folder."""

    wandb: Wandb = Wandb.disabled
    """W&B off, offline or online."""
    project: str = "meter"
    """W&B project."""
    group: str = ""
    """W&B group, under which it puts the runs of a sweep together; by default dataset and name of the run."""
    tensorboard: bool = False
    """Whether event files for TensorBoard are written into the run folder; needs no account."""
    cards: int = 8
    """Cards, and reconstructions of held-out photos, that are sent as pictures."""
    generations: int = 200
    """Rows of the table of generations that is sent."""
