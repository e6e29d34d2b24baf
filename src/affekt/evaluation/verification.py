"""Speaker verification: trials of two clips each, and how well scores tell whether one person speaks in both.

A trial has a score, the higher the more alike, and is a target (`same`) or not. Every threshold on the score
is an operating point: the share of targets below it is missed, the share of the others at or above it are
false alarms. Trials of one score pass or fail together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from affekt import files
from affekt.errors import UsageError
from affekt.evaluation.bootstrap import Interval, percentile_interval
from affekt.evaluation.metrics import Values

_LIST_BYTES = 2**28

_Names: TypeAlias = NDArray[np.str_]
_Places: TypeAlias = NDArray[np.int64]


class Trial(NamedTuple):
    """Two clips by their positions, and whether one person speaks in both."""

    same: bool
    first: int
    second: int


class _Ranking:
    """Trials from the highest score down: sorted once, and weighed anew for every draw of speakers."""

    def __init__(self, scores: ArrayLike, same: ArrayLike) -> None:
        values, target = np.asarray(scores, np.float64), np.asarray(same, np.bool_)
        if values.ndim != 1 or values.shape != target.shape:
            raise UsageError(f"scores are {values.shape}, same is {target.shape}; give one each per trial")
        if np.isnan(values).any():
            raise UsageError(
                f"scores: {int(np.isnan(values).sum())} of {len(values)} are NaN; score them anew"
            )
        if target.all() or not target.any():
            raise UsageError(
                f"trials: {int(target.sum())} targets of {len(target)}; give trials of one speaker and of two"
            )
        self.order = np.argsort(-values, kind="stable")
        self.same = target[self.order]
        ranked = values[self.order]
        self.ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)

    def error_rates(self, weights: Values) -> tuple[Values, Values]:
        """Misses and false alarms [points], from the threshold that refuses all to the one that takes all."""
        ranked = weights[self.order]
        accepted = np.cumsum(np.where(self.same, ranked, 0))[self.ends]
        alarmed = np.cumsum(np.where(self.same, 0, ranked))[self.ends]
        if not accepted[-1] or not alarmed[-1]:
            return np.full(2, np.nan), np.full(2, np.nan)
        misses = 1 - accepted / accepted[-1]
        return np.concatenate([[1], misses]), np.concatenate([[0], alarmed / alarmed[-1]])


def eer(scores: ArrayLike, same: ArrayLike) -> float:
    """Equal error rate, 0 to 1: where misses and false alarms are equally frequent.

    Between neighbouring operating points both rates run straight, along the ROC curve itself and not its
    convex hull. Scores [trials] count by their order alone.

    Raises:
        UsageError: lengths differ, a score is NaN, or targets or the other trials are missing.
    """
    ranking = _Ranking(scores, same)
    return _crossing(*ranking.error_rates(np.ones(len(ranking.order))))


def min_dcf(
    scores: ArrayLike, same: ArrayLike, *, p_target: float = 0.01, c_miss: float = 1.0, c_fa: float = 1.0
) -> float:
    """The least detection cost that any threshold reaches, 0 to 1, where 1 is deciding without listening.

    c_miss * p_target * misses + c_fa * (1 - p_target) * false alarms, over the cost of refusing all or of
    taking all, whichever is less: NIST, 2016 Speaker Recognition Evaluation Plan.

    Raises:
        UsageError: as `eer`, or `p_target` is not between 0 and 1, or a cost is not above 0.
    """
    if not 0 < p_target < 1 or not min(c_miss, c_fa) > 0:
        raise UsageError(
            f"p_target {p_target}, c_miss {c_miss}, c_fa {c_fa}: give a share between 0 and 1, costs above 0"
        )
    ranking = _Ranking(scores, same)
    misses, alarms = ranking.error_rates(np.ones(len(ranking.order)))
    missing, alarming = c_miss * p_target, c_fa * (1 - p_target)
    return float((missing * misses + alarming * alarms).min() / min(missing, alarming))


def eer_interval(
    scores: ArrayLike,
    first: Iterable[str],
    second: Iterable[str],
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The equal error rate with an interval from resampling speakers, not trials.

    Whole speakers are drawn with replacement. A trial of two speakers counts as often as its first was drawn
    times its second: Snijders and Borgatti, Connections 22(2), 1999; Owen, *The pigeonhole bootstrap*, Annals
    of Applied Statistics 1(2), 2007, who shows that this errs on the wide side. A target belongs to one
    speaker, and counts as often as that one was drawn: a square would make its rate vary far too much.

    Args:
        scores: [trials].
        first, second: who speaks in the two clips of each trial; one name makes a target.
        resamples, level, seed: as in `cluster_bootstrap`.

    Raises:
        UsageError: as `eer`, or `level` or `resamples` is out of range.
    """
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}; give at least 1")
    one, other = _texts(first), _texts(second)
    if len(one) != len(other):
        raise UsageError(f"first has {len(one)} speakers, second has {len(other)}; give one each per trial")
    ranking = _Ranking(scores, one == other)
    names, places = np.unique(np.concatenate([one, other]), return_inverse=True)
    left, right = np.split(places, 2)
    rng = np.random.default_rng(seed)
    draws = np.empty(resamples)
    for draw in range(resamples):
        times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names)).astype(
            np.float64
        )
        weights = np.where(left == right, times[left], times[left] * times[right])
        draws[draw] = _crossing(*ranking.error_rates(weights))
    value = _crossing(*ranking.error_rates(np.ones(len(one))))
    return percentile_interval(np.asarray(value), draws, len(names), level=level)


