"""Losses of embeddings: triplets as a plain loop mines them, centres as published, the nearest centroid."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from affekt.losses import centre, centroid_layer, moved_centres, triplet


def mined(embeddings: Tensor, targets: list[int], margin: float) -> float:
    """Semi-hard triplets by three loops."""
    units = functional.normalize(embeddings.double())
    losses = []
    for anchor, own in enumerate(targets):
        distance = (units - units[anchor]).square().sum(1).tolist()
        negatives = [distance[at] for at, other in enumerate(targets) if other != own]
        for positive, other in enumerate(targets):
            if other != own or positive == anchor or not negatives:
                continue
            farther = [one for one in negatives if one > distance[positive]]
            chosen = min(farther) if farther else max(negatives)
            losses.append(max(0.0, distance[positive] - chosen + margin))
    counted = [one for one in losses if one > 0]
    return float(sum(counted) / max(1, len(counted)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=14), st.integers(0, 999), st.floats(0.05, 1))
def test_triplets_are_mined_as_a_loop_mines_them(targets: list[int], seed: int, margin: float) -> None:
    embeddings = 3 * torch.randn(len(targets), 5, generator=torch.Generator().manual_seed(seed))
    found = float(triplet(embeddings, torch.tensor(targets), margin=margin))
    assert abs(found - mined(embeddings, targets, margin)) < 1e-3


def test_triplets_pull_classes_apart() -> None:
    embeddings = torch.randn(24, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = torch.arange(24) % 3
    optimiser = torch.optim.Adam([embeddings], 0.05)
    for _ in range(200):
        optimiser.zero_grad()
        triplet(embeddings, targets, margin=0.5).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    cosines = functional.normalize(embeddings.detach()) @ functional.normalize(embeddings.detach()).T
    same = targets[:, None] == targets
    assert cosines[same].min() > cosines[~same].max()
    assert not triplet(embeddings, torch.zeros(24).long(), margin=0.5).detach().any()


def test_centres_move_and_draw_as_published() -> None:
    embeddings = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.0, -1.0]], requires_grad=True)
    targets = torch.tensor([0, 0, 2])
    centres = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    losses = centre(embeddings, targets, centres)
    assert torch.allclose(losses, torch.tensor([0.0, 1.0, 0.5]))
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None and embeddings.grad[1].any()
    units = functional.normalize(embeddings.detach())
    sums = torch.zeros(3, 2).index_add(0, targets, units)
    moved = moved_centres(centres, sums, torch.tensor([2, 0, 1]), rate=0.5)
    # Wen et al., equation 4, by hand: the mean step towards the clips, with one more in the denominator.
    first = centres[0] - 0.5 * ((centres[0] - units[0]) + (centres[0] - units[1])) / 3
    assert torch.allclose(moved[0], first) and torch.equal(moved[1], centres[1])
    assert torch.allclose(moved[2], torch.tensor([0.0, -0.25]))


def test_a_layer_of_centroids_decides_for_the_nearest() -> None:
    random = torch.Generator().manual_seed(0)
    targets = torch.randint(0, 3, (60,), generator=random)
    embeddings = torch.randn(60, 6, generator=random) + 2 * functional.one_hot(targets, 6)
    weights, biases = centroid_layer(embeddings, targets, 5)
    centroids = torch.stack([embeddings[targets == at].mean(0) for at in range(3)])
    others = torch.randn(200, 6, generator=random)
    logits = others @ weights.T + biases
    nearest = torch.cdist(others, centroids).argmin(1)
    assert torch.equal(logits.argmax(1), nearest)
    spread = (embeddings - centroids[targets]).square().sum(1).mean()
    expected = -torch.cdist(others, centroids).square() / (2 * spread)
    assert torch.allclose(logits[:, :3].softmax(1), expected.softmax(1), atol=1e-5)
