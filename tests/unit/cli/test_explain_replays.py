"""A flight told again is the flight that was judged."""

import math
from datetime import timedelta

from goaround.api.kinds import AIFeature
from goaround.api.status import Latch, LatchCause
from goaround.cli.replay import flight_of, unlike
from goaround.evidence import plan
from goaround.evidence.judge import advance_all, new_state, report
from tests.unit.cli.kit import (
    BEGAN,
    INTERVAL,
    SECOND_STEP,
    START,
    a_flight,
    a_signal,
    told,
    windows,
)

NOW = START + 36000.0


def test_the_replay_says_what_the_engine_said() -> None:
    feature, errors = a_flight(), windows(0.005, worse_from=40)
    replayed = told(feature, errors=errors, refusals=windows(0.01))
    tests = plan.tests_of(feature.spec, digest=_digest(feature), attempt=1, with_stable=True)
    states = [new_state(test, START, BEGAN.timestamp()) for test in tests]
    judged = advance_all(
        tests,
        states,
        {"errors": errors, "refusals": windows(0.01)},
        step_began=BEGAN.timestamp(),
        alpha=0.01,
    )
    line = report(tests[0], judged.states[0], judged.breach, level=5.0).line
    assert replayed.proven_end == judged.proven_end
    assert replayed.histories[0].line == line
    assert line.endswith("-> breach")


def _digest(feature: AIFeature) -> str:
    assert feature.status.candidate is not None
    return feature.status.candidate.digest


def test_nothing_after_the_proof_is_told() -> None:
    replayed = told(a_flight(), errors=windows(0.005, worse_from=40), refusals=windows(0.01))
    assert replayed.proven_end == replayed.histories[0].ends[-1]
    assert replayed.proven_end < START + 90 * INTERVAL


def test_the_level_rises_with_the_step() -> None:
    history = told(a_flight(), errors=windows(0.005), refusals=windows(0.01)).histories[0]
    assert math.isclose(math.exp(history.level[0]), 5)
    assert math.isclose(math.exp(history.level[-1]), 20)
    assert history.level[59] < history.level[60]  # the window after the step began


def test_steps_are_remembered_with_their_weights() -> None:
    flown = flight_of(a_flight(), NOW)
    assert flown is not None
    assert [(leg.index, leg.weight) for leg in flown.legs] == [(0, 10), (1, 50)]


def test_a_step_that_history_forgot_is_taken_from_the_status() -> None:
    feature = a_flight()
    feature = feature.but(status=feature.status.but(history=[]))
    flown = flight_of(feature, NOW)
    assert flown is not None
    assert [(leg.since, leg.index) for leg in flown.legs] == [(SECOND_STEP.timestamp(), 1)]


def test_a_forgotten_first_step_does_not_shift_the_others() -> None:
    feature = a_flight()
    later = feature.but(status=feature.status.but(history=feature.status.history[1:]))
    flown = flight_of(later, NOW)
    assert flown is not None
    assert [(leg.index, leg.weight) for leg in flown.legs] == [(1, 50)]


def test_a_flight_that_was_sent_back_ends_there() -> None:
    feature = a_flight()
    assert feature.status.candidate is not None
    latch = Latch(
        cause=LatchCause.SIGNAL,
        at=SECOND_STEP + timedelta(minutes=1),
        digest=feature.status.candidate.digest,
        attempt=1,
        message="",
        weight=50,
        stage="Ramping",
        revision=1,
    )
    flown = flight_of(feature.but(status=feature.status.but(latches=[latch], step=None)), NOW)
    assert flown is not None
    assert flown.end == latch.at.timestamp()


def test_since_begins_the_evidence_later() -> None:
    flown = flight_of(a_flight(), NOW, START + 123.0)
    assert flown is not None
    assert flown.start == START + 130


def test_where_nothing_flew_there_is_no_flight() -> None:
    feature = a_flight()
    landed = feature.but(status=feature.status.but(candidate=None))
    assert flight_of(landed, NOW) is None


def test_a_signal_that_could_not_be_read_stands_still() -> None:
    replayed = told(a_flight(), errors=windows(0.005))
    refusals = replayed.histories[1]
    assert refusals.line == "refusals unknown: no candidate requests yet"
    assert len(set(refusals.harm)) == 1


def test_a_hard_guard_has_a_line_of_its_own() -> None:
    feature = a_flight(a_signal("errors", max="0.02"), a_signal("leaks", max="0"))
    replayed = told(feature, errors=windows(0.005), leaks=windows(0.0, worse_from=5))
    assert "breach (hard guard)" in replayed.histories[1].line


def test_a_replay_that_misses_the_proof_says_so() -> None:
    feature = a_flight()
    assert feature.status.candidate is not None
    latch = Latch(
        cause=LatchCause.SIGNAL,
        at=SECOND_STEP,
        digest=feature.status.candidate.digest,
        attempt=1,
        message="",
        weight=10,
        stage="Ramping",
        revision=1,
    )
    sent_back = feature.but(status=feature.status.but(latches=[latch]))
    replayed = told(sent_back, errors=windows(0.005), refusals=windows(0.01))
    assert [note.partition(":")[0] for note in unlike(replayed)] == [
        "the replay does not reach the proof that sent the release back"
    ]


def test_a_proof_that_nobody_acted_upon_is_told() -> None:
    replayed = told(a_flight(), errors=windows(0.005, worse_from=40), refusals=windows(0.01))
    assert "but nothing was sent back" in next(unlike(replayed))
