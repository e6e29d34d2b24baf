"""Hand-made features by openSMILE: statistics of pitch, loudness, spectrum and voice quality over a clip.

The feature sets are ComParE 2016 (Schuller et al., Interspeech 2016; Weninger et al., Frontiers in Psychology
4, 2013) and eGeMAPS (Eyben et al., IEEE Transactions on Affective Computing 7(2), 2016), as openSMILE gives
them (Eyben, Wöllmer and Schuller, ACM Multimedia 2010).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affekt.errors import MissingExtraError
from affekt.geometry import SAMPLE_RATE

MIN_SAMPLES = 960
"""One window of 60 ms: of less, openSMILE says nothing."""

_LOUDEST = 1 - 2**-15
"""openSMILE hears 16 bits: a sample of 1 or more would turn over into the loudest negative one."""


def functionals(samples: NDArray[np.float32], features: str) -> NDArray[np.float32]:
    """The functionals of one clip [count], finite; float32 [samples] at 16 kHz in, at least one sample.

    What is shorter than `MIN_SAMPLES` gets silence behind it. A functional that is not defined is 0.

    Raises:
        MissingExtraError: openSMILE is not installed.
    """
    extractor = _extractor(features)
    if len(samples) < MIN_SAMPLES:
        samples = np.pad(samples, (0, MIN_SAMPLES - len(samples)))
    heard = np.clip(samples, -1, _LOUDEST)
    values = extractor.process_signal(heard, SAMPLE_RATE).to_numpy(np.float32)[0]
    return np.asarray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def version() -> str:
    """openSMILE's version: another one may give other functionals.

    Raises:
        MissingExtraError: it is not installed.
    """
    return str(_opensmile().__version__)


@functools.cache
def _extractor(features: str) -> Any:
    opensmile = _opensmile()
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[features],
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
        multiprocessing=False,
    )


def _opensmile() -> Any:
    try:
        import opensmile
    except ImportError:
        raise MissingExtraError("the baseline opensmile-svm", "baseline") from None
    return opensmile
