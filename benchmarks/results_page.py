"""Writes `docs/results.md` and the figures in `README.md` from `benchmarks/results/*.json`.

No figure is typed by hand: `make docs` writes both again, always in the same way. What `affekt predict` says
of the example clips is written into `README.md` too, where this copy has weights.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import scale_plan
from _record import RESULTS, ROOT

from affekt import corpora, files, writers
from affekt.recognizer import MODELS, Recognizer
from affekt.splits import PROTOCOLS
from affekt.verbs.predict import columns, predict

PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
SCALE = ROOT / "docs" / "scale.md"
EXAMPLES = "src/affekt/assets/examples"
HEADLINES = {
    "predict.cold_start.s": "first result of `affekt predict CLIP`, from a fresh process",
    "install.base.mb": "base install, without torch",
    "hostile_audio.files": "damaged and hostile recordings tried",
    "hostile_audio.faults": "of these, crashes, hangs and unforeseen errors",
}
METRICS = ("uar", "wa", "macro_f1", "ece_before", "ece", "coverage_90", "brier", "eer")
ENDS = ("low", "high")

INTRODUCTION = """# Results

Every figure that Affekt claims, with the command that measured it, the machine, the commit and the wall
time. This page is made from `benchmarks/results/*.json` by `make docs`; `make bench NAME=...` measures one
of them again.

How to read it:

- `uar` is the mean recall of the classes, `wa` the share of clips that are right, `macro_f1` the mean F1.
  In brackets stand 95 % intervals from resampling speakers (2000 draws), not clips: the clips of one speaker
  are not independent.
- A name is `corpus.protocol.system.metric`. `loso` leaves one speaker out at a time, `speaker-kfold` a group
  of speakers, `official` takes the corpus's published folds: nobody is tested on whom a system was trained.
- EMO-DB is measured on a copy whose clips are cut or padded to 2.0 s, nEMO on six of its nine speakers:
  neither is comparable with figures published for the whole corpora. RAVDESS is complete and on its
  published folds.
- `ece` is the calibration error of scores with a temperature from other speakers, `ece_before` that of the
  scores as they are; `coverage_90` is how often label sets that promise 90 % hold the truth.
- `padi2021` is {speaker pre-training} x {SpecAugment} on the same folds and steps; `A-B` is the difference of
  two of its conditions on the same draws of speakers. The network is pre-trained on the 251 speakers of
  `speakers`, who speak in no emotion corpus.
- All three corpora are acted. Spontaneous speech is harder; nothing here says how much.
- Times are those of the machine named, with whatever else ran on it.

Published for RAVDESS on the same five folds and eight emotions (C. Luna-Jiménez et al., Sensors 21(22), 2021,
and later users of their folds), to set beside `ravdess.official.uar`:

| system | uar |
| --- | ---: |
| AlexNet embeddings and an SVM | 0.458 |
| CNN and LSTM | 0.567 |
| AlexNet pre-trained on ImageNet, tuned on spectrograms | 0.617 |
| ResLSTM-SA, mean of ten runs | 0.623 |
| CNN14 pre-trained on AudioSet, tuned | 0.766 |
| xlsr-wav2vec2, tuned | 0.818 |

What falls short so far:

- On EMO-DB the network from scratch is below openSMILE and a linear SVM (`emodb.loso.uar` against
  `emodb.loso.opensmile.uar`), the intervals overlapping. Its training loss has come to rest, so longer
  training is not what is missing. Tried on validation speakers, and within their noise: 128 mels with 50 ms
  windows, batches of 8, wider and shallower blocks. What moved the figure was the front end: a fixed level
  instead of each mel bin's mean, and 0 for silence.
- nEMO's folds train on four speakers, and differ more between each other than systems do: from 0.26 to 0.52
  with the same recipe.
- Transfer from speakers pays only with augmentation: alone it makes `emodb` and `ravdess` worse
  (`pre-trained` against `neither`), as a network that knows voices learns by heart which clip is whose: its
  training loss is at its floor. With masked and warped copies it adds about three points on each corpus; the
  two together gain what was hoped for on RAVDESS (eight points), and less on EMO-DB and nEMO. RAVDESS stays
  below the 0.72 and EMO-DB below the 0.85 that were hoped for. 251 speakers with one recording each are few,
  and the networks are thin and trained for 24 passes (six on nEMO) with one seed. `transfer_trials` holds
  what one change of the recipe at a time does, with three folds; six of its twelve trials have been run:
  stronger masks need more passes, and a slow trunk loses the gain.
- Two processes on two cores gain little with a thin network whose batches are normalised as a whole: a
  message for each layer and direction takes longer here than what it saves, and an epoch is no faster than
  in one process (`processes.speed_up`). `train.statistics=process` does without these messages, and networks
  of the published size hardly feel them (`processes_padi2021`). The losses of one and of two agree in the
  first step to the digits of float32; rounding grows from there, and after six epochs they differ by a few
  hundredths.
