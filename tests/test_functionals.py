"""openSMILE's functionals: finite whatever is heard, and none of them wrapped around."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from affekt import functionals
from affekt.errors import MissingExtraError
from affekt.recipe import COUNTS
from tests.fixtures import toy


@pytest.mark.parametrize("kind", sorted(COUNTS))
def test_functionals_are_finite_and_differ(kind: str) -> None:
    voices = [toy.clip("anger", 1, 0.4), toy.clip("sadness", 2, 0.4), toy.speech()]
    found = [functionals.functionals(one, kind) for one in (*voices, toy.speech()[:1], 0 * voices[0])]
    assert {one.shape for one in found} == {(COUNTS[kind],)}
    assert all(np.isfinite(one).all() and one.dtype == np.float32 for one in found)
    assert all((one != found[0]).mean() > 0.5 for one in found[1:])


def test_a_sample_of_one_is_not_heard_as_minus_one() -> None:
    loud = toy.speech()[:8000] / np.abs(toy.speech()[:8000]).max()
    clipped = np.minimum(loud, np.float32(1 - 2**-15))
    assert (loud == 1).any() or (loud == -1).any()
    for one in (loud, -loud):
        heard, expected = (
            functionals.functionals(samples, "eGeMAPSv02")
            for samples in (one, np.clip(one, -1, np.float32(1 - 2**-15)))
        )
        assert np.array_equal(heard, expected)
    assert clipped.max() < 1


def test_what_is_shorter_than_a_window_gets_silence_behind_it() -> None:
    short = toy.speech()[10_000:10_500]
    longer = np.pad(short, (0, functionals.MIN_SAMPLES - len(short)))
    assert np.array_equal(
        functionals.functionals(short, "eGeMAPSv02"), functionals.functionals(longer, "eGeMAPSv02")
    )


def test_without_opensmile_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(MissingExtraError, match=r'pip install "affekt\[baseline\]"'):
        functionals.version()
