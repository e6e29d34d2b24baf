"""The network that made a mistake: the fold's own, out of its checkpoint, or one that was given."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from affekt.errors import AffektError, MissingExtraError, UsageError
from affekt.recognizer import Recognizer
from affekt.run_folder import RunFolder

Say = Callable[[str], None]
_PREFIX = "best."


class Models:
    """The networks of a run, each made ready when it is first asked for.

    A fold leaves a checkpoint and no model folder; one is made of it, in a folder that is gone when the
    block ends. `reason` says why `of` gave None, and `name` what it gave.
    """

    def __init__(
        self, run: RunFolder, labels: tuple[str, ...], given: str | Path | None, say: Say | None = None
    ) -> None:
        self.run, self.labels, self.given = run, labels, given
        self.reason, self.name = "", "The fold's model"
        self._say = say or (lambda text: None)
        self._known: dict[str, Recognizer | None] = {}
        self._reasons: dict[str, str] = {}

    def __enter__(self) -> Models:
        self._scratch = tempfile.TemporaryDirectory(prefix="affekt-report-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scratch.cleanup()

    def of(self, fold: str) -> Recognizer | None:
        """The recogniser that scored a fold's clips; None where there is none any more."""
        if self.given is not None:
            self.name, fold = f"The model {Path(self.given).name}", ""
        if fold not in self._known:
            try:
                self._known[fold] = Recognizer.load(self.given or self._made(fold), threads=1)
            except AffektError as error:
                self._known[fold], self._reasons[fold] = None, f"Not explained: {error}."
        self.reason = self._reasons.get(fold, "")
        return self._known[fold]

    def _made(self, fold: str) -> Path:
        checkpoint = self.run.fold(fold) / "checkpoint.safetensors"
        if self.run.kind != "cross-validation" or not checkpoint.is_file() or self.run.recipe is None:
            raise UsageError("no model of it is stored; give --model")
        self._say(f"making the model of fold {fold} ready")
        from affekt.training.package import package

        out = Path(self._scratch.name) / str(len(self._known))
        package(
            out, self._network(checkpoint), self.run.recipe, [], self.labels, seconds=0, metrics={}, tested=""
        )
        return out

    def _network(self, checkpoint: Path) -> Any:
        try:
            from safetensors import SafetensorError, safe_open
        except ImportError:
            raise MissingExtraError("explaining by a checkpoint", "train") from None
        from affekt.models import build

        assert self.run.recipe is not None
        network = build(self.run.recipe, len(self.labels))
        try:
            with safe_open(checkpoint, "pt") as stream:
                names = [name for name in stream.keys() if name.startswith(_PREFIX)]  # noqa: SIM118
                best = {name.removeprefix(_PREFIX): stream.get_tensor(name) for name in names}
            network.load_state_dict(best)
        except (SafetensorError, OSError, RuntimeError) as error:
            first = str(error).strip().partition("\n")[0]
            raise UsageError(f"{checkpoint.name} of the fold cannot be used ({first})") from None
        return network