- Scoring all corpora end to end is less than six times as fast as openSMILE with an SVM
  (`throughput.times_as_fast`). The corpora here are coded as Opus, and half of a core's time goes into
  decoding that (`throughput.decode.ms_per_clip`), which both sides pay. The network has little left to give:
  it reaches more than the three fifths of a core's rate of matrix products that were hoped for. That rate is
  of float32, as this processor has no bf16.
- `fusion` has the three systems, their fusion and the baseline on the same three folds of speakers, thin and
  briefly trained: A starts from `speakers`, C from `images`, B from nothing. Fusion is not worse than its
  best member anywhere and gains up to four points, within the intervals; on EMO-DB all three together come
  to where the baseline is alone. Temperatures help where scores are far off (nEMO, the baseline) and add
  noise where they are not. Label sets that promise 90 % keep that within two points on EMO-DB and RAVDESS;
  on nEMO, where each fold has thresholds from four speakers for two others, they hold the truth in 0.85 to
  0.89 of the clips.
- System C at a quarter of AlexNet's width: learning CIFAR-10's pictures first (`images`) is worth six points
  on RAVDESS (`zhang2018_ravdess`, intervals above zero), and one to four on EMO-DB and nEMO, within the
  intervals. Attention changes little: lambda 0.3 is no worse than the mean and no better, 1 is worse on
  EMO-DB from pictures. The 0.617 of an ImageNet AlexNet on RAVDESS is far: three folds instead of five,
  seven passes, of nEMO four over a quarter of the clips. Twelve passes gave RAVDESS three points more
  (`fusion`), so these networks have not learnt to their end.
- Of the maps on EMO-DB's test clips (`explain_emodb_attention-fcn`), silencing the top tenth costs more than
  regions of the same shape elsewhere do, with intervals above zero: most by HiResCAM, less by attention,
  nothing by a map of noise. None costs as much as silencing as many of the loudest cells.
- Of the copies planted by `leaks` those that are faster by a tenth are not found, and of clipped,
  reverberant and very noisy ones some are missed; all other leaks are found, and none is seen in the corpora
  as they are.
- The default model (`default_model`, three folds of all corpora together, 21 passes of at most 900 clips a
  corpus, 20 ms between frames, one seed) is far from what was hoped for: nEMO 0.70, RAVDESS 0.80, EMO-DB
  0.88. For the three nEMO speakers that are not here, `nemo.speaker-kfold.default.uar` is the estimate
  written down beforehand, a cautious one, as its folds learn from four speakers and the model from six. On
  nEMO it is better than the same network trained on nEMO alone (`fusion`), on RAVDESS ten points worse: one
  thin network for three corpora needs more passes than two cores could give it.
- Weights of classes over all corpora at once made a class of one corpus alone (boredom, calm) outweigh what
  else its clips may be, and it was answered far too often. They are now of each corpus alone; the trials of
  `search` are older, and their figures for joint training suffer from it.
- System B is thin and hardly trained here (`liu2021_nemo_emodb`, `liu2021_nemo_ravdess`): a quarter of its
  width, pictures of 80 pixels, eight passes, three folds, one seed, a tenth of nEMO's training clips and a
  quarter of RAVDESS's where they are tested on. Spectrograms of nEMO first are worth five to six points on
  EMO-DB, with an interval that just touches zero, and three on RAVDESS, with one above it: of the five
  points on both that were hoped for, one is met in part. Waveforms gain nothing, nothing gained on nEMO, and
  training on both corpora no more than training on one. Speakers heard in training add only one to two
  points on nEMO (`nemo.random_gap`): networks that have barely learnt the emotions have not learnt the
  voices either, so this says little of what the literature's 90 % are made of.
- The default model keeps what it knows at 8 kHz, as MP3, in noise down to 10 dB, in rooms and at other
  levels (`live_limits_default`, a fifth of the clips of its first fold), but not on telephone lines, where
  twenty points are lost instead of the five hoped for: a tenth of the clips over lines is too little. Two
  brief trainings that differ in this alone (`live_limits_without`, `live_limits_with`, which has a seventh)
  show that it can be learnt.
- int8 loses less than half a point of uar and is a quarter faster than float32, not half as hoped for
  (`export`). Where the rest of the time goes is not measured; the front end stays in float32.
- `search` has ten trials so far, one division of the speakers each. What helped: starting from speakers, a
  lower learning rate, and 10 ms between frames, at more than twice the cost of 20. Milder distortions cost
  little. Width, pooling, mixup, speaker-adversarial loss and distillation were not tried.
- Not measured yet: scoring on a graphics card.
- The intervals of `opensmile_baseline` are older, narrower ones than the rest.
- `speakers` has 400 trials of ten speakers, too few to tell networks apart that are wrong in one trial out
  of fifty. `padi2021`, `learning_curve_emodb` and `transfer_trials` say from which run they start.
- A recording of ten hours is scored in windows in the memory of `long_file.windows.long.peak_mb`; whole it
  is refused with advice by networks that must hear a recording at once. One with attention takes it whole,
  and explains it, in well below a gigabyte (`long_file_attention-fcn`). By other maps than attention ten
  hours were not explained to their end.
