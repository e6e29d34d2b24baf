"""Which trackers a verb tells, and runs that are over told to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from affekt.errors import AffektError
from affekt.run_folder import open_run
from affekt.tracking import Tracker, send, trackers
from affekt.tracking.contents import KINDS, contents


def listeners(track: Sequence[str]) -> list[Tracker]:
    """The trackers that this process tells: of several processes, the first one tells all.

    Raises:
        UsageError: one is not `tensorboard:DIR` or `mlflow:URI`.
        MissingExtraError: TensorBoard is not installed.
    """
    from affekt.training import distributed

    named = trackers(track)
    return named if distributed.launched_rank() == 0 else []


def tell(folder: Path, name: str, told: Sequence[Tracker], say: Callable[[str], None]) -> str | None:
    """Tells of a run that is over: `sent`, `known`, `running` or `error: ...`; None where there is none."""
    try:
        run = open_run(folder)
        if run.kind not in KINDS:
            return None
        if run.state == "running":
            return "running"
        found = contents(run, name)
    except (AffektError, OSError) as error:
        return f"error: {' '.join(str(error).split())}"
    said = "known"
    for tracker in told:
        try:
            if send(found, folder, tracker):
                say(f"{name}: sent to {tracker.target}")
                said = "sent" if said == "known" else said
        except (AffektError, OSError) as error:
            said = f"error: {' '.join(str(error).split())}"
    return said
