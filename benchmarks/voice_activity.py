"""Voice activity on real speech with known pauses: how much of it is missed, how much of them taken for it.

    python benchmarks/voice_activity.py --data /path/to/data [--clips 40] [--peer]

Speakers of LibriSpeech, nEMO and RAVDESS (emotional speech; the quiet at the clips' ends cut off) stand
between pauses of 2 to 4 s. Silence, white and pink noise, mains hum, or chords of harmonics lie under all
of it, at several levels. The truth is where the clips are; pauses within a clip count as speech, so that
some of it is missed by right. Miss: the share of speech not found. False alarm: the share of pauses taken
for speech, from half a second after a clip's end, as no detector that hears only the past can know at once
that a word was the last. `details` has the same for windows of 2 s as `affekt.timeline` decides them: those
within a clip, and those within a pause.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _record import record
from numpy.typing import NDArray

from affekt import audio
from affekt.timeline import LEAST_SPEECH_SECONDS
from affekt.voice import FRAME, VoiceActivity

Samples = NDArray[np.float32]
RATE = audio.SAMPLE_RATE
GRACE_SECONDS = 0.5
LEVELS_DB = (0.0, -20.0, -40.0)
"""Of the speech against -20 dBFS."""
SNR_DB = {
    "silence": (None,),
    "white": (20, 10, 0),
    "pink": (20, 10, 0),
    "hum": (20, 10, 0),
    "chords": (20, 10, 0),
}
PATTERNS = {
    "librispeech": "librispeech-mini/test-other/*/*/*.opus",
    "nemo": "nemo/samples/*.opus",
    "ravdess": "ravdess/*/*.opus",
}
RATES = ("miss", "false_alarm", "windows.miss", "windows.false_alarm")
WINDOW, HOP = 2 * RATE, RATE

Detector = Callable[[Samples], NDArray[np.bool_]]


def main() -> None:
    arguments = _arguments()
    started = time.perf_counter()
    detectors: dict[str, Detector] = {"affekt": _affekt}
    if arguments.peer:
        detectors["webrtc"] = _webrtc
    figures: dict[str, float] = {}
    details: dict[str, Any] = {"clips": arguments.clips, "grace_s": GRACE_SECONDS}
    for name, detect in detectors.items():
        seconds = spent = 0.0
        details[name] = {}
        rates: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
        for corpus, level, kind, snr, samples, truth in _scenes(arguments):
            began = time.process_time()
            frames = detect(samples)
            spent += 1000 * (time.process_time() - began)
            seconds += len(samples) / RATE
            for key in (kind if snr is None else f"{kind}.snr{snr}", corpus, f"level{level:g}"):
                rates[key].append(_rates(frames, truth))
        several = [one for key in rates if key in PATTERNS for one in rates[key]]
        for key, found in {"all": several, **rates}.items():
            means = [round(float(one), 4) for one in np.mean(found, axis=0)]
            details[name][key] = dict(zip(RATES, means, strict=True)) | {"scenes": len(found)}
            if name == "affekt" or key == "all":
                figures |= {f"voice_activity.{name}.{key}.{RATES[at]}": means[at] for at in (0, 1)}
        figures[f"voice_activity.{name}.ms_per_s"] = round(spent / seconds, 2)
    for key, value in figures.items():
        print(f"{key}: {value}")
    record("voice_activity", figures, details, started)


def _scenes(
    arguments: argparse.Namespace,
) -> Iterator[tuple[str, float, str, int | None, Samples, NDArray[np.bool_]]]:
    """Corpus, level, kind of background, ratio of speech to it in dB, samples, which of them are speech."""
    for corpus, pattern in PATTERNS.items():
        paths = sorted(arguments.data.glob(pattern))
        random = np.random.default_rng(0)
        chosen = [paths[at] for at in random.permutation(len(paths))[: arguments.clips]]
        clips = [_speech(path) for path in chosen]
        for number, (kind, ratios) in enumerate(SNR_DB.items()):
            for ratio in ratios:
                scene, truth = _between(clips, np.random.default_rng(number))
                background = _background(kind, len(scene), np.random.default_rng(number))
                for level in LEVELS_DB if kind == "silence" else (0.0,):
                    gain = 10 ** ((level - 20) / 20) / np.sqrt(np.mean(scene[truth] ** 2))
                    noise = 0.0 if ratio is None else 10 ** ((-20 - ratio) / 20)
                    yield (
                        corpus,
                        level,
                        kind,
                        ratio,
                        (gain * scene + noise * background).astype(np.float32),
                        truth,
                    )


def _speech(path: Path) -> Samples:
    """A clip at one level, without the quiet at its ends."""
    samples = audio.read(path)
    power = np.convolve(samples**2, np.full(400, 1 / 400), "same")
    loud = np.flatnonzero(power > 1e-3 * power.max())
    kept = samples[loud[0] : loud[-1] + 1]
    return np.asarray(kept / np.sqrt(np.mean(kept**2)), np.float32)


def _between(clips: list[Samples], random: np.random.Generator) -> tuple[Samples, NDArray[np.bool_]]:
    parts, truth = [], []
    for clip in clips:
        pause = np.zeros(int(random.uniform(2, 4) * RATE), np.float32)
        parts += [pause, clip]
        truth += [np.zeros(len(pause), bool), np.ones(len(clip), bool)]
    return np.concatenate(parts), np.concatenate(truth)


def _background(kind: str, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """What is no speech, at a mean power of 1."""
    at = np.arange(count) / RATE
    if kind == "hum":
        sound = sum(np.sin(2 * np.pi * 50 * k * at + k) / k for k in (1, 2, 3, 4, 5, 7, 10))
    elif kind == "chords":
        sound = np.zeros(count)
        for start in range(0, count, RATE // 2):
            piece = at[start : start + RATE // 2]
            for tone in random.choice(
                [130.8, 164.8, 196.0, 220.0, 261.6, 293.7, 329.6, 392.0], 3, replace=False
            ):
                fade = np.exp(-3 * (piece - piece[0]))
                sound[start : start + len(piece)] += fade * sum(
                    np.sin(2 * np.pi * k * tone * piece) / k for k in range(1, 7)
                )
    elif kind == "pink":
        spectrum = np.fft.rfft(random.standard_normal(count))
        sound = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1.0), count)
    else:
        sound = random.standard_normal(count)
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))))


def _rates(frames: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Miss and false alarm of frames, then of windows."""
    whole: NDArray[np.bool_] = truth[: len(truth) // FRAME * FRAME].reshape(-1, FRAME)
    frames = np.asarray(frames[: len(whole)])
    speech, pause = whole.all(axis=1), ~whole.any(axis=1)
    ended = np.convolve(~pause, np.ones(int(GRACE_SECONDS * RATE / FRAME) + 1), "full")[: len(whole)] > 0
    quiet = pause & ~ended
    least = LEAST_SPEECH_SECONDS * RATE
    missed: list[bool] = []
    alarms: list[bool] = []
    for start in range(0, len(truth) - WINDOW, HOP):
        first, last = -(-start // FRAME), (start + WINDOW) // FRAME
        spoken = frames[first:last].sum() * FRAME >= least
        if truth[start : start + WINDOW].all():
            missed.append(not bool(spoken))
        elif quiet[first:last].all():
            alarms.append(bool(spoken))
    share = [float(np.mean(one)) if len(one) else 0.0 for one in (missed, alarms)]
    return float(np.mean(~frames[speech])), float(np.mean(frames[quiet])), share[0], share[1]


def _affekt(samples: Samples) -> NDArray[np.bool_]:
    detector = VoiceActivity()
    return np.concatenate([detector.push(samples), detector.finish()])


def _webrtc(samples: Samples) -> NDArray[np.bool_]:
    """The peer at its strictest; it hears 10 ms, and a frame of ours is speech where half of it is."""
    import webrtcvad  # type: ignore[import-not-found]

    detector = webrtcvad.Vad(3)
    pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    told = np.array(
        [detector.is_speech(pcm[at : at + 160].tobytes(), RATE) for at in range(0, len(pcm) - 159, 160)]
    )
    each = np.repeat(told, 160)
    found: NDArray[np.bool_] = each[: len(each) // FRAME * FRAME].reshape(-1, FRAME).mean(axis=1) >= 0.5
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=40, help="of each corpus")
    parser.add_argument("--peer", action="store_true", help="also webrtcvad, which has to be installed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
