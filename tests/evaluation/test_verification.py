"""Error rates of trials against independent implementations, and lists of trials that cannot cheat."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from affekt.errors import UsageError
from affekt.evaluation import eer, eer_interval, make_trials, min_dcf, read_trials, write_trials
from affekt.evaluation.bootstrap import expanded_tail

Scored = tuple[NDArray[np.float64], NDArray[np.bool_]]


def scored(seed: int, count: int = 400, apart: float = 1.5, steps: float = 0) -> Scored:
    """Scores of trials, a third of them targets; `steps` rounds them, so that many are equal."""
    rng = np.random.default_rng(seed)
    same = np.arange(count) % 3 == 0
    scores = rng.standard_normal(count) + apart * same
    return np.round(scores / steps) * steps if steps else scores, same


def curve(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    alarms, hits, _ = roc_curve(same, scores, drop_intermediate=False)
    return alarms, 1 - hits


@st.composite
def some_trials(draw: st.DrawFn) -> Scored:
    """Few scores with many ties, of both kinds."""
    same = draw(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda kinds: len(set(kinds)) == 2))
    scores = draw(st.lists(st.integers(-5, 5), min_size=len(same), max_size=len(same)))
    return np.array(scores, np.float64), np.array(same)


@pytest.mark.parametrize("steps", [0, 0.25, 1, 4])
@pytest.mark.parametrize("seed", range(4))
def test_eer_is_where_scikit_learns_curve_crosses_the_diagonal(seed: int, steps: float) -> None:
    scores, same = scored(seed, steps=steps)
    alarms, misses = curve(scores, same)
    after = int(np.flatnonzero(alarms >= misses)[0])
    before = after - 1
    # Two straight lines, over the share of the way between two operating points.
    gap, next_gap = misses[before] - alarms[before], misses[after] - alarms[after]
    share = gap / (gap - next_gap)
    expected = alarms[before] + share * (alarms[after] - alarms[before])
    assert eer(scores, same) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("p_target", "c_miss", "c_fa"), [(0.01, 1, 1), (0.05, 1, 1), (0.5, 1, 3), (0.9, 2, 1)]
)
@pytest.mark.parametrize("steps", [0, 1])
def test_min_dcf_is_the_least_of_scikit_learns_curve(
    p_target: float, c_miss: float, c_fa: float, steps: float
) -> None:
    scores, same = scored(5, apart=3, steps=steps)
    alarms, misses = curve(scores, same)
    costs = c_miss * p_target * misses + c_fa * (1 - p_target) * alarms
    expected = costs.min() / min(c_miss * p_target, c_fa * (1 - p_target))
    assert 0 < expected < 1
    found = min_dcf(scores, same, p_target=p_target, c_miss=c_miss, c_fa=c_fa)
    assert found == pytest.approx(expected, abs=1e-12)


def test_four_trials_by_hand() -> None:
    # At 2 and above: no target missed of {3, 2}, one alarm of {2.5, 1}; at 3 and above one missed, no alarm.
    assert eer([3, 2, 2.5, 1], [True, True, False, False]) == 0.5
    assert eer([3, 2, 1, 0, 2.5, 1], [True, True, False, False, False, False]) == 0.25
    assert min_dcf([3, 2, 2.5, 1], [True, True, False, False]) == 0.5
    assert min_dcf([3, 2, 2.5, 1], [True, True, False, False], p_target=0.99) == 0.5


def test_perfect_scores_and_scores_that_say_nothing() -> None:
    same = [True, False, True, False]
    assert eer([2, 1, 3, 0], same) == min_dcf([2, 1, 3, 0], same) == 0
    assert eer([0, 1, 0, 2], same) == min_dcf([0, 1, 0, 2], same) == 1
    assert eer([7, 7, 7, 7], same) == 0.5
    assert min_dcf([7, 7, 7, 7], same) == 1


@given(some_trials())
def test_turning_scores_round_turns_the_rate_round(trials: Scored) -> None:
    scores, same = trials
    rate = eer(scores, same)
    assert 0 <= rate <= 1
    assert eer(-scores, same) == pytest.approx(1 - rate, abs=1e-12)
    assert eer(-scores, ~same) == pytest.approx(rate, abs=1e-12)
    turned = min_dcf(-scores, ~same, p_target=0.8, c_miss=2, c_fa=3)
    assert min_dcf(scores, same, p_target=0.2, c_miss=3, c_fa=2) == pytest.approx(turned, abs=1e-12)


@given(some_trials())
def test_only_the_order_of_scores_counts_and_not_that_of_trials(trials: Scored) -> None:
    scores, same = trials
    order = np.random.default_rng(len(scores)).permutation(len(scores))
    for changed in (np.exp(scores), scores**3 - 100, scores / 1e6):
        assert eer(changed, same) == eer(scores, same)
        assert min_dcf(changed, same, p_target=0.3) == min_dcf(scores, same, p_target=0.3)
    assert eer(scores[order], same[order]) == eer(scores, same)


@given(some_trials(), st.floats(0.001, 0.999))
def test_deciding_without_listening_costs_one(trials: Scored, p_target: float) -> None:
    assert 0 <= min_dcf(*trials, p_target=p_target) <= 1


@pytest.mark.parametrize("metric", [eer, min_dcf])
def test_trials_that_give_no_rate_are_refused(metric: Callable[..., float]) -> None:
    with pytest.raises(UsageError, match="2 targets of 2"):
        metric([1.0, 2.0], [True, True])
    with pytest.raises(UsageError, match="0 targets of 2"):
        metric([1.0, 2.0], [False, False])
    with pytest.raises(UsageError, match="one each per trial"):
        metric([1.0, 2.0, 3.0], [True, False])
    with pytest.raises(UsageError, match="1 of 2 are NaN"):
        metric([1.0, math.nan], [True, False])
    with pytest.raises(UsageError, match="0 targets of 0"):
        metric([], [])


@pytest.mark.parametrize("settings", [{"p_target": 0}, {"p_target": 1}, {"c_miss": 0}, {"c_fa": -1}])
def test_costs_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="p_target"):
        min_dcf([1, 2], [True, False], **settings)


def people(seed: int, speakers: int, each: int = 8) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Scores of trials in which some speakers are hard to know again, and some easily taken for others."""
    rng = np.random.default_rng(seed)
    known, confused = rng.standard_normal((2, speakers))
    pairs = [(one, one) for one in range(speakers) for _ in range(each)]
    pairs += [(one, int(other)) for one in range(speakers) for other in rng.integers(speakers, size=each)]
    scores = [
        rng.standard_normal() + (2 + known[one] if one == other else (confused[one] + confused[other]) / 2)
        for one, other in pairs
    ]
    return np.array(scores), [str(one) for one, _ in pairs], [str(other) for _, other in pairs]


