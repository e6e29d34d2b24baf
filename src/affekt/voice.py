"""Where somebody speaks: voice activity in blocks of samples, as they come.

The detector is Silero VAD 6.2 (Silero Team, https://github.com/snakers4/silero-vad, MIT), a small recurrent
network that hears 32 ms at a time and nothing of what follows. `docs/over-time.md` says what it was measured
against, and where it is wrong.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import ModelFolderError
from affekt.geometry import SAMPLE_RATE

Samples = NDArray[np.float32]

FRAME = 512
"""Samples in a frame: 32 ms."""

ONSET, RELEASE = 0.5, 0.35
"""Speech begins above the one probability and ends below the other, as the detector's authors have it."""

HANGOVER_FRAMES = 3
"""So long (0.1 s) speech goes on after its last frame: the ends of words are weak."""

_NETWORK = Path(__file__).resolve().parent / "assets" / "voice" / "silero_vad.onnx"
_SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"
_BEFORE = 64
_STATE = (2, 1, 128)


class VoiceActivity:
    """Tells, for each frame of a recording that comes in blocks, whether somebody speaks in it.

    It never looks ahead, and what it says does not depend on how the recording was cut into blocks.

    Raises:
        ModelFolderError: the detector's file is missing or was changed.
    """

    def __init__(self) -> None:
        self._session = _session()
        self._state = np.zeros(_STATE, np.float32)
        self._before = np.zeros(_BEFORE, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._speaks = False
        self._hangover = 0

    def push(self, samples: Samples) -> NDArray[np.bool_]:
        """Takes in samples, float32 at 16 kHz: whether somebody speaks in each frame that they complete."""
        heard = np.concatenate([self._rest, samples])
        whole = len(heard) - len(heard) % FRAME
        self._rest = heard[whole:]
        return np.array([self._decide(frame) for frame in heard[:whole].reshape(-1, FRAME)], np.bool_)

    def finish(self) -> NDArray[np.bool_]:
        """The last frame, which silence completes; nothing where the recording ended with a frame."""
        if not len(self._rest):
            return np.zeros(0, np.bool_)
        return self.push(np.zeros(FRAME - len(self._rest), np.float32))

    def _decide(self, frame: Samples) -> bool:
        """Whether the next frame is speech: hysteresis between two probabilities, and a hangover."""
        likely = self._probability(frame)
        if likely >= (RELEASE if self._speaks else ONSET):
            self._speaks, self._hangover = True, HANGOVER_FRAMES
            return True
        self._speaks = False
        self._hangover -= 1
        return self._hangover >= 0

    def _probability(self, frame: Samples) -> float:
        feeds = {
            "input": np.concatenate([self._before, frame])[None],
            "state": self._state,
            "sr": np.array(SAMPLE_RATE, np.int64),
        }
        likely, self._state = self._session.run(None, feeds)
        self._before = frame[-_BEFORE:]
        return float(likely[0, 0])


@functools.cache
def _session() -> Any:
    """The detector, one for all: it holds no state of its own."""
    import onnxruntime

    try:
        network = _NETWORK.read_bytes()
    except OSError as error:
        raise ModelFolderError(
            f"{_NETWORK}: {(error.strerror or str(error)).lower()}; install affekt again"
        ) from error
    if hashlib.sha256(network).hexdigest() != _SHA256:
        raise ModelFolderError(f"{_NETWORK}: not the file that affekt ships; install affekt again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
