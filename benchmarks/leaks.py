"""Planted leaks that `affekt corpus check` finds, and its false alarms on corpora as they are.

In tables of EMO-DB, RAVDESS and nEMO, copies of test clips are put among the training clips in many ways,
speakers are written in two ways or put into two parts, sentences and sessions shared, recordings processed by
class, labels changed. Of each way it is told how many were found. The corpora as they come are checked too:
what is said of them is in `details`, and errors are false alarms.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _leaks import CHANGES, GIVES, LINKS, write
from _record import DATA, record

from affekt import audio, corpora
from affekt.doctor import Checkup, check_corpus
from affekt.doctor.subjects import Subject
from affekt.doctor.suspects import quick_doubts

PROTOCOLS = {"emodb": "loso", "ravdess": "official", "nemo": "speaker-kfold"}
COPIES = {"near_copy", "duplicate_audio"}
FLIPPED = 0.05


def parted(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `split`: a fifth of the speakers, one at least, to validation and to test."""
    speakers = sorted(table["speaker"].unique())
    fifth = max(1, len(speakers) // 5)
    part = {
        name: "test" if at < fifth else "validation" if at < 2 * fifth else "train"
        for at, name in enumerate(speakers)
    }
    return table.assign(file=table["path"], split=[part[name] for name in table["speaker"]]).drop(
        columns="path"
    )


def checked(table: pd.DataFrame, folder: Path, **options: Any) -> Checkup:
    """The check of a table."""
    path = folder / "table.csv"
    table.to_csv(path, index=False)
    return check_corpus(str(path), **options)


def codes(found: Checkup) -> set[str]:
    """What was found."""
    return {finding.code for finding in found.findings}


def plant_copies(
    table: pd.DataFrame, folder: Path, each: int, seed: int
) -> tuple[pd.DataFrame, dict[str, list[tuple[str, str]]]]:
    """The table with changed copies of test clips among the training clips, and whose copies they are."""
    random = np.random.default_rng(seed)
    tests = table[table["split"] == "test"]["file"].tolist()
    trained = table[table["split"] == "train"]
    ways = [*CHANGES, *LINKS]
    rows = []
    planted: dict[str, list[tuple[str, str]]] = {way: [] for way in ways}
    for way in ways:
        for number, at in enumerate(random.choice(len(tests), min(each, len(tests)), replace=False).tolist()):
            source = Path(tests[at])
            target = folder / way.replace(".", "_") / f"{number}{source.suffix if way in LINKS else '.wav'}"
            target.parent.mkdir(parents=True, exist_ok=True)
            host = trained.iloc[int(random.integers(len(trained)))]
            if way in LINKS:
                LINKS[way](source, target)
            else:
                write(target, CHANGES[way](audio.read(source), audio.read(host["file"]), seed + number))
            rows.append({**host, "file": str(target)})
            planted[way].append((str(source), str(target)))
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True), planted


