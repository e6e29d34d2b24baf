"""Ray makes the same rows, and either engine takes up where the other was stopped."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import affekt
from affekt import Recognizer
from affekt.batch import Scored, TooManyFailuresError
from affekt.errors import AffektError
from tests.fixtures import tiny

ray = pytest.importorskip("ray")

# Of Ray's own parts, which it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray", "ignore::FutureWarning:ray")

CLIPS = sorted(tiny.EXAMPLES.glob("*.flac"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, some bad, one with a name that is not UTF-8."""
    folder = tmp_path_factory.mktemp("clips")
    for number, clip in zip(range(150), itertools.cycle(CLIPS), strict=False):
        shutil.copy(clip, folder / f"{number:03}.flac")
    (folder / "007.flac").write_text("not audio")
    shutil.copy(CLIPS[0], os.fsdecode(os.fsencode(folder) + b"/\xff.flac"))
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster of one core, all of which an actor may have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.mark.slow
def test_rows_are_those_of_the_local_engine(
    cluster: None, tiny_model_folder: Path, folder: Path, tmp_path: Path
) -> None:
    model = Recognizer.load(tiny_model_folder, threads=1)
    paths: list[str | Path] = [folder, "nowhere.wav"]
    local = affekt.predict_to(tmp_path / "local.csv", paths, model, scores=True)
    assert (local.inputs, local.failed) == (152, 2)
    expected = (tmp_path / "local.csv").read_bytes()
    output = tmp_path / "ray.csv"
    done = affekt.predict_to(output, paths, model, scores=True, engine="ray", threads=1)
    assert done == Scored(output, 152, 2)
    assert output.read_bytes() == expected
    # Stopped without Ray, taken up on it, and as partitions.
    partitions = f"{tmp_path}/table/"
    with pytest.raises(TooManyFailuresError):
        affekt.predict_to(partitions, paths, model, form="parquet", scores=True, max_failures=0)
    affekt.predict_to(
        partitions, paths, model, form="parquet", scores=True, engine="ray", threads=1, resume=True
    )
    assert [one.name for one in Path(partitions).iterdir()] == ["part-000000.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(partitions), pd.read_csv(output), check_dtype=False)


def test_a_cluster_that_is_not_there_is_told_in_one_line(
    tiny_model_folder: Path, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(AffektError, match=r"ray: cannot be reached at 127\.0\.0\.1:1 \(") as told:
        affekt.predict_to(
            tmp_path / "a.csv", folder, tiny_model_folder, engine="ray", ray_address="127.0.0.1:1"
        )
    assert "\n" not in str(told.value)
