"""Where runs are told: `tensorboard:DIR` and `mlflow:URI`."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from affekt.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from affekt.tracking.sending import Tracker


def trackers(targets: Sequence[str]) -> list[Tracker]:
    """The trackers that are named, each once, in order.

    Raises:
        UsageError: one is not `tensorboard:DIR` or `mlflow:URI`, or the address has a password in it.
        MissingExtraError: TensorBoard is not installed.
    """
    return [_tracker(one) for one in dict.fromkeys(targets)]


def _tracker(target: str) -> Tracker:
    kind, colon, place = target.partition(":")
    if kind == "tensorboard" and place:
        if importlib.util.find_spec("tensorboard") is None or importlib.util.find_spec("torch") is None:
            raise MissingExtraError("--track tensorboard", "track")
        from affekt.tracking.tensorboard import TensorBoard

        return TensorBoard(target, Path(place))
    if kind == "mlflow" and colon:
        from affekt.tracking.mlflow import Mlflow

        return Mlflow(target, _address(place))
    raise UsageError(f"--track {target}: no tracker; write tensorboard:DIR or mlflow:http://HOST:PORT")


def _address(place: str) -> str:
    """The address of a server; one with a password in it would stand in `run.json`, and is refused."""
    try:
        parts = urlsplit(place)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not place.isascii():
        raise UsageError(
            f"--track mlflow:{place}: not the address of a server; start one with `mlflow server` and write "
            "mlflow:http://HOST:PORT"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"--track mlflow:{parts.scheme}://...@{parts.hostname}: leave name and password out of the "
            "address; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        )
    return place.rstrip("/")
