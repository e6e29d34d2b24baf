"""Cross-entropy over the classes a corpus has, the weights of classes, and margins between classes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from affekt.losses import Margin, class_weights, cross_entropy, margin_at, margin_softmax

TARGETS = torch.tensor([0, 2, 1, 3, 3])
LOGITS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_is_torchs_cross_entropy_where_all_classes_are_allowed(smoothing: float) -> None:
    expected = functional.cross_entropy(LOGITS, TARGETS, reduction="none", label_smoothing=smoothing)
    assert torch.allclose(cross_entropy(LOGITS, TARGETS, smoothing=smoothing), expected, atol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_class_that_a_corpus_lacks_is_as_if_it_were_not_there(smoothing: float) -> None:
    allowed = torch.ones_like(LOGITS, dtype=torch.bool)
    allowed[0, 1] = allowed[1, 3] = allowed[3, 0] = False
    logits = LOGITS.clone().requires_grad_()
    losses = cross_entropy(logits, TARGETS, allowed, smoothing=smoothing)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert not logits.grad[~allowed].any()
    assert logits.grad[allowed].all()
    alone = functional.cross_entropy(LOGITS[:1, [0, 2, 3]], torch.tensor([0]), label_smoothing=smoothing)
    assert float(losses[0].detach()) == pytest.approx(float(alone), abs=1e-6)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_weights_have_a_mean_of_one_and_even_out_the_classes(drawn: list[int]) -> None:
    targets = torch.tensor(drawn)
    weights = class_weights(targets, 7)
    assert float(weights[targets].mean()) == pytest.approx(1, abs=1e-5)
    totals = torch.bincount(targets, weights[targets], minlength=7)
    present = torch.bincount(targets, minlength=7) > 0
    assert torch.allclose(totals[present], totals[present][:1], rtol=1e-5)
    assert not weights[~present].any()


KINDS = get_args(Margin)
COSINES = torch.cos(torch.linspace(0.05, 3.09, 20, dtype=torch.float64)).reshape(4, 5).flip(1).contiguous()
SPEAKERS = torch.tensor([4, 0, 2, 1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_a_margin_lowers_the_targets_cosine_as_published(kind: Margin, margin: float) -> None:
    losses = margin_softmax(COSINES, SPEAKERS, kind=kind, scale=30, margin=margin)
    for row, speaker, loss in zip(COSINES.tolist(), SPEAKERS.tolist(), losses.tolist(), strict=True):
        angle = math.acos(row[speaker])
        lowered = {
            "softmax": row[speaker],
            "am": row[speaker] - margin,
            "aam": math.cos(angle + margin)
            if angle + margin < math.pi
            else row[speaker] - margin * math.sin(margin),
        }[kind]
        others = sum(math.exp(30 * cosine) for at, cosine in enumerate(row) if at != speaker)
        assert loss == pytest.approx(math.log1p(others * math.exp(-30 * lowered)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("margin", [0.1, 0.2, 0.5])
def test_a_wider_angle_never_costs_less(margin: float) -> None:
    cosines = torch.zeros(2000, 2, dtype=torch.float64)
    cosines[:, 0] = torch.linspace(-1, 1, 2000, dtype=torch.float64)
    losses = margin_softmax(cosines, torch.zeros(2000).long(), kind="aam", scale=5, margin=margin)
    assert (losses.diff() < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_margin_has_the_gradient_of_its_formula(kind: Margin) -> None:
    cosines = COSINES.clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda given: margin_softmax(given, SPEAKERS, kind=kind, scale=30, margin=0.5), cosines
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_finite_where_a_clip_lies_on_its_class_or_against_it(
    kind: Margin, dtype: torch.dtype
) -> None:
    beyond = 1 + 2e-7
    target = torch.tensor([1, -1, beyond, -beyond, 1 - 1e-7, 0], dtype=dtype)
    cosines = torch.stack([target, torch.full_like(target, 0.5), -target], dim=1).requires_grad_()
    losses = margin_softmax(cosines, torch.zeros(6).long(), kind=kind, scale=32, margin=0.2)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert losses.isfinite().all()
    assert cosines.grad is not None
    assert cosines.grad.isfinite().all()
    # A clip that lies against its class must still be told where to go.
    assert (cosines.grad[[1, 3], 0] < -1).all()


def test_a_margin_rises_within_its_part_of_the_training() -> None:
    margins = [margin_at(step, 1000, start_share=0.2, end_share=0.6, margin=0.3) for step in range(1001)]
    assert set(margins[:201]) == {0.0}
    assert set(margins[600:]) == {0.3}
    rising = margins[200:601]
    assert all(before < after for before, after in pairwise(rising))
    assert rising[200] == pytest.approx(0.3 * (1 - 0.001**0.5))
    assert 0.3 - rising[-2] < 0.3 * 0.0011


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_warm_up_of_no_length_is_a_step(share: float) -> None:
    margins = [margin_at(step, 10, start_share=share, end_share=share, margin=0.2) for step in range(11)]
    assert margins == [0.0 if step < 10 * share else 0.2 for step in range(11)]
