"""The baseline's machine is scikit-learn's, as one linear layer; its functionals are computed once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from affekt import corpora, functionals, recipe
from affekt.errors import UsageError
from affekt.model_folder import graph
from affekt.training import baseline
from affekt.training.clips import Clips
from tests.fixtures import toy


def examples(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(classes)
    centres = random.normal(size=(classes, 12))
    positions = random.integers(classes, size=90)
    learnt = centres[positions] + random.normal(size=(90, 12)) * random.uniform(0.5, 50, 12)
    return learnt.astype(np.float32), positions, (5 * random.normal(size=(200, 12))).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("decisions", ["one-vs-one", "one-vs-rest"])
def test_the_layer_says_what_scikit_learn_says(decisions: str, classes: int) -> None:
    learnt, positions, others = examples(classes)
    made = recipe.load("baseline", [f"network.decisions={decisions}", "network.cost=0.05"])
    machine = baseline.fit(learnt, positions, classes, made)
    same = SVC(kernel="linear", C=0.05, break_ties=True)
    if decisions == "one-vs-rest":
        same = LinearSVC(C=0.05, random_state=0, max_iter=10_000)
    pipeline = make_pipeline(StandardScaler(), same).fit(learnt.astype(np.float64), positions)
    logits = machine.logits(others)
    assert (logits.argmax(axis=1) == pipeline.predict(others.astype(np.float64))).mean() > 0.99
    if classes > 2:
        assert np.abs(logits - pipeline.decision_function(others.astype(np.float64))).max() < 1e-3
    data = machine.to_onnx()
    graph.check(data)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    said, embedding = session.run(["logits", "embedding"], {"functionals": others})
    assert np.abs(said - logits).max() < 1e-4
    assert np.abs(embedding - pipeline[0].transform(others.astype(np.float64))).max() < 1e-3


@pytest.mark.parametrize("decisions", ["one-vs-one", "one-vs-rest"])
@pytest.mark.parametrize("present", [2, 3])
def test_a_class_without_a_clip_is_never_the_answer(decisions: str, present: int) -> None:
    learnt, positions, others = examples(present)
    made = recipe.load("baseline", [f"network.decisions={decisions}"])
    logits = baseline.fit(learnt, 1 + positions, present + 2, made).logits(others)
    assert logits.shape == (200, present + 2)
    assert set(logits.argmax(axis=1)) <= set(range(1, present + 1))


def test_class_weights_lift_rare_classes() -> None:
    learnt, positions, others = examples(3)
    kept = (positions != 1) | (np.arange(90) < 15)
    share = {}
    for weighed in ("true", "false"):
        made = recipe.load("baseline", [f"network.class_weights={weighed}"])
        machine = baseline.fit(learnt[kept], positions[kept], 3, made)
        share[weighed] = (machine.logits(others).argmax(axis=1) == 1).mean()
    assert share["true"] > share["false"]


def test_functionals_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = Clips(corpora.load(str(toy.corpus(tmp_path, speakers=1, clips=1))))
    told: list[tuple[int, int]] = []
    first = baseline.features(clips, "eGeMAPSv02", lambda *at: told.append(at), cache=tmp_path)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert np.array_equal(first[1], functionals.functionals(clips.samples(1), "eGeMAPSv02"))
    (kept,) = (tmp_path / "functionals").iterdir()
    whole = kept.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(functionals, "functionals", None)
        assert np.array_equal(baseline.features(clips, "eGeMAPSv02", cache=tmp_path), first)
    kept.write_bytes(whole[:-8])
    assert np.array_equal(baseline.features(clips, "eGeMAPSv02", cache=tmp_path), first)
    assert kept.read_bytes() == whole


@pytest.mark.parametrize(
    ("override", "key"),
    [("train.epochs=3", "train.epochs"), ("augment.noise=0.5", "augment"), ("init=default", "init")],
)
def test_what_only_networks_have_is_refused(override: str, key: str) -> None:
    with pytest.raises(UsageError, match=f"{key} is of networks"):
        recipe.load("baseline", [override])