- The learning curve on EMO-DB shows the gain of transfer where clips are few; with all of them both are
  alike on its three folds, unlike on ten.
- A model folder whose graph is a bomb of repeated operators is refused, but only after the seconds and the
  memory given as `hostile_models.slowest_bomb.s` and `hostile_models.memory_bomb.mib`.
"""

Figures = Mapping[str, float]


def main() -> None:
    results = load(RESULTS)
    files.write_text(PAGE, page(results))
    files.write_text(README, readme(README.read_text("utf-8"), results))
    files.write_text(SCALE, scale(SCALE.read_text("utf-8"), results))


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> record, in the order of the names."""
    return {path.stem: files.read_json(path) for path in sorted(folder.glob("*.json"))}


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole of `docs/results.md`."""
    return "\n".join([INTRODUCTION, *(_section(name, result) for name, result in results.items())])


def accuracy_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """How right each system is on each corpus: the figures named `corpus.protocol.system.metric`."""
    known = corpora.names()
    rows = []
    for result in results.values():
        for prefix, metrics in _by_prefix(result["figures"]).items():
            corpus, _, rest = prefix.partition(".")
            protocol, _, system = rest.partition(".")
            if corpus in known and protocol in PROTOCOLS and {"uar", "wa"} <= set(metrics):
                rows.append((corpus, protocol, system or "affekt", metrics["uar"], metrics["wa"]))
    return _table(["corpus", "protocol", "system", "uar", "wa"], sorted(rows), left=3)


def headline_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The few other figures that a newcomer asks for, as far as they were measured."""
    figures = {key: value for result in results.values() for key, value in result["figures"].items()}
    units = {"s": " s", "mb": " MB"}
    rows = [
        [said, f"{_number(figures[key])}{units.get(key.rpartition('.')[2], '')}"]
        for key, said in HEADLINES.items()
        if key in figures
    ]
    return _table(["measured", "value"], rows)


def readme(text: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """The README with the figures, and what the shipped model says, between their markers."""
    text = _between("results", f"{accuracy_table(results)}\n\n{headline_table(results)}", text)
    if MODELS["default"].is_dir():
        text = _between("predict", f"```csv\n{_predicted()}```", text)
    return text


def scale(text: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """`docs/scale.md` with its plan between the markers."""
    return _between("plan", scale_plan.plan(results), text)


def _predicted() -> str:
    """What `affekt predict` prints for the example clips, from the root of the tree."""
    stream = io.StringIO()
    recognizer = Recognizer.load()
    with writers.to_stream(stream, columns(recognizer), "csv") as write:
        for row in predict([EXAMPLES], recognizer):
            write(row)
    return stream.getvalue()


def _between(name: str, content: str, text: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"no {begin} ... {end}; put the two markers where that belongs")
    return f"{before}{begin}\n{content}\n{end}{after}"


def _section(name: str, result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    measured = (
        f"`{result['command']}` at commit `{result['commit'][:12]}`, {_seconds(result['seconds'])} on "
        f"{machine['cores']} cores ({machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']})."
    )
    details = result["details"] if isinstance(result["details"], dict) else {}
    if at := sorted({one[:12] for one in details.get("trained_at", {}).values()}):
        measured += f" The runs were trained at {', '.join(f'`{one}`' for one in at)}."
    figures = result["figures"]
    metrics = _by_prefix(figures)
    others = {key: value for key, value in figures.items() if not {*METRICS, *ENDS} & {*key.split(".")[-2:]}}
    parts = [f"## {name}", *_purpose(result["command"]), measured]
    if (RESULTS / f"{name}.png").is_file():
        parts.append(f"![{name}](../benchmarks/results/{name}.png)")
    if metrics:
        used = [metric for metric in METRICS if any(metric in row for row in metrics.values())]
        rows = [[prefix, *(row.get(metric, "–") for metric in used)] for prefix, row in metrics.items()]
        parts.append(_table(["figure", *used], rows))
    if others:
        parts.append(_table(["figure", "value"], [[key, _number(value)] for key, value in others.items()]))
    return "\n\n".join(parts) + "\n"


def _by_prefix(figures: Figures) -> dict[str, dict[str, str]]:
    """`corpus.protocol.system` -> metric -> its value, with the interval where there is one."""
    found: dict[str, dict[str, str]] = {}
    for key, value in figures.items():
        prefix, _, metric = key.rpartition(".")
        if metric in METRICS:
            low, high = (figures.get(f"{key}.{end}") for end in ENDS)
            interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
            found.setdefault(prefix, {})[metric] = f"{value:.3f}{interval}"
    return found


def _purpose(command: str) -> list[str]:
    """The first line of the docstring of the benchmark that a command runs, where it is here."""
    script = next((word for word in command.split() if word.endswith(".py")), "")
    path = ROOT / script
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) if script and path.is_file() else None
    return [docstring.splitlines()[0]] if docstring else []


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1e4 else f"{value:.4g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


if __name__ == "__main__":
    main()
