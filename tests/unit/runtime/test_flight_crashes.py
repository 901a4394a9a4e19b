"""A process that dies anywhere: from what status holds, and the windows since, the same flight."""

import base64
import random
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goaround.api.base import Json
from goaround.api.status import EvidenceState
from goaround.evidence.judge import Window
from goaround.evidence.state import pack
from goaround.rollout.observed import Judged
from goaround.runtime.flight import AHEAD_SECONDS, begin
from goaround.runtime.memory import LOGBOOK
from tests.unit.runtime.flown import BEGAN, INTERVAL, START, TWO_POINTS, Flown, a_signal

SIGNALS = [
    a_signal("errors", max="0.05", vsStable=TWO_POINTS),
    a_signal("answered", min="0.80"),
    a_signal("slow", vsStable={"worseByFactor": "1.5"}),
    a_signal("toxic", max="0"),
]
CALM = [SIGNALS[0], SIGNALS[2]]
LENGTH = 36
Story = list[dict[str, list[Window]]]


def story(seed: int) -> tuple[Flown, Story]:
    """A flight with trouble of a random kind for a random time: none, shared, one arm, silence."""
    dice, luck = np.random.default_rng(seed), random.Random(seed)
    flown = Flown(*SIGNALS, weight=luck.choice([10, 50]), requests=luck.choice([50, 400]))
    kind, starts = luck.choice(["none", "shared", "alone", "silent"]), luck.randrange(LENGTH)
    ends = starts + luck.randrange(LENGTH)
    told = []
    for i in range(LENGTH):
        on = kind if starts <= i < ends else "none"
        told.append(flown.windows({name: _arms(name, on) for name in flown.names}, dice))
    flown.i = 0
    return flown, told


def _arms(name: str, trouble: str) -> dict[str, float]:
    healthy = {"answered": 0.9, "toxic": 0.0}.get(name, 0.02)
    bad = {"answered": 0.5, "toxic": 0.0}.get(name, 0.2)
    arms = {
        "candidate": bad if trouble in ("shared", "alone") else healthy,
        "stable": bad if trouble == "shared" else healthy,
    }
    if trouble == "silent":
        del arms["candidate"]
    return arms


