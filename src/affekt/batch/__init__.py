"""Many inputs, each to its rows: in order, bounded in memory, resumed after a kill.

What an input and a row are is the caller's: this room knows names, rows of values, and which of them failed.
"""

from __future__ import annotations

from affekt.batch.entries import Entry, Item
from affekt.batch.failures import FailureLimit, TooManyFailuresError
from affekt.batch.on_ray import OnRay
from affekt.batch.pipeline import in_order
from affekt.batch.run import Here, Scored, Settings, to_file
from affekt.batch.shards import Shard, merge, to_shard
from affekt.batch.store import Origin

__all__ = [
    "Entry",
    "FailureLimit",
    "Here",
    "Item",
    "OnRay",
    "Origin",
    "Scored",
    "Settings",
    "Shard",
    "TooManyFailuresError",
    "in_order",
    "merge",
    "to_file",
    "to_shard",
]
