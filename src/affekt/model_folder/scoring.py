"""Runs a model's ONNX graph: waveforms in, logits and embeddings out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt import functionals
from affekt.config import ModelConfig
from affekt.errors import ModelFolderError, UsageError
from affekt.geometry import SAMPLE_RATE
from affekt.geometry.attention import AttentionGrid
from affekt.geometry.segments import SegmentGrid
from affekt.model_folder.attention import attention_grid
from affekt.model_folder.features import functional_set
from affekt.model_folder.pieces import Maps, in_pieces, piece_samples
from affekt.model_folder.segments import SEGMENTS, in_segments, local_segments
from affekt.model_folder.session import open_session, run_options
from affekt.provenance import usable_cores

INPUTS = {"samples": ("tensor(float)", 2), "lengths": ("tensor(int64)", 1)}
"""Name -> (type, rank): float32 [batch, samples] at 16 kHz, and how many of them each row truly has."""

HEARD = {"functionals": ("tensor(float)", 2)}
"""The one input of a baseline: [batch, functionals] by openSMILE, in place of samples."""

OUTPUTS = {"logits": ("tensor(float)", 2), "embedding": ("tensor(float)", 2)}
"""Name -> (type, rank): [batch, classes] and [batch, dimensions]; a graph may have more outputs."""

MAPS = {
    "attention": ("tensor(float)", 3),
    "energy": ("tensor(float)", 3),
    "map": ("tensor(float)", 4),
    "evidence": ("tensor(float)", 4),
}
"""What a graph with attention says of each position, [batch, rows, columns] last (`models.attention_fcn`)."""

MAX_THREADS = 4

_SHRINK_AFTER_SAMPLES = 60 * SAMPLE_RATE


@dataclass(frozen=True)
class Output:
    """What the network says of one clip: `logits` [classes], `embedding` [dimensions].

    `attention` [rows, columns] is how much each region of the spectrogram decided, rows from low to high
    frequency; it sums to 1, and `attention_grid` says where a position lies. None where it was not asked for
    or the system has none.
    """

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None


class Scorer:
    """An ONNX graph ready to run; safe to call from several threads.

    Clips run by themselves, or with others, best of the very same length: no time is spent on padding then.
    """

    def __init__(
        self, onnx: bytes, config: ModelConfig, threads: int | None = None, device: str = "cpu"
    ) -> None:
        """Loads the graph from bytes that `affekt.model_folder.graph.check` let pass, onto `cpu` or `cuda`.

        Raises:
            UsageError: there is no such device.
            ModelFolderError: ONNX Runtime refuses it, or its inputs and outputs are not those of a model.
            MissingExtraError: it is a baseline's, and openSMILE is not installed.
        """
        self._config = config
        self._functionals = functional_set(config)
        if self._functionals is not None:
            functionals.version()
        try:
            self._session = open_session(onnx, threads or default_threads(), device)
        except UsageError:
            raise
        except Exception as error:
            raise ModelFolderError(f"model.onnx: cannot be loaded ({_first_line(error)})") from error
        found = self._session.get_outputs()
        inputs = INPUTS if self._functionals is None else HEARD
        _check_face("input", inputs, self._session.get_inputs(), exact=True)
        _check_face("output", OUTPUTS, found, exact=False)
        self._grid = attention_grid(config)
        self._segments = local_segments(config)
        named = {one.name for one in found}
        if self._grid is not None:
            _check_face("output", {"attention": MAPS["attention"]}, found, exact=False)
            if set(MAPS) <= named:
                _check_face("output", MAPS, found, exact=False)
            elif self._grid.local:
                # Nothing to put pieces together from, such as a head of cosines: it runs whole.
                self._grid = replace(self._grid, local=False)

    @property
    def any_length(self) -> bool:
        """Whether memory stays the same however long a recording is, as `run_blocks` gives it."""
        return self._segments is not None or (self._grid is not None and self._grid.local)

    def run(
        self, samples: NDArray[np.float32], *, budget: float | None = None, attention: bool = False
    ) -> Output:
        """Scores one clip: float32 [samples] at 16 kHz, at least one sample.

        With a `budget` the network is stopped, between two operators, after so many seconds of work. With
        `attention` the map comes too, where the system has one.

        Raises:
            ModelFolderError: the network fails on it, or gives something other than finite scores.
        """
        if self._grid is not None and self._grid.local and len(samples) > piece_samples(self._grid):
            return self._run_pieces([samples], self._grid, budget, attention)
        if self._segments is not None and self._segments.count(len(samples)) > SEGMENTS:
            return self._run_segments([samples], self._segments, budget)
        names = [*OUTPUTS, *(["attention"] if attention and self._grid is not None else [])]
        logits, embedding, *maps = self._run_graph([samples], names, budget)
        if not maps:
            return self._output(logits, embedding)
        assert self._grid is not None
        return self._output(logits, embedding, _positions("attention", maps[0], self._grid, len(samples)))

    def run_many(self, clips: Sequence[NDArray[np.float32]]) -> list[Output]:
        """Scores clips together, as `run` scores each (to 1e-5 in the logits; to 1e-4 where they are padded).

        Raises:
            ModelFolderError: as `run`.
        """
        longest = max(map(len, clips))
        in_pieces = self._grid is not None and self._grid.local and longest > piece_samples(self._grid)
        if len(clips) == 1 or in_pieces or self._segments is not None:
            return [self.run(samples) for samples in clips]
        logits, embedding = self._run_graph(clips, list(OUTPUTS), None)
        rows = zip(np.split(logits, len(logits)), np.split(embedding, len(embedding)), strict=True)
        found = [self._output(*row) for row in rows]
        if len(found) != len(clips):
            raise ModelFolderError(f"model.onnx: gives {len(found)} rows for {len(clips)} clips")
        return found

    def run_blocks(self, blocks: Iterable[NDArray[np.float32]], *, attention: bool = False) -> Output:
        """Scores one clip that comes in blocks [samples], such as `audio.stream` gives, as `run` scores it.

        Raises:
            ModelFolderError: as `run`.
        """
        if self._segments is not None:
            return self._run_segments(blocks, self._segments, None)
        held, rest = [], iter(blocks)
        if self._grid is not None and self._grid.local:
            missing = piece_samples(self._grid)
            for block in rest:
                held.append(block)
                missing -= len(block)
                if missing < 0:
                    return self._run_pieces(chain(held, rest), self._grid, None, attention)
        return self.run(np.concatenate([*held, *rest]), attention=attention)

    def _run_pieces(
        self,
        blocks: Iterable[NDArray[np.float32]],
        grid: AttentionGrid,
        budget: float | None,
        attention: bool,
    ) -> Output:
        names = ["energy", "map", "evidence"]

        def run(piece: NDArray[np.float32]) -> Maps:
            found = self._run_graph([piece], names, budget)
            return Maps(
                *(_positions(name, one, grid, len(piece)) for name, one in zip(names, found, strict=True))
            )

        sums = in_pieces(blocks, grid, run)
        logits, embedding = (np.asarray(one / sums.weight) for one in (sums.logits, sums.embedding))
        return self._output(
            logits[None].astype(np.float32),
            embedding[None].astype(np.float32),
            sums.attention() if attention else None,
        )

    def _run_segments(
        self, blocks: Iterable[NDArray[np.float32]], grid: SegmentGrid, budget: float | None
    ) -> Output:
        def run(piece: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
            return tuple(self._run_graph([piece], list(OUTPUTS), budget))

        logits, embedding = in_segments(blocks, grid, run)
        return self._output(logits, embedding)

    def _run_graph(
        self, clips: Sequence[NDArray[np.float32]], names: list[str], budget: float | None
    ) -> list[NDArray[np.float32]]:
        feeds, size = self._feeds(clips), sum(map(len, clips))
        try:
            with run_options(shrink=size > _SHRINK_AFTER_SAMPLES, budget=budget) as options:
                outputs: list[NDArray[np.float32]] = self._session.run(names, feeds, options)
        except Exception as error:
            raise ModelFolderError(
                f"model.onnx: failed on {size / SAMPLE_RATE:.1f} s of audio ({_first_line(error)})"
            ) from error
        return outputs

    def _feeds(self, clips: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
        if self._functionals is not None:
            return {
                "functionals": np.stack([functionals.functionals(one, self._functionals) for one in clips])
            }
        lengths = np.array([len(one) for one in clips], np.int64)
        if len(set(lengths.tolist())) == 1:
            return {"samples": np.stack(clips), "lengths": lengths}
        samples = np.zeros((len(clips), int(lengths.max())), np.float32)
        for row, one in zip(samples, clips, strict=True):
            row[: len(one)] = one
        return {"samples": samples, "lengths": lengths}

    def _output(
        self,
        logits: NDArray[np.float32],
        embedding: NDArray[np.float32],
        attention: NDArray[np.float32] | None = None,
    ) -> Output:
        expected = (1, len(self._config.labels)), (1, self._config.embedding_size)
        if (logits.shape, embedding.shape) != expected:
            raise ModelFolderError(
                f"model.onnx: gives logits {logits.shape} and embedding {embedding.shape} "
                f"where config.json asks for {expected[0]} and {expected[1]}"
            )
        if not (np.isfinite(logits).all() and np.isfinite(embedding).all()):
            raise ModelFolderError("model.onnx: gives NaN or infinite scores")
        return Output(logits[0], embedding[0], attention)


def probabilities(logits: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float64]:
    """softmax(logits / temperature) over the last axis."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def default_threads() -> int:
    """The usable cores, at most four: short clips gain nothing from more."""
    return min(usable_cores(), MAX_THREADS)


