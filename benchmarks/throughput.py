"""How fast `affekt predict` is beside openSMILE with a linear SVM, and where the time goes.

    python benchmarks/throughput.py [--limit N] [--rounds 2] [--wav] [--data DATA]

All of nEMO, RAVDESS and EMO-DB goes end to end through `affekt predict -o TABLE`, and through ComParE 2016
functionals with a linear SVM in as many processes as there are cores, in one run, one after the other, a few
times, the faster of each counted. Then the steps one by one: decoding, the front end, the network and
writing, in processor seconds; and which share of a core's measured rate of float32 matrix products the
network reaches. With `--wav` the clips are written as WAV files of 16 bits beforehand, as the corpora were
published: the copies here are of Opus, whose decoding costs both sides as much as a network.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from _record import DATA, record

from affekt import audio, inputs, writers
from affekt.model_folder import open_folder
from affekt.provenance import usable_cores
from affekt.recognizer import Recognizer, resolve

CORPORA = ("nemo", "ravdess", "emodb")
STEP_CLIPS = 200
MATRIX = 1024


def affekt_seconds(names: list[str]) -> float:
    """One `affekt predict` of all clips, its start included."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "affekt", "predict", "-", "-o", str(Path(place, "rows.csv"))]
        began = time.perf_counter()
        ran = subprocess.run(command, input="\n".join(names), text=True, check=False)
        seconds = time.perf_counter() - began
        rows = len(Path(place, "rows.csv").read_text().splitlines()) - 1
        if ran.returncode not in (0, 1) or rows != len(names):
            raise SystemExit(f"affekt predict ended with {ran.returncode}")
    return seconds


@functools.cache
def _baseline() -> tuple[Any, Any]:
    """The extractor, and an SVM of seven classes, whose answers do not matter here."""
    import opensmile
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    extractor = opensmile.Smile(
        feature_set=opensmile.FeatureSet.ComParE_2016,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
        multiprocessing=False,
    )
    random = np.random.default_rng(0)
    classifier = make_pipeline(StandardScaler(), SVC(kernel="linear", C=1e-3))
    classifier.fit(random.normal(size=(500, 6373)).astype(np.float32), np.arange(500) % 7)
    return extractor, classifier


def _classify(name: str) -> int:
    extractor, classifier = _baseline()
    row = extractor.process_signal(audio.read(name), audio.SAMPLE_RATE).to_numpy(np.float32)
    return int(classifier.predict(np.nan_to_num(row))[0])


def opensmile_seconds(names: list[str], processes: int) -> float:
    """openSMILE and the SVM over all clips, its start included."""
    began = time.perf_counter()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_classify, names, chunksize=16))
    return time.perf_counter() - began


def steps(names: list[str], folder: Path) -> dict[str, float]:
    """Milliseconds of processor time for each clip, step by step, in one thread."""
    recognizer = Recognizer.load(threads=1)
    began = time.process_time()
    waveforms = [audio.load(name) for name in names]
    decoded = time.process_time()
    predictions = [recognizer.recognize(waveform) for waveform in waveforms]
    scored = time.process_time()
    rows = [one.to_dict() for one in predictions]
    columns = ["file", "start", "end", "label", "confidence"]
    with writers.to_file(folder / "rows.csv", columns, "csv") as write:
        for row in rows:
            write({key: row[key] for key in columns})
    written = time.process_time()
    frontend = frontend_seconds([len(one.samples) for one in waveforms])
    count = len(names) / 1e3
    return {
        "decode": (decoded - began) / count,
        "frontend": frontend / count,
        "network": (scored - decoded - frontend) / count,
        "writing": (written - scored) / count,
    }


def _first_image_convolution(graph: Any) -> str:
    """The name of the spectrogram: what the first convolution in two dimensions takes in."""
    ranks = {one.name: len(one.dims) for one in graph.initializer}
    return str(
        next(node.input[0] for node in graph.node if node.op_type == "Conv" and ranks.get(node.input[1]) == 4)
    )


def frontend_seconds(lengths: list[int]) -> float:
    """Processor seconds of the graph's first part, from samples to the spectrogram."""
    import onnx
    from onnx import utils

    model = onnx.load_from_string(open_folder(resolve("default")).onnx)
    part = utils.Extractor(model).extract_model(
        ["samples", "lengths"], [_first_image_convolution(model.graph)]
    )
    session = _session(part.SerializeToString())
    random = np.random.default_rng(0)
    clips = [random.normal(0, 0.1, (1, length)).astype(np.float32) for length in lengths]
    began = time.process_time()
    for samples in clips:
        session.run(None, {"samples": samples, "lengths": np.array([samples.shape[1]], np.int64)})
    return time.process_time() - began