def test_the_interval_equals_copying_the_trials() -> None:
    scores, first, second = people(0, speakers=7)
    same = np.array(first) == np.array(second)
    drawn = np.random.default_rng(4).integers(7, size=(60, 7))
    draws = []
    for draw in drawn:
        times = Counter(str(one) for one in draw)
        copies = [
            times[one] if one == other else times[one] * times[other]
            for one, other in zip(first, second, strict=True)
        ]
        draws.append(eer(np.repeat(scores, copies), np.repeat(same, copies)))
    interval = eer_interval(scores, first, second, resamples=60, level=0.9, seed=4)
    assert interval.value == eer(scores, same)
    tail = expanded_tail(7, 0.9)
    assert [interval.low, interval.high] == pytest.approx(np.quantile(draws, [tail, 1 - tail]), abs=1e-12)
    assert interval == eer_interval(scores, first, second, resamples=60, level=0.9, seed=4)
    assert interval != eer_interval(scores, first, second, resamples=60, level=0.9, seed=5)


def test_the_interval_covers_the_truth_where_drawing_trials_one_by_one_does_not() -> None:
    # Misses and alarms of normal scores, about 2 and 0, are equal at a share of the way.
    expected = NormalDist().cdf(-2 / (math.sqrt(2) + math.sqrt(1.5)))
    by_speaker = by_trial = 0
    for world in range(60):
        scores, first, second = people(world, speakers=25, each=30)
        honest = eer_interval(scores, first, second, resamples=120, seed=world)
        alone = [f"{one}-{at}" for at, one in enumerate(first)]
        strangers = [alone[at] if first[at] == one else f"{one}+{at}" for at, one in enumerate(second)]
        naive = eer_interval(scores, alone, strangers, resamples=120, seed=world)
        assert honest.low is not None and honest.high is not None
        assert naive.low is not None and naive.high is not None
        by_speaker += honest.low <= expected <= honest.high
        by_trial += naive.low <= expected <= naive.high
    assert by_speaker >= 52
    assert by_trial < 42


def test_draws_without_a_kind_of_trial_are_left_out() -> None:
    interval = eer_interval([1, 0], ["anna", "anna"], ["anna", "bert"], resamples=200)
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)


def test_an_interval_of_uneven_columns_or_no_draws_is_refused() -> None:
    with pytest.raises(UsageError, match="first has 2 speakers, second has 1"):
        eer_interval([1, 0], ["anna", "anna"], ["anna"])
    with pytest.raises(UsageError, match="resamples is 0"):
        eer_interval([1, 0], ["anna", "anna"], ["anna", "bert"], resamples=0)


@st.composite
def clips(draw: st.DrawFn) -> tuple[list[str], list[str], list[str]]:
    """Speakers, sessions and genders of clips; a speaker has one gender."""
    speakers = draw(st.lists(st.sampled_from("abcde"), min_size=2, max_size=25))
    sessions = draw(st.lists(st.sampled_from("xyz"), min_size=len(speakers), max_size=len(speakers)))
    return speakers, sessions, ["f" if speaker in "abc" else "m" for speaker in speakers]


