"""The emotion in what a microphone hears, while it is spoken."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt import audio
from affekt.errors import MissingExtraError, UsageError
from affekt.recognizer import Recognizer
from affekt.timeline import SMOOTHING, TimelineScorer, Window

BEHIND_SECONDS = 10.0
"""So far scoring may fall behind the microphone before `listen` gives up."""

_PATIENCE_SECONDS = 5.0
_BLOCK_SECONDS = 0.05


def listen(
    model: str | os.PathLike[str] | Recognizer = "default",
    *,
    window: float = 2.0,
    hop: float | None = 0.5,
    smoothing: float = SMOOTHING,
    device: str | int | None = None,
    seconds: float | None = None,
    threads: int | None = None,
) -> Iterator[Window]:
    """Listens to a microphone and gives each window as soon as it has ended; nothing is kept.

    It ends after `seconds`, or when the iterator is closed. A window in which nobody speaks is `no_speech`.

    Args:
        model: a known name, the path of a model folder, or a recogniser that is already loaded.
        window: seconds of a window, at least 0.1.
        hop: seconds from one to the next, at most a window; half a window where None.
        smoothing: seconds over which windows lean on those before; 0: none does.
        device: a microphone's number or part of its name; the system's default one if not given.
        seconds: how long to listen; for ever if not given.
        threads: processor threads for scoring.

    Raises:
        MissingExtraError: `affekt[mic]` is not installed.
        UsageError: no microphone, or scoring that is slower than speech.
        ModelFolderError: the model folder is damaged or not to be trusted.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model, threads=threads)
    scorer = TimelineScorer(recognizer, window, hop, smoothing=smoothing, name="microphone")
    sounddevice = _sounddevice()
    rate = _rate(sounddevice, device)
    return _windows(sounddevice, device, rate, scorer, seconds)


def _windows(
    sounddevice: Any, device: str | int | None, rate: int, scorer: TimelineScorer, seconds: float | None
) -> Iterator[Window]:
    blocks: queue.SimpleQueue[NDArray[np.float32]] = queue.SimpleQueue()
    resampler = audio.Resampler(rate)
    # PortAudio calls this in a thread of its own that must never wait.
    try:
        stream = sounddevice.InputStream(
            samplerate=rate,
            channels=1,
            dtype="float32",
            device=device,
            blocksize=round(_BLOCK_SECONDS * rate),
            callback=lambda block, *_: blocks.put(block[:, 0].copy()),
        )
    except (ValueError, sounddevice.PortAudioError) as error:
        raise _no_microphone(error) from error
    with stream:
        while seconds is None or scorer.seconds < seconds:
            yield from scorer.push(resampler.push(_next(blocks)))
            if blocks.qsize() * _BLOCK_SECONDS > BEHIND_SECONDS:
                raise UsageError(
                    f"microphone: scoring is {BEHIND_SECONDS:g} s behind; give a longer hop or smaller model"
                )


def _next(blocks: queue.SimpleQueue[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The next block; waits in short steps, so that Ctrl-C is heard."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            return blocks.get(timeout=0.1)
        except queue.Empty:
            continue
    raise UsageError(f"microphone: silent for {_PATIENCE_SECONDS:g} s; see that it is plugged in and allowed")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError("listening to a microphone", "mic") from error
    except OSError as error:
        raise UsageError(
            f"microphone: {error}; install PortAudio with the system's packages (such as libportaudio2)"
        ) from error
    return sounddevice


def _rate(sounddevice: Any, device: str | int | None) -> int:
    """The microphone's own rate in Hz: not all of them can do 16 kHz."""
    try:
        found = sounddevice.query_devices(device, "input")
    except (ValueError, sounddevice.PortAudioError) as error:
        raise _no_microphone(error) from error
    rate: int = round(float(found["default_samplerate"]))
    audio.Limits().check_format("microphone", rate, 1)
    return rate


def _no_microphone(error: Exception) -> UsageError:
    problem = " ".join(str(error).split())
    return UsageError(f"microphone: {problem}; plug one in, or name another with --device")