def _session(onnx: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def matrix_gflops(seconds: float = 2.0) -> float:
    """What one core makes of float32 matrix products, in 10^9 operations a second."""
    from onnx import TensorProto, helper

    shape = [MATRIX, MATRIX]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "ab"],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = _session(model.SerializeToString())
    random = np.random.default_rng(0)
    feeds = {name: random.normal(size=shape).astype(np.float32) for name in "ab"}
    session.run(None, feeds)
    began, count = time.process_time(), 0
    while time.process_time() - began < seconds:
        session.run(None, feeds)
        count += 1
    return 2e-9 * MATRIX**3 * count / (time.process_time() - began)


def network_gflop(seconds: float) -> float:
    """10^9 operations of the convolutions and matrix products for a clip of so many seconds."""
    import onnx
    from onnx import helper

    model = onnx.load_from_string(open_folder(resolve("default")).onnx)
    weights = {one.name: list(one.dims) for one in model.graph.initializer}
    nodes = [
        node
        for node in model.graph.node
        if node.op_type in ("Conv", "MatMul", "Gemm") and node.input[1] in weights
    ]
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(node.output[0]) for node in nodes if node.output[0] not in known
    )
    length = round(seconds * audio.SAMPLE_RATE)
    samples = np.random.default_rng(0).normal(0, 0.1, (1, length)).astype(np.float32)
    feeds = {"samples": samples, "lengths": np.array([length], np.int64)}
    outputs = _session(model.SerializeToString()).run([node.output[0] for node in nodes], feeds)
    total = 0
    for node, output in zip(nodes, outputs, strict=True):
        shape = weights[node.input[1]]
        total += 2 * output.size * (int(np.prod(shape[1:])) if node.op_type == "Conv" else shape[-2])
    return total / 1e9


def as_wav(names: list[str], folder: Path) -> list[str]:
    """Copies of the clips as WAV."""
    copies = []
    for number, name in enumerate(names):
        copies.append(str(folder / f"{number:06}.wav"))
        soundfile.write(copies[-1], audio.read(name), audio.SAMPLE_RATE, subtype="PCM_16")
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="clips in all, for a trial; all of them if not given")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--wav", action="store_true", help="measure with copies as WAV")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    started = time.perf_counter()
    folders = [options.data / name for name in CORPORA]
    names = [item for item in inputs.expand(folders) if isinstance(item, str)]
    names = names[:: max(1, len(names) // options.limit)] if options.limit else names
    with tempfile.TemporaryDirectory() as place:
        names = as_wav(names, Path(place)) if options.wav else names
        figures, details = measure(names, options.rounds)
    name = "throughput_wav" if options.wav else "throughput"
    figures = {f"{name}.{key}": value for key, value in figures.items()}
    record(name, figures, details, started, script="throughput")
    for key, value in figures.items():
        print(f"{key:52} {value:.4g}")


def measure(names: list[str], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Both sides in turns, then the steps one by one; the figures and the details to record."""
    hours = sum(audio.load(name).seconds for name in names) / 3600
    cores = usable_cores()
    laps = [(affekt_seconds(names), opensmile_seconds(names, cores)) for _ in range(rounds)]
    ours, theirs = (min(lap[index] for lap in laps) for index in range(2))
    sample = names[:: max(1, len(names) // STEP_CLIPS)]
    with tempfile.TemporaryDirectory() as place:
        spent = steps(sample, Path(place))
    mean_seconds = sum(audio.load(name).seconds for name in sample) / len(sample)
    rate, work = matrix_gflops(), network_gflop(mean_seconds)
    reached = work / (spent["frontend"] + spent["network"]) * 1e3
    figures = {
        "clips": float(len(names)),
        "hours": hours,
        "affekt.s": ours,
        "opensmile.s": theirs,
        "times_as_fast": theirs / ours,
        "clips_per_s": len(names) / ours,
        "hours_per_core_hour": hours * 3600 / ours / cores,
        **{f"{name}.ms_per_clip": value for name, value in spent.items()},
        "network.gflops": reached,
        "matrix_product.gflops": rate,
        "network.share_of_matrix_product": reached / rate,
    }
    details = {
        "laps_s": laps,
        "cores": cores,
        "step_clips": len(sample),
        "seconds_per_clip": mean_seconds,
        "gflop_per_clip": work,
    }
    return figures, details


if __name__ == "__main__":
    main()
