"""What a check has to say, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

REMEDIES = {
    "unusable": "correct the table or the folder; nothing else was looked at",
    "empty": "give the folder that holds the corpus",
    "unknown_label": "map each word with `labels` to an emotion, or to None for clips to be left out",
    "missing_file": "fetch the files, or take their rows out",
    "wrong_count": "get the corpus again, or say in what you publish that it is another edition",
    "missing_speakers": "results on a part of a corpus do not compare with those on the whole",
    "partial": "results on a part of a corpus do not compare with those on the whole",
    "complete": "",
    "unmatched": "give them a name or a folder that says what they are, or take them away",
    "misplaced": "move each into the folder of the speaker in its name",
    "name_contradicts": "correct the table: a published corpus's file names are the truth",
    "unreadable": "export the files again from their source, or take their rows out",
    "segment_past_end": "correct the times: they belong to another edition of the recording",
    "truncated": "copy the files again from their source",
    "silent": "take their rows out: there is nothing to hear",
    "clipped": "export them again with less gain, or keep them and say so",
    "cancelled": "the channels cancel each other: keep one of them",
    "too_short": "take them out, or join them: less than 0.3 s holds no emotion to be heard",
    "not_compared": "copies of these under other bytes would not be found",
    "no_speaker": "fill the column `speaker`; without it only speaker-dependent folds can be made",
    "speaker_spelling": "write each speaker in one way",
    "speaker_similar": "if they are one person, write one name",
    "speaker_voice": "listen to both; if they are one person, write one name",
    "speaker_gender": "correct the column `gender`, or the column `speaker`",
    "speaker_one_emotion": "a recogniser can learn these voices instead of the emotion; get more of each",
    "label_imbalance": "report uar, weight the classes, and collect more of the rare ones",
    "gender_imbalance": "report figures for each gender; collect more of the other",
    "duplicate_audio": "keep one of each",
    "near_copy": "keep one of each",
    "label_given_away": "process all classes alike: level, cut and convert every clip in the same way",
    "label_suspected": "listen to these first; correct what is wrong, and leave what is only unusual",
    "leaking_speaker": "put all clips of a speaker into one part",
    "leaking_recording": "put all segments of a recording into one part",
    "leaking_audio": "remove one of each, or put both into one part",
    "leaking_sentence": "test on other sentences, or say that the words are known",
    "leaking_session": "put whole sessions into one part: partners share a room and a conversation",
    "no_folds": "choose another protocol, or add what this one needs",
}
"""What to do about each finding, by its code."""


@dataclass(frozen=True)
class Finding:
    """One thing the check has to say.

    `files` are all that it concerns, relative to the root. `rows` are the table's, counted from 1 below the
    header, where it is about rows of a table. `numbers` are what was measured.
    """

    severity: Severity
    code: str
    message: str
    files: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    numbers: dict[str, float] | None = None

    @property
    def remedy(self) -> str:
        """What to do about it, for people."""
        return REMEDIES[self.code]

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "files": list(self.files),
            "rows": list(self.rows),
            "numbers": self.numbers or {},
        }
