"""The model card: Hub front matter, what the model was trained on, how it was tested, what it is not for."""

from __future__ import annotations

from affekt.config import BASELINE, ModelConfig
from affekt.evaluation.sections import Section, Table


def card(config: ModelConfig, tested: str) -> str:
    """The card's Markdown; `tested` says how the figures in `config.metrics` were found."""
    parts = [
        _FRONT.format(title=f"{config.system}: {_subject(config)}"),
        _PURPOSES[config.task] + _NEEDS.get(config.system, ""),
    ]
    for section in card_sections(config, tested):
        parts += [f"## {section.title}", *(_markdown(part) for part in section.parts)]
    return "\n\n".join(parts) + "\n"


def card_sections(config: ModelConfig, tested: str) -> list[Section]:
    """What a card says under its headings; pages say the same."""
    training = config.training
    corpora = tuple(
        (one.name, _count(one.clips), _count(one.speakers), one.licence, one.citation)
        for one in training.corpora
    )
    figures = tuple(
        (f"`{name}`", f"{metric.value:.3f}", _interval(metric.low, metric.high))
        for name, metric in config.metrics.items()
    )
    made = [
        f"Seed {training.seed}, {training.seconds:.0f} s of training, "
        f"commit `{training.commit or 'release'}`, by `{training.command}`.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in training.versions.items())}.",
    ]
    return [
        Section(
            "trained",
            "Trained on",
            (
                Table(("corpus", "clips", "speakers", "licence", "citation"), corpora),
                f"Licence of the weights: {config.licence}.",
            ),
        ),
        Section(
            "tested",
            "Tested",
            (
                tested,
                Table(("figure", "value", "95 % interval"), figures) if figures else "No figures yet.",
                _INTERVALS[config.task],
            ),
        ),
        Section("scores", "Scores", (_scores(config),)),
        Section("made", "How it was made", tuple(made)),
        Section("not-for", "What it is not for", LIMITS),
    ]


def how_tested(text: str) -> str:
    """What a card says of how its figures were found, `""` where it does not."""
    _, found, rest = text.partition("\n## Tested\n")
    return rest.strip().partition("\n\n")[0] if found else ""


def _markdown(part: str | Table) -> str:
    if isinstance(part, str):
        return f"- {part}" if part in LIMITS else part
    lines = [part.head, ["---"] * len(part.head), *part.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


_FRONT = """---
library_name: affekt
pipeline_tag: audio-classification
license: other
tags: [speech-emotion-recognition, onnx, affekt]
---
# {title}"""

LIMITS = (
    "It hears how a voice sounds, not what a person feels; the same sound means different things in "
    "different people, languages and situations.",
    "It learnt from actors who were asked to sound so. Spontaneous speech, telephone lines, noise, children "
    "and languages other than those of its corpora will make it wrong more often than the figures above say.",
    "Not for decisions about people: hiring, school, insurance, policing, health, credit. In the European "
    "Union, inferring emotions at work and in education is prohibited with few exceptions (AI Act, "
    "article 5).",
)
"""What no recogniser of this kind is for."""

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
        f"Scores are calibrated by a temperature of {config.temperature:.2f}, fitted on {found.source}, "
        f"{found.clips} clips of {found.speakers} speakers. Elsewhere 0.9 need not mean right nine times in "
        "ten."
    )


def _count(number: int | None) -> str:
    return "not known" if number is None else str(number)


def _subject(config: ModelConfig) -> str:
    if config.task == "emotion":
        return ", ".join(config.labels)
    return f"{len(config.labels)} {'kinds of pictures' if config.task == 'images' else config.task}"


def _interval(low: float | None, high: float | None) -> str:
    return f"{low:.3f} to {high:.3f}" if low is not None and high is not None else "none"
