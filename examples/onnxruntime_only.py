"""The emotion in a recording, from a model folder's files alone: no Affekt, no torch.

    pip install numpy onnxruntime soundfile
    python onnxruntime_only.py exported/onnx-int8 clip.wav

The recording must be at 16 kHz; several channels are averaged.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile


def main(folder: str, clip: str) -> None:
    config = json.loads(Path(folder, "config.json").read_text("utf-8"))
    samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    if rate != config["sample_rate"]:
        sys.exit(f"{clip}: {rate} Hz; the model hears {config['sample_rate']} Hz, resample it first")
    heard = samples.mean(axis=1)[None]
    session = onnxruntime.InferenceSession(Path(folder, "model.onnx"), providers=["CPUExecutionProvider"])
    given = {"samples": heard, "lengths": np.array([heard.shape[1]], np.int64)}
    logits = session.run(["logits"], given)[0][0] / config["temperature"]
    powers = np.exp(logits - logits.max())
    scores = dict(zip(config["labels"], (powers / powers.sum()).tolist(), strict=True))
    print(json.dumps(dict(sorted(scores.items(), key=lambda one: -one[1])), indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python onnxruntime_only.py MODEL_FOLDER CLIP")
    main(*sys.argv[1:])