@settings(max_examples=300)
@given(clips(), st.integers(1, 12), st.integers(0, 9), st.booleans(), st.booleans())
def test_trials_are_what_they_say(
    table: tuple[list[str], list[str], list[str]], per_speaker: int, seed: int, apart: bool, gendered: bool
) -> None:
    speakers, sessions, genders = table
    options = {"sessions": sessions if apart else None, "genders": genders if gendered else None}
    try:
        trials = make_trials(speakers, per_speaker=per_speaker, seed=seed, **options)
    except UsageError as error:
        assert "trials: none" in str(error)
        return
    assert trials == make_trials(list(speakers), per_speaker=per_speaker, seed=seed, **options)
    assert len({frozenset(trial[1:]) for trial in trials}) == len(trials)
    assert sum(trial.same for trial in trials) * 2 == len(trials)
    several = {
        speaker
        for speaker in speakers
        if len({session for who, session in zip(speakers, sessions, strict=True) if who == speaker}) > 1
    }
    for same, first, second in trials:
        assert first != second
        assert (speakers[first] == speakers[second]) == same
        assert not gendered or genders[first] == genders[second]
        if apart and same and speakers[first] in several:
            assert sessions[first] != sessions[second]
    assert max(Counter(speakers[first] for same, first, _ in trials if same).values()) <= per_speaker


def test_there_are_as_many_trials_as_asked_for_where_the_clips_allow() -> None:
    speakers = [name for name in ("anna", "bert", "cleo") for _ in range(6)]
    trials = make_trials(speakers, per_speaker=10, seed=0)
    assert Counter((trial.same, speakers[trial.first]) for trial in trials) == dict.fromkeys(
        [(same, name) for same in (True, False) for name in ("anna", "bert", "cleo")], 10
    )
    assert len(make_trials(speakers, per_speaker=99, seed=0)) == 2 * 3 * 15
    # Two speakers of two clips each: two targets, and of the four other trials two.
    assert len(make_trials(["anna", "bert", "anna", "bert"], per_speaker=5, seed=0)) == 4


def test_every_pair_can_be_drawn_and_the_seed_decides() -> None:
    speakers = ["anna"] * 3 + ["bert"] * 3
    draws = [make_trials(speakers, per_speaker=1, seed=seed) for seed in range(200)]
    assert len({frozenset(trial[1:]) for trials in draws for trial in trials}) == 15
    assert draws[0] != draws[1]


def test_clips_without_trials_are_refused() -> None:
    for speakers in (["anna", "anna"], ["anna", "bert"], []):
        with pytest.raises(UsageError, match="trials: none"):
            make_trials(speakers, per_speaker=3, seed=0)
    with pytest.raises(UsageError, match="of the same gender"):
        make_trials(["anna", "anna", "bert"], per_speaker=3, seed=0, genders=["f", "f", "m"])
    with pytest.raises(UsageError, match="speaker anna: more than one gender"):
        make_trials(["anna", "anna", "bert"], per_speaker=3, seed=0, genders=["f", "m", "m"])
    with pytest.raises(UsageError, match="3 speakers, 2 sessions"):
        make_trials(["anna", "anna", "bert"], ["1", "2"], per_speaker=3, seed=0)
    with pytest.raises(UsageError, match="per_speaker 0"):
        make_trials(["anna", "anna", "bert"], per_speaker=0, seed=0)


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


@given(trials=st.lists(st.tuples(st.booleans(), NAMES, NAMES), min_size=1, max_size=9))
def test_a_list_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, trials: list[tuple[bool, str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "trials.txt"
    write_trials(path, trials)
    assert read_trials(path) == trials


def test_a_list_has_voxcelebs_form(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    write_trials(path, [(True, "id1/a/1.wav", "id1/b/2.wav"), (False, "id1/a/1.wav", "id2/c/1.wav")])
    assert path.read_bytes() == b"1 id1/a/1.wav id1/b/2.wav\n0 id1/a/1.wav id2/c/1.wav\n"
    path.write_bytes(b"1 id1/a/1.wav\tid1/b/2.wav\r\n0 id1/a/1.wav id2/c/1.wav")
    assert [same for same, _, _ in read_trials(path)] == [True, False]


@pytest.mark.parametrize("name", ["", "a b.wav", "a\nb.wav", "a\tb.wav", "a\u2028b", "a\u00a0b", "\udc80"])
def test_a_name_that_would_break_a_list_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(UsageError, match="rename the file"):
        write_trials(path, [(True, "fine.wav", "fine.wav"), (True, "fine.wav", name)])
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 a b\n2 a b\n", "line 2 is no trial"),
        (b"1 a b\n\n0 a b\n", "line 2 is no trial"),
        (b"1 a\n", "line 1 is no trial"),
        (b"1 a b c\n", "line 1 is no trial"),
        (b"True a b\n", "line 1 is no trial"),
        (b"", "line 1 is no trial"),
        (b"1 \xff b\n", "not UTF-8"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_trials(path)


def test_a_list_that_is_not_there_or_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_trials(tmp_path / "list.txt")
    with (tmp_path / "large.txt").open("wb") as stream:
        stream.truncate(2**28 + 1)
    with pytest.raises(UsageError, match="268435457 bytes"):
        read_trials(tmp_path / "large.txt")
