"""Public checkpoints: their networks, again in plain torch under their own names; what is refused."""

from __future__ import annotations

import dataclasses
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from affekt import files
from affekt.errors import ModelFolderError, UsageError
from affekt.models import public
from affekt.models.public import PUBLIC, read_public, read_tensors, resolve
from tests.fixtures import toy
from tests.fixtures.file_server import serve

State = dict[str, Tensor]
NAMES = ("wespeaker-resnet34", "speechbrain-resnet")


class _Names:
    """Random tensors under a checkpoint's own names."""

    def __init__(self, seed: int) -> None:
        self.state: State = {}
        self.random = torch.Generator().manual_seed(seed)

    def layer(self, name: str, *shape: int, bias: bool = False) -> None:
        fan = torch.Size(shape[1:]).numel()
        self.state[f"{name}.weight"] = torch.randn(shape, generator=self.random) * (1.5 / fan) ** 0.5
        if bias:
            self.state[f"{name}.bias"] = torch.randn(shape[0], generator=self.random)

    def norm(self, name: str, size: int) -> None:
        self.state[f"{name}.weight"] = 0.8 + 0.4 * torch.rand(size, generator=self.random)
        self.state[f"{name}.bias"] = 0.2 * torch.randn(size, generator=self.random)
        self.state[f"{name}.running_mean"] = 0.2 * torch.randn(size, generator=self.random)
        self.state[f"{name}.running_var"] = 0.5 + torch.rand(size, generator=self.random)
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(1234)


