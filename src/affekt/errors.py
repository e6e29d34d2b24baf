"""Every error that Affekt raises on purpose, in one tree.

AffektError
|- UsageError            a wrong argument, option or recipe key
|  |- MissingExtraError  an optional dependency is not installed
|  `- LockedError        another run is writing to the same place
|- AudioError            a recording cannot be used
|  |- AudioNotFoundError
|  |- AudioFormatError        not audio, or a format that needs an extra
|  |- AudioCorruptError       a header or the data cannot be decoded
|  |- AudioEmptyError         no samples
|  |- AudioNonFiniteError     NaN or infinite samples
|  |- AudioTooLargeError      over a limit on length, size, rate or channels
|  |- AudioCrashedError       its decoder, a process of its own, died of it
|  |- AudioTimeoutError       its decoder did not end in time
|  `- AudioMemoryError        its decoder wanted more memory than is allowed
|- CorpusError           a corpus folder or a table is not as it should be
|  `- SplitError         folds cannot be made, or would leak a speaker
|- ModelFolderError      a model folder is damaged, incomplete or not to be trusted
|- TrainingError         training had to stop (a loss that is not finite, no space left)
`- TrackingError         a tracker cannot be reached, or refuses; the run itself is not touched by it

Each message is one line: the file or key, what is wrong, what to do.
"""

from __future__ import annotations

from typing import ClassVar


class AffektError(Exception):
    """The base of all of Affekt's errors; `code` names the kind in tables and JSON."""

    code: ClassVar[str] = "error"


class UsageError(AffektError):
    """A wrong argument, option or recipe key."""

    code = "usage"


class MissingExtraError(UsageError):
    """An optional dependency is needed and not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs an extra: pip install "affekt[{extra}]"')
        self.extra = extra


class LockedError(UsageError):
    """Another run is writing to the same place."""

    code = "locked"


class AudioError(AffektError):
    """A recording cannot be used; `name` is the file, or a label for bytes and arrays."""

    code = "audio"

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{name}: {problem}; {remedy}")
        self.name = name
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[AudioError], tuple[str, str, str]]:
        return type(self), (self.name, self.problem, self.remedy)


class AudioNotFoundError(AudioError):
    """There is no such file, or it may not be read."""

    code = "not_found"


class AudioFormatError(AudioError):
    """The bytes are not audio, or of a format that needs an extra."""

    code = "format"


class AudioCorruptError(AudioError):
    """A header or the data cannot be decoded."""

    code = "corrupt"


class AudioEmptyError(AudioError):
    """The recording holds no samples."""

    code = "empty"


class AudioNonFiniteError(AudioError):
    """The recording holds NaN or infinite samples."""

    code = "non_finite"


class AudioTooLargeError(AudioError):
    """The recording is over a limit on length, size, rate or channels."""

    code = "too_large"


class AudioCrashedError(AudioError):
    """The process that decoded the recording died of it."""

    code = "crashed"


class AudioTimeoutError(AudioError):
    """The process that decoded the recording did not end in time."""

    code = "timeout"


class AudioMemoryError(AudioError):
    """The process that decoded the recording wanted more memory than is allowed."""

    code = "memory"


class CorpusError(AffektError):
    """A corpus folder or a table is not as it should be."""

    code = "corpus"


class SplitError(CorpusError):
    """Folds cannot be made, or would leak a speaker."""

    code = "split"


class ModelFolderError(AffektError):
    """A model folder is damaged, incomplete or not to be trusted."""

    code = "model"


class TrackingError(AffektError):
    """A tracker cannot be reached, or refuses; what it has not heard can be sent later."""

    code = "tracking"


class TrainingError(AffektError):
    """Training had to stop before its end."""

    code = "training"
