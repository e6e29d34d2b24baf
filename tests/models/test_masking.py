"""Batch statistics over processes are those of the whole batch, gradients included."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn

from affekt.models.masking import MaskedBatchNorm2d, length_mask, masked_mean
from affekt.models.spread import combined

PARTS = (slice(0, 3), slice(3, 8))


def batch() -> tuple[Tensor, Tensor]:
    """A map [8, 6, 5, 7] with means far from 0, and what its output is weighed by."""
    random = torch.Generator().manual_seed(0)
    shape = (8, 6, 5, 7)
    offset = 30 * (torch.arange(6.0)[:, None, None] - 2)
    return torch.randn(shape, generator=random) * 2 + offset, torch.randn(shape, generator=random)


def layer() -> MaskedBatchNorm2d:
    """A layer whose scale and shift are not the first ones."""
    made = MaskedBatchNorm2d(6)
    nn.init.uniform_(made.weight, 0.5, 2, generator=torch.Generator().manual_seed(1))
    nn.init.uniform_(made.bias, -1, 1, generator=torch.Generator().manual_seed(2))
    return made


def work(rank: int, port: int, folder: str) -> None:
    """One of two processes: its part of the batch forwards and backwards."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=len(PARTS)
    )
    values, weights = batch()
    mine = values[PARTS[rank]].requires_grad_()
    norm = layer()
    output = norm(mine, torch.ones(1, 1, 1, 7))
    (output.tanh() * weights[PARTS[rank]]).sum().backward()
    assert norm.weight.grad is not None and norm.bias.grad is not None
    gradients = torch.stack([norm.weight.grad, norm.bias.grad])
    distributed.all_reduce(gradients)
    found = {"output": output.detach(), "input": mine.grad, "own": gradients, "state": norm.state_dict()}
    rough = values[PARTS[rank]].bfloat16().requires_grad_()
    output = layer()(rough)
    (output.float().tanh() * weights[PARTS[rank]]).sum().backward()
    alone = layer()
    alone.shared = False
    found |= {
        "rough": output.detach(),
        "rough_input": rough.grad,
        "alone": alone(values[PARTS[rank]]).detach(),
    }
    torch.save(found, Path(folder, f"{rank}.pt"))
    distributed.destroy_process_group()


def test_two_processes_normalise_as_one_does(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    spawn(work, (port, str(tmp_path)), len(PARTS))  # type: ignore[no-untyped-call]
    values, weights = batch()
    values.requires_grad_()
    native = nn.BatchNorm2d(6)
    native.load_state_dict(layer().state_dict())
    output = native(values)
    (output.tanh() * weights).sum().backward()
    assert native.weight.grad is not None and native.bias.grad is not None
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(len(PARTS))]
    assert torch.allclose(torch.cat([part["output"] for part in parts]), output, atol=1e-5)
    assert values.grad is not None
    assert torch.allclose(torch.cat([part["input"] for part in parts]), values.grad, atol=1e-5)
    for part in parts:
        assert torch.allclose(part["own"], torch.stack([native.weight.grad, native.bias.grad]), atol=1e-4)
        for name, value in native.state_dict().items():
            assert torch.allclose(part["state"][name], value, atol=1e-5), name

    both = {name: torch.cat([part[name] for part in parts]) for name in ("rough", "rough_input")}
    native.load_state_dict(layer().state_dict())
    rough = values.detach().bfloat16().requires_grad_()
    output = native(rough)
    (output.float().tanh() * weights).sum().backward()
    assert rough.grad is not None and both["rough"].dtype == torch.bfloat16
    assert torch.equal(both["rough"], output.detach())
    # Two terms of the gradient are rounded to 8 bits before they are added, where one kernel rounds once.
    error = (both["rough_input"].float() - rough.grad.float()).abs()
    assert error.max() < 0.01 * rough.grad.abs().max() and error.mean() < 0.002 * rough.grad.abs().max()
    for part, place in zip(parts, PARTS, strict=True):
        assert torch.equal(part["alone"], layer()(values[place]).detach())


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    offset=st.floats(-1000, 1000),
    seed=st.integers(0, 99),
)
def test_statistics_of_parts_make_those_of_the_whole(sizes: list[int], offset: float, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    whole = torch.randn(sum(sizes), 3, generator=random) + offset
    rows = [
        torch.cat([part.mean(0), part.var(0, correction=0), torch.tensor([float(len(part))])])
        for part in torch.split(whole, sizes)
    ]
    mean, variance, count = combined(torch.stack(rows))
    assert float(count) == len(whole)
    assert torch.allclose(mean, whole.mean(0), rtol=1e-5, atol=1e-5)
    assert torch.allclose(variance, whole.double().var(0, correction=0).float(), rtol=1e-3, atol=1e-3)


def test_one_process_normalises_as_the_native_layer() -> None:
    values, _ = batch()
    native = nn.BatchNorm2d(6)
    native.load_state_dict(layer().state_dict())
    assert torch.equal(layer()(values, torch.ones(1, 1, 1, 7)), native(values))


def test_padded_frames_leave_as_zeros() -> None:
    values, _ = batch()
    mask = length_mask(torch.tensor([7, 3, 1, 7, 2, 5, 6, 4]), 7)[:, None, None]
    for norm in (layer().train(), layer().eval()):
        found = norm(values, mask)
        assert not found[mask.expand_as(found) == 0].any()
        assert found[mask.expand_as(found) == 1].all()


@pytest.mark.parametrize("lengths", [[3, 1], [0, 3]])
def test_masked_mean_counts_real_positions_alone(lengths: list[int]) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    mask = length_mask(torch.tensor(lengths), 3)
    found = masked_mean(values, mask, dim=(1,))[:, 0]
    expected = [
        float(row[:length].mean()) if length else 0.0 for row, length in zip(values, lengths, strict=True)
    ]
    assert found.tolist() == expected