def measure_copies(table: pd.DataFrame, folder: Path, each: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Of each way, the share of copies that were found; and groups of other clips taken for equal."""
    both, planted = plant_copies(table, folder, each, seed=0)
    found = checked(both, folder)
    groups = [set(finding.files) for finding in found.findings if finding.code in COPIES]
    figures: dict[str, float] = {}
    counts: dict[str, Any] = {}
    for way, pairs in planted.items():
        hits = sum(any(source in group and target in group for group in groups) for source, target in pairs)
        figures[f"copy.{way}.found"] = hits / len(pairs)
        counts[way] = {"planted": len(pairs), "found": hits}
    origin = {target: source for pairs in planted.values() for source, target in pairs}
    # A joined copy rightly holds two clips, so that its group has two origins.
    known = {file for file in origin if "/joined/" in file}
    false = [
        sorted(group)
        for group in groups
        if not group & known and len({origin.get(file, file) for file in group}) > 1
    ]
    return figures, {"copies": counts, "groups_of_several_clips": false}


def plants(table: pd.DataFrame) -> dict[str, tuple[pd.DataFrame, str]]:
    """Tables with one fault each, and the code that tells of it."""
    test = table["split"] == "test"
    speakers = sorted(table["speaker"].unique())
    tested, watched, trained = (
        table[table["split"] == part]["speaker"].iloc[0] for part in ("test", "validation", "train")
    )
    half = np.arange(len(table)) % 2 == 0
    both = (table["speaker"] == trained) & half
    moved = table.assign(split=table["split"].mask(both, "test"))

    def named(spelling: str) -> pd.DataFrame:
        return moved.assign(speaker=moved["speaker"].map(lambda name: f"Änne {name}").mask(both, spelling))

    own = table.assign(text=[f"sentence {at}" for at in range(len(table))])
    shared = own.assign(
        text=own["text"].mask(
            own.index == table[test].index[0], own["text"].iloc[-1 if not test.iloc[-1] else 0]
        )
    )
    return {
        "speaker_case": (named(f"änne {trained}"), "leaking_speaker"),
        "speaker_blanks": (named(f"Änne  {trained}"), "leaking_speaker"),
        "speaker_zero_padding": (
            named(f"Änne 00{trained}" if trained[0].isdigit() else f"Änne_{trained}"),
            "leaking_speaker",
        ),
        "speaker_unicode": (named(f"A\u0308nne {trained}"), "leaking_speaker"),
        "speaker_accent": (named(f"Anne {trained}"), "speaker_similar"),
        "speaker_in_two_parts": (moved, "leaking_speaker"),
        "validation_speaker_in_test": (
            table.assign(split=table["split"].mask((table["speaker"] == watched) & half, "test")),
            "leaking_speaker",
        ),
        "segments_of_one_clip": (
            pd.concat(
                [
                    table.assign(start=0.0, end=0.5),
                    table[test].head(1).assign(start=0.5, end=1.0, split="train", speaker=trained),
                ]
            ),
            "leaking_recording",
        ),
        "session_partner": (
            table.assign(
                session=[{tested: "1", trained: "1"}.get(name, f"s{name}") for name in table["speaker"]]
            ),
            "leaking_session",
        ),
        "sentence": (shared, "leaking_sentence"),
        "unknown_label": (
            table.assign(emotion=table["emotion"].mask(table.index == 0, "hapy")),
            "unknown_label",
        ),
        "one_emotion": (
            table[(table["speaker"] != trained) | (table["emotion"] == table["emotion"].iloc[0])],
            "speaker_one_emotion",
        ),
        "two_genders": (
            table.assign(gender=["male" if at == 0 else "female" for at in range(len(table))]),
            "speaker_gender",
        ),
        "few_of_a_label": (
            table[(table["emotion"] != "fear") | (table["speaker"] == speakers[0])],
            "label_imbalance",
        ),
    }


def measure_tables(table: pd.DataFrame, folder: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """Whether each fault is told; how many are told, beyond a note, without it."""
    clean = checked(table, folder, quick=True)
    silent = {one.code for one in clean.findings if one.severity != "info"}
    figures = {"table.false_alarms": float(sum(code in silent for _, code in plants(table).values()))}
    for name, (faulty, code) in plants(table).items():
        figures[f"table.{name}.found"] = float(code in codes(checked(faulty, folder, quick=True)))
    return figures, {"without_plants": [(one.severity, one.code, one.message) for one in clean.findings]}


def measure_gives(table: pd.DataFrame, folder: Path, clips: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Whether recordings that were processed by class are told, and how gravely; and as they are."""
    chosen = table.sample(min(clips, len(table)), random_state=0).sort_index()
    classes = sorted(chosen["emotion"].unique())
    details: dict[str, Any] = {}
    figures: dict[str, float] = {}
    for way in ("none", *GIVES):
        random = np.random.default_rng(0)
        rows = []
        for number, row in enumerate(chosen.to_dict("records")):
            target = folder / f"give-{way}" / f"{number}.wav"
            samples, rate = audio.read(row["file"]), audio.SAMPLE_RATE
            if way != "none":
                samples, rate = GIVES[way](samples, classes.index(row["emotion"]), random)
            write(target, samples, rate)
            rows.append({**row, "file": str(target)})
        found = checked(pd.DataFrame(rows), folder)
        told = [one for one in found.findings if one.code == "label_given_away"]
        worst = min((("error", "warning", "info").index(one.severity) for one in told), default=3)
        details[way] = {
            "told": ("error", "warning", "info", "nothing")[worst],
            "as": [one.message for one in told],
        }
        figures[f"give.{way}.grave"] = float(worst < 2)
    return figures, details


def measure_flips(clean: Checkup) -> tuple[dict[str, float], dict[str, Any]]:
    """Of labels changed by lot, how many are doubted, and how many of as many first suspects are such."""
    random = np.random.default_rng(0)
    assert clean.subject is not None
    known = clean.subject.table.copy()
    flipped = set(random.choice(len(known), round(FLIPPED * len(known)), replace=False).tolist())
    classes = sorted(known["emotion"].unique())
    known["emotion"] = [
        str(random.choice([one for one in classes if one != emotion])) if at in flipped else emotion
        for at, emotion in enumerate(known["emotion"])
    ]
    doubts = quick_doubts(Subject(known), clean.heard)
    if doubts is None:
        return {}, {}
    suspects = [one.row for one in doubts.suspects]
    caught = len(flipped & set(suspects))
    first = len(flipped & set(suspects[: len(flipped)]))
    return (
        {"flips.recall": caught / len(flipped), "flips.precision_of_first": first / len(flipped)},
        {"flipped": len(flipped), "suspected": len(suspects), "uar": doubts.uar, "chance": FLIPPED},
    )


def measure_voices(table: pd.DataFrame, folder: Path, model: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Three speakers with half of their clips under another name: how many a speaker model finds."""
    renamed = table.copy()
    chosen = sorted(table["speaker"].unique())[::2][:3]
    for name in chosen:
        places = renamed.index[renamed["speaker"] == name][::2]
        renamed.loc[places, "speaker"] = f"other-{name}"
    found = checked(renamed, folder, speaker_model=model)
    told = [one for one in found.findings if one.code == "speaker_voice"]
    right = [
        name
        for name in chosen
        if any(f"other-{name} " in one.message and f"{name} and" in one.message for one in told)
    ]
    figures = {"voices.found": len(right) / len(chosen), "voices.false_alarms": float(len(told) - len(right))}
    return figures, {"told": [one.message for one in told]}


def _short(message: str) -> str:
    """A message with file names in the place of paths."""
    return re.sub(r"/\S*/", "", message)


def main() -> None:
    """Plants, checks and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--corpora", nargs="*", default=list(PROTOCOLS), choices=list(PROTOCOLS))
    parser.add_argument("--each", type=int, default=20, help="Copies planted in each way.")
    parser.add_argument("--clips", type=int, default=400, help="Clips that are processed by class.")
    parser.add_argument("--most", type=int, default=10_000, help="Clips of each corpus, by lot.")
    parser.add_argument("--speaker-model", help="A folder of `affekt pretrain speakers`; else no voices.")
    options = parser.parse_args()
    started = time.perf_counter()
    figures: dict[str, float] = {}
    details: dict[str, Any] = {}
    for corpus in options.corpora:
        source = f"{corpus}:{options.data / corpus}"
        everything = corpora.load(source)
        if options.most < len(everything):
            everything = everything.sample(options.most, random_state=0).sort_index(ignore_index=True)
            with tempfile.TemporaryDirectory() as place:
                listed = everything.assign(file=everything["path"]).drop(columns="path")
                clean = checked(listed, Path(place), protocol=PROTOCOLS[corpus])
        else:
            clean = check_corpus(source, protocol=PROTOCOLS[corpus])
        figures[f"{corpus}.clips"] = len(everything)
        figures[f"{corpus}.clean.errors"] = clean.count("error")
        figures[f"{corpus}.clean.warnings"] = clean.count("warning")
        details[corpus] = {"clean": [(one.severity, one.code, _short(one.message)) for one in clean.findings]}
        table = parted(everything)
        steps: dict[str, Callable[[Path], tuple[dict[str, float], dict[str, Any]]]] = {
            "copies": lambda folder, table=table: measure_copies(table, folder, options.each),  # type: ignore[misc]
            "tables": lambda folder, table=table: measure_tables(table, folder),  # type: ignore[misc]
            "gives": lambda folder, table=table: measure_gives(table, folder, options.clips),  # type: ignore[misc]
            "flips": lambda _, clean=clean: measure_flips(clean),  # type: ignore[misc]
        }
        if model := options.speaker_model:
            steps["voices"] = lambda folder, table=table: measure_voices(table, folder, model)  # type: ignore[misc]
        for name, step in steps.items():
            with tempfile.TemporaryDirectory() as place:
                numbers, told = step(Path(place))
            figures |= {f"{corpus}.{key}": value for key, value in numbers.items()}
            details[corpus][name] = told
            print(corpus, name, numbers, f"{time.perf_counter() - started:.0f} s", flush=True)
    record("leaks", figures, details, started)


if __name__ == "__main__":
    main()
