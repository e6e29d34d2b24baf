"""One training run over several processes, as `torchrun` starts them; one process needs none of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch import distributed as dist


@contextmanager
def processes() -> Iterator[None]:
    """Joins the processes that `torchrun` started, and leaves them at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """This process's number; 0 writes files and talks."""
    return dist.get_rank() if _spread() else 0


def launched_rank() -> int:
    """The number that `torchrun` gave this process, also before it joined the others."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """The number of processes."""
    return dist.get_world_size() if _spread() else 1


def device() -> torch.device:
    """The device this process trains on."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def total(value: Tensor) -> Tensor:
    """The sum of a tensor over the processes; no gradient flows through it."""
    if _spread():
        value = value.detach().clone()
        dist.all_reduce(value)
    return value


def average(values: Sequence[Tensor]) -> None:
    """Makes tensors their mean over the processes, in place and all at once."""
    if _spread():
        flat = torch.cat([one.flatten() for one in values])
        dist.all_reduce(flat)
        flat /= world()
        means = torch.split(flat, [one.numel() for one in values])
        for one, mean in zip(values, means, strict=True):
            one.copy_(mean.view_as(one))


def largest(number: int) -> int:
    """The largest of the processes' numbers."""
    if not _spread():
        return number
    value = torch.tensor(number, device=device())
    dist.all_reduce(value, dist.ReduceOp.MAX)
    return int(value)


def barrier() -> None:
    """Waits until every process is here."""
    if _spread():
        dist.barrier()


def _spread() -> bool:
    return dist.is_available() and dist.is_initialized()