def make_trials(
    speakers: Sequence[str],
    sessions: Sequence[str] | None = None,
    *,
    per_speaker: int,
    seed: int,
    genders: Sequence[str] | None = None,
) -> list[Trial]:
    """Trials of the clips at these positions: as many targets as others, for every speaker.

    For each speaker up to `per_speaker` targets, fewer where the clips give no more, and as many trials of
    one of the speaker's clips with anybody else's. No two clips meet twice, and none meets itself. The result
    is a function of the arguments alone.

    Args:
        speakers: who speaks, for each clip.
        sessions: session, chapter or video of each clip. A speaker who has several gives only targets that
            span two: within one, the room and the microphone would be recognised as well.
        per_speaker: most targets for each speaker.
        seed: gives the draw.
        genders: of each clip's speaker; if given, both clips of a trial are of one gender.

    Raises:
        UsageError: lengths differ, `per_speaker` is below 1, a speaker has two genders, or there is no trial.
    """
    names = _texts(speakers)
    session = names if sessions is None else _texts(sessions)
    gender = np.zeros_like(names) if genders is None else _texts(genders)
    if not len(names) == len(session) == len(gender) or per_speaker < 1:
        raise UsageError(
            f"{len(names)} speakers, {len(session)} sessions, {len(gender)} genders, per_speaker "
            f"{per_speaker}; give one each per clip, and 1 or more per speaker"
        )
    rng = np.random.default_rng(seed)
    trials: list[Trial] = []
    drawn = _Drawn(names)
    for name in np.unique(names):
        own = np.flatnonzero(names == name)
        if (gender[own] != gender[own[0]]).any():
            raise UsageError(f"speaker {name}: more than one gender; correct the table")
        others = np.flatnonzero((names != name) & (gender == gender[own[0]]))
        targets = _targets(own, session, rng)[:per_speaker]
        apart = drawn.others(own, others, len(targets), rng)
        trials += [Trial(True, first, second) for first, second in targets[: len(apart)].tolist()]
        trials += [Trial(False, first, second) for first, second in apart]
    if not trials:
        raise UsageError(
            "trials: none; give two clips of one speaker and one of another (of the same gender)"
        )
    return trials


def write_trials(path: Path, trials: Iterable[tuple[bool, str, str]]) -> None:
    """Writes (same, file, file) in VoxCeleb's form: a line `1 FILE FILE` or `0 FILE FILE` for each trial.

    The form has no quotes, and every reader of it splits at blanks: names with blanks are refused.

    Raises:
        UsageError: a name is empty or holds a blank or a control character.
        WriteError: the disk refuses.
    """
    lines = []
    for same, first, second in trials:
        for name in (first, second):
            if not name or " " in name or not name.isprintable():
                raise UsageError(f"{name!r}: a list of trials cannot hold blanks in a name; rename the file")
        lines.append(f"{int(same)} {first} {second}\n")
    files.write_text(path, "".join(lines))


def read_trials(path: Path) -> list[tuple[bool, str, str]]:
    """Reads a list in VoxCeleb's form: (same, file, file) for each line; the names are taken as they stand.

    Raises:
        UsageError: the file is missing, too large, or a line is not such a trial.
    """
    try:
        if (size := path.stat().st_size) > _LIST_BYTES:
            raise UsageError(f"{path}: {size} bytes where at most {_LIST_BYTES} are expected")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text; give a list of trials") from error
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    trials = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        fields = line.split()
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise UsageError(f"{path}: line {number} is no trial; write 1 FILE FILE or 0 FILE FILE")
        trials.append((fields[0] == "1", fields[1], fields[2]))
    return trials


class _Drawn:
    """The trials of two speakers drawn so far, so that none is drawn again from its other speaker's side."""

    def __init__(self, names: _Names) -> None:
        self._names = names.tolist()
        self._pairs: set[tuple[int, int]] = set()
        self._times: Counter[str] = Counter()

    def others(
        self, own: _Places, others: _Places, count: int, rng: np.random.Generator
    ) -> list[tuple[int, int]]:
        """Up to `count` new pairs, one of `own` and one of `others`, each equally likely."""
        # Of so many, enough are new: no more than the speaker's earlier ones can be among them.
        most = min(len(own) * len(others), count + self._times[self._names[own[0]]])
        if not most:
            return []
        left, right = np.divmod(rng.choice(len(own) * len(others), most, replace=False), len(others))
        found: list[tuple[int, int]] = []
        for first, second in zip(own[left].tolist(), others[right].tolist(), strict=True):
            pair = (min(first, second), max(first, second))
            if len(found) < count and pair not in self._pairs:
                self._pairs.add(pair)
                self._times.update((self._names[first], self._names[second]))
                found.append((first, second))
        return found


def _targets(own: _Places, session: _Names, rng: np.random.Generator) -> _Places:
    """All pairs [pairs, 2] of a speaker's clips in random order, across sessions where there are several."""
    first, second = np.triu_indices(len(own), k=1)
    pairs = np.stack([own[first], own[second]], axis=1)
    across = session[pairs[:, 0]] != session[pairs[:, 1]]
    return rng.permutation(pairs[across] if across.any() else pairs)


def _crossing(misses: Values, alarms: Values) -> float:
    return float(np.interp(0, alarms - misses, alarms))


def _texts(names: Iterable[Any]) -> _Names:
    return np.array([str(name) for name in names], dtype=np.str_)
