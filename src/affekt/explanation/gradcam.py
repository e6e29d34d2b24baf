"""Grad-CAM and HiResCAM: where the last convolution map holds what raises a class. They need torch.

Grad-CAM (Selvaraju et al., *Grad-CAM: visual explanations from deep networks via gradient-based
localization*, ICCV 2017, equations 1 and 2): the channels of the map are weighed by the gradient of the
class's logit, summed, and what is below 0 is dropped. The gradient is summed over the map where the paper
takes its mean: a constant factor, which makes stretches of unlike length comparable.

HiResCAM (Draelos & Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
neural networks*, arXiv:2011.08891, section 3) weighs each cell by its own gradient. Where a network does not
average its map over all of the plane, and statistics pooling keeps frequencies apart, Grad-CAM's one weight
for a channel points to cells that the network does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from affekt import model_folder, recipe
from affekt.audio import SAMPLE_RATE
from affekt.errors import MissingExtraError
from affekt.explanation.attention import placed
from affekt.explanation.maps import Floats, Map, grid_around
from affekt.explanation.silence import Samples
from affekt.model_folder import probabilities
from affekt.recognizer import Recognizer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from affekt.explanation.occlusion import Judge
    from affekt.geometry.attention import AttentionGrid

UNIT = "weighted activation"


def network_of(recognizer: Recognizer) -> nn.Module:
    """The network of a model folder in torch, with its weights.

    Raises:
        MissingExtraError: torch is not installed.
        ModelFolderError: the folder is damaged, or its weights are of another network.
    """
    torch = _torch()
    folder = model_folder.open_folder(recognizer.path)
    network = _built(recognizer, 0)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    weights = model_folder.load_weights(folder, expected)
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return network


def random_network(recognizer: Recognizer, seed: int) -> nn.Module:
    """A network of the same shape that has learnt nothing.

    Raises:
        MissingExtraError: torch is not installed.
    """
    _torch()
    return _built(recognizer, seed)


def gradcam(
    network: nn.Module,
    samples: Samples,
    index: int,
    *,
    each_cell: bool = False,
    grid: AttentionGrid | None = None,
) -> Map:
    """The map of class `index` over what goes into the network's pooling: none of its cells is below 0.

    With `each_cell` it is HiResCAM. `grid` says where the map lies for a system that has one of its own.
    """
    import torch

    seen: list[Tensor] = []

    def watch(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        # The graph starts here: nothing before it is kept for the way back.
        features = inputs[0].detach().requires_grad_()
        seen.append(features)
        return (features, *inputs[1:])

    parts: Any = network
    hook = parts.pooling.register_forward_pre_hook(watch)
    try:
        lengths = torch.tensor([len(samples)])
        spectrogram, frames = parts.frontend(torch.from_numpy(samples.copy())[None], lengths)
        logits = parts.score(spectrogram, frames)["logits"]
        (gradient,) = torch.autograd.grad(logits[0, index], seen)
    finally:
        hook.remove()
    weights = gradient if each_cell else gradient.sum((2, 3), keepdim=True)
    values = (weights * seen[0].detach()).sum(1)[0].clamp(min=0).double().numpy()
    seconds = len(samples) / SAMPLE_RATE
    if grid is not None:
        return placed(values[:, : grid.columns(len(samples))], grid, seconds)
    return _placed(parts.frontend, values, int(frames[0]), seconds)


def attention_of(network: nn.Module, samples: Samples, grid: AttentionGrid) -> Map:
    """The attention map of a network in torch."""
    import torch

    with torch.inference_mode():
        found = network(torch.from_numpy(samples.copy())[None], torch.tensor([len(samples)]))["attention"][0]
    values = found[:, : grid.columns(len(samples))].double().numpy()
    return placed(values, grid, len(samples) / SAMPLE_RATE)


def judge_of(network: nn.Module, temperature: float) -> Judge:
    """The scores of a network in torch."""
    import torch

    def judge(samples: Samples) -> Floats:
        with torch.inference_mode():
            said = network(torch.from_numpy(samples.copy())[None], torch.tensor([len(samples)]))["logits"][0]
        return probabilities(said.numpy(), temperature)

    return judge


def _placed(frontend: Any, values: Floats, frames: int, seconds: float) -> Map:
    """The map over seconds and Hz: position k of an axis lies at the frontend's k * stride."""
    middles = _band_middles(frontend.filters.double().numpy())
    stride = _stride((len(middles), frames), values.shape)
    moments = np.arange(0, frames, stride) * frontend.hop + _first_middle(frontend)
    values = values[:, : len(moments)]
    return Map(values, grid_around(moments / SAMPLE_RATE, middles[::stride], seconds))


def _stride(before: tuple[int, int], after: tuple[int, ...]) -> int:
    """By how much the convolutions have shortened both axes: the least power of two that explains it."""
    stride = 1
    while any(-(-size // stride) > left for size, left in zip(before, after, strict=True)):
        stride *= 2
    return stride


def _first_middle(frontend: Any) -> float:
    """The sample in the middle of the first frame."""
    from affekt.models.fbank import SpeechBrainFbank

    return 0.0 if isinstance(frontend, SpeechBrainFbank) else frontend.window / 2


def _band_middles(filters: Floats) -> Floats:
    """The mean frequency of each filter, in Hz, of `filters` [bins, mels]; one without bins is in between."""
    weights = filters.sum(axis=0)
    hertz = np.linspace(0, SAMPLE_RATE / 2, len(filters)) @ filters / np.where(weights > 0, weights, 1)
    known, places = weights > 0, np.arange(len(weights))
    return np.asarray(np.interp(places, places[known], hertz[known]), np.float64)


def _built(recognizer: Recognizer, seed: int) -> nn.Module:
    import torch

    from affekt.models import build

    config = recognizer.config
    made = recipe.parse(config.recipe, f"{recognizer.path}: config.json").model_copy(update={"seed": seed})
    with torch.random.fork_rng(devices=[]):
        network = build(made, len(config.labels))
    return network.eval().requires_grad_(False)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("looking into a network", "train") from None
    return torch