def norm(state: State, name: str, values: Tensor) -> Tensor:
    weight, bias, mean, variance = (
        state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return functional.batch_norm(values, mean, variance, weight, bias)


def convolve(state: State, name: str, values: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return functional.conv2d(values, weight, stride=stride, padding=weight.shape[-1] // 2)


def blocks() -> list[tuple[int, int, int]]:
    """Stage from 1, block from 0, stride: of every ResNet-34 there is."""
    depths = enumerate((3, 4, 6, 3), start=1)
    return [(s, b, 2 if s > 1 and b == 0 else 1) for s, depth in depths for b in range(depth)]


def wespeaker_state(seed: int) -> State:
    names = _Names(seed)
    names.layer("conv1", 32, 1, 3, 3)
    names.norm("bn1", 32)
    before = 32
    for stage, block, stride in blocks():
        name, wide = f"layer{stage}.{block}", 16 * 2**stage
        names.layer(f"{name}.conv1", wide, before, 3, 3)
        names.norm(f"{name}.bn1", wide)
        names.layer(f"{name}.conv2", wide, wide, 3, 3)
        names.norm(f"{name}.bn2", wide)
        if stride == 2:
            names.layer(f"{name}.shortcut.0", wide, before, 1, 1)
            names.norm(f"{name}.shortcut.1", wide)
        before = wide
    names.layer("seg_1", 256, 5120, bias=True)
    names.layer("projection", 17, 256)
    return names.state


def wespeaker(state: State, spectrogram: Tensor) -> Tensor:
    """[frames, mels] -> [256], as wespeaker/models/resnet.py and pooling_layers.py (TSTP) have it."""
    maps = functional.relu(norm(state, "bn1", convolve(state, "conv1", spectrogram.T[None, None])))
    for stage, block, stride in blocks():
        name = f"layer{stage}.{block}"
        inner = functional.relu(norm(state, f"{name}.bn1", convolve(state, f"{name}.conv1", maps, stride)))
        inner = norm(state, f"{name}.bn2", convolve(state, f"{name}.conv2", inner))
        if stride == 2:
            maps = norm(state, f"{name}.shortcut.1", convolve(state, f"{name}.shortcut.0", maps, stride))
        maps = functional.relu(inner + maps)
    deviation = (maps.var(-1) + 1e-7).sqrt()
    pooled = torch.cat([maps.mean(-1).flatten(1), deviation.flatten(1)], dim=1)
    return functional.linear(pooled, state["seg_1.weight"], state["seg_1.bias"])[0]


def speechbrain_state(seed: int) -> State:
    names = _Names(seed)
    names.layer("conv1", 128, 1, 3, 3)
    names.norm("bn1", 128)
    before = 128
    for stage, block, stride in blocks():
        name, wide = f"layer{stage}.{block}", (128, 128, 256, 256)[stage - 1]
        for number, (size, come) in enumerate(((3, before), (3, wide), (1, wide)), start=1):
            names.norm(f"{name}.bn{number}", come)
            names.layer(f"{name}.conv{number}", wide, come, size, size)
        if stage < 3:
            names.layer(f"{name}.se.fc.0", wide, wide, bias=True)
            names.layer(f"{name}.se.fc.2", wide, wide, bias=True)
        if stride == 2 or before != wide:
            names.layer(f"{name}.downsample.0", wide, before, 1, 1)
            names.norm(f"{name}.downsample.1", wide)
        before = wide
    names.layer("attention.0", 128, 2560, 1, bias=True)
    names.norm("attention.2", 128)
    names.layer("attention.3", 2560, 128, 1, bias=True)
    names.norm("norm_stats", 5120)
    names.layer("fc_embed", 256, 5120, bias=True)
    names.norm("norm_embed", 256)
    return names.state


def speechbrain(state: State, spectrogram: Tensor) -> Tensor:
    """[frames, mels] -> [256], as speechbrain/lobes/models/ResNet.py has it: time before frequency."""
    maps = functional.relu(norm(state, "bn1", convolve(state, "conv1", spectrogram[None, None])))
    for stage, block, stride in blocks():
        name, inner = f"layer{stage}.{block}", maps
        for number in (1, 2, 3):
            inner = functional.relu(norm(state, f"{name}.bn{number}", inner))
            inner = convolve(state, f"{name}.conv{number}", inner, stride if number == 1 else 1)
        if stage < 3:
            means = inner.mean((2, 3))
            for number, squash in ((0, torch.relu), (2, torch.sigmoid)):
                layer = f"{name}.se.fc.{number}"
                means = squash(functional.linear(means, state[f"{layer}.weight"], state[f"{layer}.bias"]))
            inner = inner * means[:, :, None, None]
        if stride == 2:
            maps = norm(state, f"{name}.downsample.1", convolve(state, f"{name}.downsample.0", maps, stride))
        maps = inner + maps
    rows = maps.transpose(2, 3).flatten(1, 2)
    hidden = functional.conv1d(rows, state["attention.0.weight"], state["attention.0.bias"]).relu()
    scores = functional.conv1d(
        norm(state, "attention.2", hidden), state["attention.3.weight"], state["attention.3.bias"]
    )
    weights = scores.softmax(2)
    mean = (rows * weights).sum(2)
    deviation = ((rows**2 * weights).sum(2) - mean**2).clamp(min=1e-5).sqrt()
    pooled = norm(state, "norm_stats", torch.cat([mean, deviation], dim=1))
    embedding = functional.linear(pooled, state["fc_embed.weight"], state["fc_embed.bias"])
    return norm(state, "norm_embed", embedding)[0]


STATES: dict[str, Callable[[int], State]] = dict(
    zip(NAMES, (wespeaker_state, speechbrain_state), strict=True)
)
NETWORKS: dict[str, Callable[[State, Tensor], Tensor]] = dict(
    zip(NAMES, (wespeaker, speechbrain), strict=True)
)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each public checkpoint."""
    return str(request.param)


@pytest.fixture(scope="module")
def theirs(name: str) -> State:
    """Random weights under the checkpoint's own names."""
    return STATES[name](7)


@pytest.fixture
def saved(theirs: State, tmp_path: Path) -> Path:
    """The same as their publishers save it."""
    torch.save(theirs, tmp_path / "theirs.pt")
    return tmp_path / "theirs.pt"


def network(name: str, path: Path) -> torch.nn.Module:
    """Affekt's network with the file's weights."""
    made = public.make_network(PUBLIC[name], classes=3)
    state = read_public(name, path)
    missing, unexpected = made.load_state_dict(state, strict=False)
    assert not unexpected
    assert {one.partition(".")[0] for one in missing} == {"head"}
    for key, value in made.state_dict().items():
        assert key.startswith("head.") or (value.shape, value.dtype) == (state[key].shape, state[key].dtype)
    return made.eval()


@torch.no_grad()
def test_the_embedding_is_theirs(name: str, theirs: State, saved: Path) -> None:
    ours: Any = network(name, saved)
    clips = [
        torch.from_numpy(one)
        for one in (toy.clip("anger", 1, 0.31), toy.speech()[:11_111], toy.clip("sadness", 2, 0.5))
    ]
    lengths = torch.tensor([len(one) for one in clips])
    batch = torch.stack([torch.cat([one, torch.randn(int(lengths.max()) - len(one))]) for one in clips])
    found = ours(batch, lengths)["embedding"]
    expected = []
    for clip in clips:
        spectrogram, frames = ours.frontend(clip[None], torch.tensor([len(clip)]))
        expected.append(NETWORKS[name](theirs, spectrogram[0, : int(frames)]))
    scale = float(torch.stack(expected).abs().max())
    assert torch.pdist(torch.stack(expected)).min() > 0.05 * scale
    assert (found - torch.stack(expected)).abs().max() < 1e-4 * scale


def _save(state: State, folder: Path) -> Path:
    torch.save(state, folder / "changed.pt")
    return folder / "changed.pt"


def test_safetensors_and_half_precision_are_taken(theirs: State, name: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    save_file(
        {key: value.half() if value.is_floating_point() else value for key, value in theirs.items()}, path
    )
    found = read_public(name, path)
    assert {value.dtype for value in found.values()} == {torch.float32, torch.int64}


def _without(key: str) -> Callable[[State], object]:
    return lambda state: {one: value for one, value in state.items() if one != key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("conv1.weight"), "'conv1.weight' is missing"),
        (_without("seg_1.bias"), "its embedding's tensors are missing"),
        (lambda state: state | {"extra": torch.zeros(2)}, "'extra' is none of its tensors"),
        (lambda state: state | {"embedding.weight": torch.zeros(2)}, "stands twice"),
        (lambda state: state | {"conv1.weight": torch.zeros(32, 1, 3, 5)}, r"\[32, 1, 3, 5\] where"),
        (lambda state: state | {"bn1.weight": torch.ones(32).long()}, "bn1.weight has the shape"),
        (lambda state: state | {"bn1.bias": torch.full((32,), float("nan"))}, "bn1.bias holds NaN"),
        (lambda state: state | {"bn1.bias": torch.zeros(1).expand(2**40)}, "its tensors have more than"),
        (lambda state: state | {"bn1.bias": torch.ones(2).to_sparse()}, "not a mapping of names to tensors"),
        (lambda state: state | {"bn1.bias": [0.0]}, "not a mapping of names to tensors"),
        (lambda state: list(state.values()), "not a mapping of names to tensors"),
        (lambda state: {}, "not a mapping of names to tensors"),
    ],
)  # fmt: skip
def test_what_is_not_the_checkpoint_is_refused(
    change: Callable[[State], object], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.pt"
    torch.save(change(wespeaker_state(7)), path)
    with pytest.raises(ModelFolderError, match=said) as found:
        read_public("wespeaker-resnet34", path)
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_with_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path, sprung = tmp_path / "trap.pt", tmp_path / "sprung"
    torch.save({"seg_1.weight": _Trap(sprung)}, path)
    for read in (lambda: read_tensors(path), lambda: resolve(str(path))):
        with pytest.raises(
            ModelFolderError, match="holds more than tensors, of which nothing was run"
        ) as found:
            read()
        assert "\n" not in str(found.value)
    assert not sprung.exists()


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04junk", b"\x80\x04K\x01.", b"\xff" * 64])
def test_junk_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"neither saved by torch\.save nor safetensors"):
        read_tensors(tmp_path / "junk")


def test_a_damaged_or_packed_archive_is_refused(tmp_path: Path) -> None:
    whole = _save({"a": torch.randn(1000)}, tmp_path)
    with zipfile.ZipFile(whole) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    with pytest.raises(ModelFolderError, match="a packed archive"):
        read_tensors(packed)
    with zipfile.ZipFile(packed, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content[: len(content) // 2])
    with pytest.raises(ModelFolderError, match="damaged, or holds more than tensors"):
        read_tensors(packed)
    with pytest.raises(ModelFolderError, match="no such file"):
        read_tensors(tmp_path / "absent.pt")


def test_a_file_is_known_by_what_it_holds(name: str, saved: Path, tmp_path: Path) -> None:
    assert resolve(str(saved)) == (name, saved)
    with pytest.raises(ModelFolderError, match="none of the checkpoints"):
        resolve(str(_save({"weight": torch.zeros(1)}, tmp_path)))


def test_a_name_is_downloaded_by_checksum(
    name: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved.read_bytes()
    digest = files.sha256(saved)
    with serve(content) as served:
        here = dataclasses.replace(PUBLIC[name], url=served.url, sha256=digest)
        monkeypatch.setattr(public, "PUBLIC", {name: here})
        found, path = resolve(name, cache=tmp_path / "cache")
    assert found == name
    assert path.read_bytes() == content
    assert path.is_relative_to(tmp_path / "cache")


def test_where_the_checksum_is_not_known_one_is_demanded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is fetched without one; give it") as found:
        resolve("wespeaker-resnet34", cache=tmp_path)
    assert PUBLIC["wespeaker-resnet34"].url in str(found.value)
    assert not list(tmp_path.iterdir())


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'wespeaker-resnet34'"):
        resolve("wespeaker-resnet43")


def test_the_registry_says_what_a_card_needs(name: str) -> None:
    checkpoint = PUBLIC[name]
    assert checkpoint.url.startswith("https://")
    assert "/resolve/main/" not in checkpoint.url
    assert checkpoint.licence
    assert checkpoint.citation
    assert checkpoint.sha256 is None or len(checkpoint.sha256) == 64
    assert checkpoint.mark in STATES[name](0)
