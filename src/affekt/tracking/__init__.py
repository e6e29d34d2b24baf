"""Runs told to trackers, TensorBoard and MLflow, out of what stands in the run's folder.

All that is sent is read from the folder, and a note in it says what has been. What a tracker has missed is
sent later: with the next epoch, by `--resume` or by `affekt runs`.
"""

from affekt.tracking.live import tracked
from affekt.tracking.sending import Tracker, send
from affekt.tracking.targets import trackers

__all__ = ["Tracker", "send", "tracked", "trackers"]
