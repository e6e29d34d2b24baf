"""Cross-entropy over the classes a corpus has, and the weights of classes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from affekt.losses import class_weights, cross_entropy

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
