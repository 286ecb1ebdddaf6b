"""Where metrics go besides the run folder: Weights & Biases, TensorBoard."""

from meter.tracking.config import LogConfig, Wandb
from meter.tracking.tracker import Picture, Tracker
from meter.tracking.trackers import Trackers, check_trackers, open_trackers

__all__ = ["LogConfig", "Picture", "Tracker", "Trackers", "Wandb", "check_trackers", "open_trackers"]