def _check_face(
    what: str, expected: dict[str, tuple[str, int]], found: Iterable[Any], *, exact: bool
) -> None:
    faces = {node.name: (node.type, len(node.shape)) for node in found}
    for name, face in expected.items():
        if faces.get(name) != face:
            raise ModelFolderError(
                f"model.onnx: {what} '{name}' is missing or not {face[0]} of rank {face[1]}"
            )
    if exact and set(faces) != set(expected):
        raise ModelFolderError(f"model.onnx: has other {what}s than {', '.join(expected)}")


def _positions(
    name: str, values: NDArray[np.float32], grid: AttentionGrid, samples: int
) -> NDArray[np.float32]:
    """The clip's part of a map [1, ..., rows, columns]; the network may look at some silence behind it."""
    columns = grid.columns(samples)
    if values.shape[0] != 1 or values.shape[-2] != grid.rows or values.shape[-1] < columns:
        raise ModelFolderError(
            f"model.onnx: gives {name} {values.shape} where config.json asks for {grid.rows} rows and "
            f"{columns} columns"
        )
    if not np.isfinite(values).all():
        raise ModelFolderError(f"model.onnx: gives NaN or infinite {name}")
    return values[0, ..., :columns]


def _first_line(error: Exception) -> str:
    lines = str(error).split("\n")
    return ascii(lines[0][:160])[1:-1] or type(error).__name__
