"""The ways to a map, behind one face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from affekt.audio import SAMPLE_RATE
from affekt.config import NETWORKS
from affekt.errors import MissingExtraError, UsageError
from affekt.explanation import attention, occlusion
from affekt.explanation.maps import Floats, Map
from affekt.explanation.recording import Recording
from affekt.explanation.silence import Samples
from affekt.geometry.attention import AttentionGrid
from affekt.labels import nearest
from affekt.model_folder import attention_grid, probabilities
from affekt.recognizer import Recognizer

if TYPE_CHECKING:
    from torch import nn

METHODS = ("attention", "hirescam", "gradcam", "occlusion")
"""The first that there is, is taken where none is named."""

LOOKED_INTO_SECONDS = 60.0
"""The longest stretch that goes through a network in torch as a whole: its maps must fit into memory."""
OCCLUDED_SECONDS = 30.0
"""The longest stretch that is scored again for each of its patches."""

RANDOM_SEED = 1
"""Of the weights that have learnt nothing; any but the recipe's own would do."""

_NO_NETWORK = "has no one network to look into"

Step = Callable[[], None]
Find = Callable[[Samples, int, int, Step], Map]
"""Samples, class, the most columns worth having, what to call after each run of the model -> the map."""


@dataclass(frozen=True)
class Method:
    """One way to a map.

    Fields:
        unit: of the map's values.
        piece_seconds: the longest stretch that is explained as a whole.
        steps: how often the model runs for one map: (seconds, most columns) -> runs.
        find: the map of a stretch.
        blind: the map of the same stretch by a network that has learnt nothing; None with `reason`.
        whole: the map of a recording of any length at once, in place of `find`.
    """

    name: str
    unit: str
    piece_seconds: float
    steps: Callable[[float, int], int]
    find: Find
    blind: Find | None
    reason: str | None = None
    whole: Callable[[Recording], Map] | None = None


def choose(recognizer: Recognizer, name: str | None, *, check: bool = True) -> Method:
    """The method of that name, or the first that there is; with `blind` only if it is to be checked.

    Raises:
        UsageError: there is no such method.
        MissingExtraError: it needs torch, which is not installed.
    """
    if name is not None and name not in METHODS:
        raise UsageError(f"method {name}: unknown{nearest(name, METHODS)}")
    grid = attention_grid(recognizer.config)
    if name is None:
        looked_into = recognizer.config.system in NETWORKS and find_spec("torch")
        name = "attention" if grid else "hirescam" if looked_into else "occlusion"
    match name:
        case "attention":
            return _attention(recognizer, grid, check)
        case "occlusion":
            return _occlusion(recognizer, check)
    return _gradcam(recognizer, name, grid, check)


def judge(recognizer: Recognizer) -> occlusion.Judge:
    """The scores of a recogniser, in the order of its labels."""

    def scores(samples: Samples) -> Floats:
        return probabilities(recognizer.logits([samples])[0], recognizer.config.temperature)

    return scores


def _attention(recognizer: Recognizer, grid: AttentionGrid | None, check: bool) -> Method:
    if grid is None:
        others = ", ".join(METHODS[1:])
        raise UsageError(f"method attention: {recognizer.config.system} has none; take one of {others}")

    def find(samples: Samples, index: int, most: int, step: Step) -> Map:
        step()
        return attention.attention(recognizer, [samples], grid, len(samples) / SAMPLE_RATE)

    def whole(recording: Recording) -> Map:
        return attention.attention(recognizer, recording.blocks(), grid, recording.seconds)

    def find_blind(samples: Samples, index: int, most: int, step: Step) -> Map:
        from affekt.explanation.gradcam import attention_of

        step()
        assert network is not None
        return attention_of(network, samples, grid)

    network, reason = _random_network(recognizer, check)
    blind = find_blind if network is not None else None
    once = whole if recognizer.any_length else None
    length = LOOKED_INTO_SECONDS
    return Method("attention", attention.UNIT, length, _one_run, find, blind, reason, once)


def _gradcam(recognizer: Recognizer, name: str, grid: AttentionGrid | None, check: bool) -> Method:
    from affekt.explanation import gradcam

    def finder(network: nn.Module) -> Find:
        def find(samples: Samples, index: int, most: int, step: Step) -> Map:
            step()
            return gradcam.gradcam(network, samples, index, each_cell=name == "hirescam", grid=grid)

        return find

    if recognizer.config.system not in NETWORKS:
        raise UsageError(f"method {name}: {recognizer.config.system} {_NO_NETWORK}; take occlusion")
    trained = gradcam.network_of(recognizer)
    network, reason = _random_network(recognizer, check)
    blind = finder(network) if network is not None else None
    return Method(name, gradcam.UNIT, LOOKED_INTO_SECONDS, _one_run, finder(trained), blind, reason)


def _occlusion(recognizer: Recognizer, check: bool) -> Method:
    def finder(one: occlusion.Judge) -> Find:
        return lambda samples, index, most, step: occlusion.occlusion(
            one, samples, index, most=most, step=step
        )

    def steps(seconds: float, most: int) -> int:
        return occlusion.BANDS * occlusion.columns(seconds, most)

    blind = None
    network, reason = _random_network(recognizer, check)
    if network is not None:
        from affekt.explanation.gradcam import judge_of

        blind = finder(judge_of(network, recognizer.config.temperature))
    own = finder(judge(recognizer))
    return Method("occlusion", occlusion.UNIT, OCCLUDED_SECONDS, steps, own, blind, reason)


def _random_network(recognizer: Recognizer, check: bool) -> tuple[nn.Module | None, str | None]:
    """A network that has learnt nothing, or why there is none."""
    if not check:
        return None, "not checked"
    if recognizer.config.system not in NETWORKS:
        return None, f"{recognizer.config.system} {_NO_NETWORK}"
    from affekt.explanation.gradcam import random_network

    try:
        return random_network(recognizer, RANDOM_SEED), None
    except MissingExtraError as error:
        return None, str(error)


def _one_run(seconds: float, most: int) -> int:
    return 1