def fed(flown: Flown, windows: dict[str, list[Window]]) -> None:
    """One pass, at the time at which these windows are there."""
    flown.i = max(
        flown.i, *((w.end - START) // INTERVAL for some in windows.values() for w in some)
    )
    flown.feed(windows)


def states(flown: Flown) -> list[str]:
    flight = flown.flight
    return [pack(s) for s in (*flight.main.states, *flight.outage.states)]


def said(judged: Judged) -> tuple[object, ...]:
    return (judged.signals, judged.breach, judged.outage, judged.accepted, judged.evidence,
            judged.silent_since, judged.deaf_since, judged.through, judged.samples)  # fmt: skip


@settings(max_examples=10)
@given(
    seed=st.integers(min_value=0, max_value=10**6),
    crashes=st.dictionaries(
        st.integers(min_value=1, max_value=LENGTH - 1),
        st.integers(min_value=0, max_value=12),
        max_size=4,
    ),
)
def test_any_crash_leads_to_the_same_states_and_the_same_verdict(
    seed: int, crashes: dict[int, int]
) -> None:
    """crashes: at which window, and how many windows before it status was last written."""
    undisturbed, told = story(seed)
    for windows in told:
        fed(undisturbed, windows)
    flown, told = story(seed)
    wanted = {max(i - lost, 0) for i, lost in crashes.items()}
    written = {0: list(flown.judged().evidence)}
    i = 0
    while i < LENGTH:
        fed(flown, told[i])
        i += 1
        if i in wanted:
            written[i] = list(flown.judged().evidence)
        if (lost := crashes.pop(i, None)) is not None and flown.judged().breach is None:
            flown = _taken_over(flown, written[max(i - lost, 0)])
            i = (flown.flight.last_t - START) // INTERVAL
    assert states(flown) == states(undisturbed)
    assert said(flown.judged()) == said(undisturbed.judged())


def _taken_over(flown: Flown, evidence: list[EvidenceState]) -> Flown:
    status = flown.feature.status.but(evidence=evidence)
    flown.feature = flown.feature.model_copy(update={"status": status})
    flown.flight = flown.begun()
    return flown


@settings(max_examples=8)
@given(
    seed=st.integers(min_value=0, max_value=10**6),
    cuts=st.sets(st.integers(min_value=1, max_value=LENGTH - 1), max_size=6),
)
def test_any_split_of_time_gives_the_same_totals_states_and_verdict(
    seed: int, cuts: set[int]
) -> None:
    """Windows that come one by one, or many in one catch-up."""
    single, told = story(seed)
    for windows in told:
        fed(single, windows)
    flown, told = story(seed)
    edges = [0, *sorted(cuts), LENGTH]
    for first, last in pairwise(edges):
        together = {n: [w for part in told[first:last] for w in part[n]] for n in flown.names}
        fed(flown, together)
    assert states(flown) == states(single)
    assert said(flown.judged()) == said(single.judged())


def test_windows_that_are_read_twice_count_once() -> None:
    flown, told = story(3)
    for windows in told:
        fed(flown, windows)
        before = said(flown.judged())
        fed(flown, windows)
        assert said(flown.judged()) == before


def test_an_outage_survives_a_crash_and_blames_nobody_on_the_way() -> None:
    errors = a_signal("errors", max="0.05")
    flown = Flown(errors, a_signal("refusals", max="0.05")).fly(10, 0.01, 0.01).fly(5, 0.2, 0.2)
    outage = flown.judged().outage
    assert outage is not None
    for _ in range(20):
        judged = flown.crash().fly(1, 0.2, 0.2).judged()
        assert (judged.breach, judged.outage) == (None, outage)
    assert flown.crash().fly(20, 0.01, 0.01).judged().outage is None


def test_after_a_long_outage_only_the_windows_since_the_checkpoint_are_read() -> None:
    errors = a_signal("errors", max="0.05")
    flown = Flown(errors, a_signal("refusals", max="0.05")).fly(10, 0.01, 0.01)
    flown.fly(50, 0.2, 0.2).crash()
    assert flown.flight.read_to == dict.fromkeys(flown.names, START + 60 * INTERVAL)


def test_a_checkpoint_from_a_clock_far_ahead_is_dropped() -> None:
    flown = Flown(*CALM).fly(60, 0.01, 0.01)
    evidence = list(flown.judged().evidence)
    feature = flown.feature.model_copy(
        update={"status": flown.feature.status.but(evidence=evidence)}
    )
    last = START + 60 * INTERVAL
    kept, dropped = begin(feature, last - AHEAD_SECONDS), begin(feature, last - AHEAD_SECONDS - 1.0)
    assert kept is not None
    assert dropped is not None
    assert kept.last_t == last
    assert dropped.last_t == START
    assert {s.windows for s in dropped.main.states} == {0}


def test_a_step_that_began_in_the_future_is_read_from_now() -> None:
    flown = Flown(*CALM)
    early = begin(flown.feature, START - 86400.0)
    assert early is not None
    assert early.last_t == START - 86400


@pytest.mark.parametrize(
    ("part", "text"),
    [("bad", 'errors_total{$match,result="worse"}'), ("total", "asked_total{$match}")],
)
def test_a_changed_query_starts_new_evidence_of_its_signal_only(part: str, text: str) -> None:
    flown = Flown(*CALM).fly(6, 0.01, 0.01).crash()
    spec = flown.feature.spec.wire()
    spec["acceptance"]["signals"][0]["ratio"][part] = text
    changed = flown.feature.spec.model_validate(spec)
    flown.feature = flown.feature.model_copy(update={"spec": changed})
    f = flown.begun()
    tests = {t.signal: s.windows for t, s in (*f.main.pairs, *f.outage.pairs)}
    new = {name for name, windows in tests.items() if windows == 0}
    assert new == {"errors", "errors.vs-stable", "errors.outage"}
    assert f.last_t == START


def test_another_digest_starts_new_evidence() -> None:
    flown = Flown(*CALM).fly(6, 0.01, 0.01).crash()
    candidate = flown.feature.status.candidate
    assert candidate is not None
    again = flown.feature.status.but(candidate=candidate.but(attempt=2))
    flown.feature = flown.feature.model_copy(update={"status": again})
    assert {s.windows for s in flown.begun().main.states} == {0}


@pytest.mark.parametrize("name", ["errors", LOGBOOK])
@pytest.mark.parametrize("damage", ["", "AAAA", "not base64!", "bomb", "cut"])
def test_a_damaged_state_is_dropped_and_harms_no_other(name: str, damage: str) -> None:
    flown = Flown(*CALM).fly(6, 0.01, 0.01).crash()
    bomb = base64.b64encode(zlib.compress(b"\0" * 10**7)).decode()
    evidence = [
        e.but(state={"bomb": bomb[:1024], "cut": e.state[:-8]}.get(damage, damage))
        if e.name == name
        else e
        for e in flown.feature.status.evidence
    ]
    flight = _taken_over(flown, evidence).flight
    assert {s.windows for t, s in flight.main.pairs if t.signal == "slow.vs-stable"} == {6}
    assert {s.windows for t, s in flight.main.pairs if t.signal == "errors"} == {
        0 if name == "errors" else 6
    }


def many() -> list[Json]:
    """As many signals as a spec may have, with long names and two bounds each."""
    return [
        a_signal(f"signal-{i:02}-{'x' * 50}", max="0.05", vsStable=TWO_POINTS) for i in range(20)
    ]


def test_twenty_signals_with_two_bounds_stay_within_16_kib() -> None:
    dice = np.random.default_rng(1)
    flown = Flown(*many())
    for i in range(8):
        excess = 0.03 if i > 5 else 0.0  # at the end most tests are in the middle of an excursion
        windows: dict[str, list[Window]] = {}
        for name in flown.names:
            flown.i = i
            flown.requests = {"candidate": 137.7 * dice.random(), "stable": 1399.9 * dice.random()}
            arms = {
                "candidate": 0.025 + 2 * excess + 0.01 * dice.random(),
                "stable": 0.025 + excess,
            }
            windows |= flown.windows({name: arms}, None)
        flown.feed(windows)
    all_tests = (*flown.flight.main.pairs, *flown.flight.outage.pairs)
    assert len(all_tests) == 60
    assert sum(state.run.cusum > 0 for _, state in all_tests) > 30
    evidence = flown.judged().evidence
    size = sum(len(e.name) + len(e.state) for e in evidence)
    print(
        f"{len(evidence)} states, {size:,} bytes, the longest {max(len(e.state) for e in evidence)}"
    )
    assert size <= 16 * 1024
    assert max(len(e.state) for e in evidence) <= 1024
    assert len(evidence) == 22
    taken = _taken_over(flown, list(evidence))
    assert taken.flight.last_t == START + 8 * INTERVAL


def test_time_is_in_the_windows_not_in_the_process() -> None:
    flown = Flown(*CALM).fly(6, 0.01, 0.01)
    judged = flown.crash().judged()
    assert judged.through is not None
    assert (judged.through - BEGAN).total_seconds() == 6 * INTERVAL
