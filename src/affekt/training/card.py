"""The model card: Hub front matter, what the model was trained on, how it was tested, what it is not for."""

from __future__ import annotations

from affekt.config import BASELINE, ModelConfig


def card(config: ModelConfig, tested: str) -> str:
    """The card's Markdown; `tested` says how the figures in `config.metrics` were found."""
    corpora = "\n".join(
        f"| {one.name} | {_count(one.clips)} | {_count(one.speakers)} | {one.licence} | {one.citation} |"
        for one in config.training.corpora
    )
    figures = "\n".join(
        f"| `{name}` | {metric.value:.3f} | {_interval(metric.low, metric.high)} |"
        for name, metric in config.metrics.items()
    )
    measured = (
        f"| figure | value | 95 % interval |\n|---|---|---|\n{figures}" if figures else "No figures yet."
    )
    return f"""---
library_name: affekt
pipeline_tag: audio-classification
license: other
tags: [speech-emotion-recognition, onnx, affekt]
---
# {config.system}: {_subject(config)}

{_PURPOSES[config.task]}{_NEEDS.get(config.system, "")}

## Trained on
| corpus | clips | speakers | licence | citation |
|---|---|---|---|---|
{corpora}

Licence of the weights: {config.licence}.
Seed {config.training.seed}, {config.training.seconds:.0f} s of training,
commit `{config.training.commit or "release"}`.

## Tested
{tested}

{measured}

{_INTERVALS[config.task]}

## What it is not for
- It hears how a voice sounds, not what a person feels; the same sound means different things in different
  people, languages and situations.
- It learnt from actors who were asked to sound so. Spontaneous speech, telephone lines, noise, children and
  languages other than those of its corpora will make it wrong more often than the figures above say.
- Not for decisions about people: hiring, school, insurance, policing, health, credit. In the European Union,
  inferring emotions at work and in education is prohibited with few exceptions (AI Act, article 5).
- {_scores(config)}
"""


_PURPOSES = {
    "emotion": """Recognises which emotion a voice expresses, on its own or through
`affekt predict --model FOLDER`.
Input is speech at 16 kHz of any length; output is a score for each of the labels above.""",
    "speakers": """Tells speakers apart: a place to start from when training on emotion,
`affekt train data=CORPUS:FOLDER init=THIS_FOLDER`. Input is speech at 16 kHz of any length; the cosine of two
clips' embeddings is high where one speaker is heard in both.""",
    "images": """Tells pictures apart: a place to start from when training on emotion,
`affekt train attention-fcn data=CORPUS:FOLDER init=THIS_FOLDER`, where spectrograms take the pictures' place.
`model.onnx` hears sounds as every model does, and says which kind of picture their spectrogram is taken for,
which means nothing; the weights are what counts.""",
}

_NEEDS = {
    BASELINE: """
It is a baseline: `model.onnx` hears functionals of openSMILE, not samples, so it runs where that is installed
(`pip install "affekt[baseline]"`) and nowhere else. openSMILE is free for research and private use; for
commercial use, audEERING sells licences.""",
}

_INTERVALS = {
    "emotion": "Intervals come from resampling speakers, not clips.",
    "speakers": "Intervals come from resampling speakers, not clips.",
    "images": "Intervals are Wilson's, for pictures of their own each.",
}


def _scores(config: ModelConfig) -> str:
    if config.calibration is None:
        return "Scores are not calibrated: 0.9 does not mean right nine times in ten."
    found = config.calibration
    return (
        f"Scores are calibrated by a temperature of {config.temperature:.2f}, fitted on {found.source},\n"
        f"  {found.clips} clips of {found.speakers} speakers. Elsewhere 0.9 need not mean right nine times\n"
        "  in ten."
    )


def _count(number: int | None) -> str:
    return "not known" if number is None else str(number)


def _subject(config: ModelConfig) -> str:
    if config.task == "emotion":
        return ", ".join(config.labels)
    return f"{len(config.labels)} {'kinds of pictures' if config.task == 'images' else config.task}"


def _interval(low: float | None, high: float | None) -> str:
    return f"{low:.3f} to {high:.3f}" if low is not None and high is not None else "none"
