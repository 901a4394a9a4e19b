"""An abort ends the attempt that it names, at once and once; it never hits another one."""

import pytest

from goaround.api import names
from goaround.api.digest import short
from goaround.api.incident import Severity
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.status import ALL_FALLBACK, AIFeatureStatus, LatchCause, Split
from goaround.api.trigger import TriggerSource
from goaround.incident.opening import opening
from tests.unit.rollout.build import CRUISE, DIGEST_A, DIGEST_B, HOLD, A, B, C, a_spec
from tests.unit.rollout.flights import (
    adopted,
    fly_to_live,
    halfway,
    killed,
    live,
    live_twice,
    preflight,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import World, bad, good, live_bad, undecided

SHORT = short(DIGEST_B)


def told(world: World, reason: EventReason) -> list[str]:
    return [t.message for t in world.status.history if t.reason == reason]


@pytest.mark.parametrize("words", [f"{DIGEST_B}/1", f"{SHORT}/1", f" sha256:{SHORT}/1\n"])
def test_what_flies_loses_its_users_at_once(words: str) -> None:
    world = halfway().aborted(words).wait(1, good)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    (latch,) = world.status.latches
    assert (latch.cause, latch.digest, latch.attempt) == (LatchCause.ABORTED, DIGEST_B, 1)
    assert world.condition(ConditionType.STALLED) is not None
    assert len(told(world, EventReason.ABORTED)) == 1


def test_it_says_who_may_do_what_next() -> None:
    world = halfway().aborted().wait(1)
    assert "a release manager creates an AISignOff Retry" in (world.status.summary or "")
    assert "attempt 1" in (world.status.summary or "")
    assert "A new release in Git flies at once" in told(world, EventReason.ABORTED)[0]


def test_nobody_is_blamed() -> None:
    world = halfway().aborted().wait(1)
    record = world.records[DIGEST_B]
    assert (record.quarantined_attempt, record.outcome) == (None, "Aborted")
    note = opening(world.feature, world.status.latches[0])
    assert (note.severity, note.trigger.source) == (Severity.P4, TriggerSource.ABORTED)
    assert note.summary.noticed_by == "a person"


def test_before_the_first_step_it_is_contained_at_once() -> None:
    world = preflight().aborted().wait(1)
    (latch,) = world.status.latches
    assert (world.stage, latch.contained_at, latch.exposed_requests) == (
        Stage.REJECTED, latch.at, 0)  # fmt: skip


def test_with_nothing_proven_the_fallback_serves() -> None:
    world = World(spec=a_spec(A, firstRelease="Ramp")).settle().aborted().wait(1)
    assert (world.stage, world.status.split) == (Stage.REJECTED, ALL_FALLBACK)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (f"{DIGEST_A[:-1]}0/1", "names another release or attempt"),
        (f"{DIGEST_B}/2", f"what flies now is {SHORT}/1"),
        (f"{DIGEST_B}", "it has to be <digest>/<attempt>"),
        (f"{SHORT[:-1]}/1", "it has to be"),
        (f"{DIGEST_B}/0", "it has to be"),
        (f"{DIGEST_B}/1 {'x' * 1000}", "it has to be"),
        ("true", "it has to be"),
        ("", "it has to be"),
        (f"{DIGEST_A}/1", "is last-known-good, and no candidate"),
    ],
)
def test_what_means_nobody_who_flies_is_told_once_and_ends_nothing(words: str, why: str) -> None:
    world = ramping().aborted(words).wait(1)
    for _ in range(3):
        world.wait(1)
    (said,) = told(world, EventReason.ABORT_IGNORED)
    assert why in said
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_what_was_written_too_early_never_hits_the_attempt_that_it_names() -> None:
    world = rolled_back().aborted(f"{DIGEST_B}/2").wait(1)
    assert len(told(world, EventReason.ABORT_IGNORED)) == 1
    fly_to_live(world.signs(DIGEST_B, 1))


def test_it_never_hits_the_next_attempt_and_another_one_has_to_name_that() -> None:
    world = halfway().aborted().wait(1).signs(DIGEST_B, 1).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert world.aborted(f"{SHORT}/2").wait(1).stage is Stage.REJECTED


def test_taken_off_and_put_on_again_it_is_read_anew() -> None:
    world = rolled_back().aborted(f"{DIGEST_B}/2").wait(1)
    world.annotations.clear()
    world.wait(1).signs(DIGEST_B, 1).wait(60)
    assert world.weight == 10
    assert world.aborted(f"{DIGEST_B}/2").wait(1).weight == 0


def test_after_a_restore_without_status_it_ends_nothing_and_the_release_stays_down() -> None:
    world = halfway().aborted().wait(1)
    world.status = AIFeatureStatus()
    world.wait(60).wait(CRUISE, good)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    assert "was aborted in attempt 1" in (world.status.summary or "")
    assert fly_to_live(world.signs(DIGEST_B, 1)).status.last_known_good is not None


@pytest.mark.parametrize("start", [live, lambda: adopted().wait(60)], ids=["live", "adopted"])
def test_what_serves_already_is_not_aborted_and_it_says_what_to_do(start: object) -> None:
    assert callable(start)
    world = start().aborted(f"{DIGEST_A}/1").wait(1)
    (said,) = told(world, EventReason.ABORT_IGNORED)
    assert "create an AIKillSwitch to take it off users, or set spec.rollbackTo" in said
    assert 100 in (world.status.split.stable, world.weight)


def test_what_is_down_already_is_not_latched_again() -> None:
    world = rolled_back().aborted().wait(1)
    assert "is down already (RolledBack)" in told(world, EventReason.ABORT_IGNORED)[0]
    assert len(world.status.latches) == 1


def test_proof_of_harm_in_the_same_pass_is_what_is_remembered() -> None:
    world = halfway().aborted().wait(1, bad)
    assert (world.stage, world.weight) == (Stage.ROLLED_BACK, 0)
    assert world.records[DIGEST_B].quarantined_attempt == 1


@pytest.mark.parametrize("also", ["another plan", "another release in between", "a kill"])
def test_it_stays_down_whatever_happens_but_a_retry(also: str) -> None:
    world = halfway().aborted().wait(1)
    match also:
        case "another plan":
            world.wants(B, ramp={"steps": [{"weightPercent": w} for w in (20, 100)]})
        case "another release in between":
            fly_to_live(world.wants(C)).wants(B)
        case _:
            world.kill().wait(60).switches.clear()
    for _ in range(4):
        world.wait(CRUISE, good)
        assert world.weight == 0
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    assert world.signs(DIGEST_B, 1).wait(60).weight > 0


def test_only_a_retry_of_that_digest_and_attempt_counts() -> None:
    world = halfway().aborted().wait(1).signs(DIGEST_B, 2).signs(DIGEST_A, 1).wait(60)
    assert world.weight == 0


def test_a_retry_given_before_it_does_not_count() -> None:
    world = halfway().signs(DIGEST_B, 1).wait(60, good)
    assert world.aborted().wait(1).wait(HOLD, good).weight == 0


def test_another_release_flies_at_once() -> None:
    world = halfway().aborted().wait(1).wants(C).wait(60)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)


def test_what_was_aborted_while_killed_stays_down_after_the_kill() -> None:
    world = killed().aborted().wait(1)
    assert (world.stage, len(world.status.latches)) == (Stage.KILLED, 1)
    world.switches.clear()
    world.wait(1).wait(CRUISE, good)
    assert (world.stage, world.status.split) == (Stage.REJECTED, Split(stable=100))
    assert world.status.latches[0].cause is LatchCause.ABORTED
    assert world.records[DIGEST_B].outcome == "Aborted"
    assert world.signs(DIGEST_B, 1).wait(60).weight == 10


def test_a_kill_in_the_same_pass_comes_first_and_loses_nothing() -> None:
    world = halfway().aborted().kill().wait(1)
    assert world.status.split == ALL_FALLBACK
    world.switches.clear()
    assert world.wait(60).stage is Stage.REJECTED


def test_it_is_not_gone_back_to_either() -> None:
    world = fly_to_live(live_twice().wants(C))
    world.wants(B).wait(60).aborted().wait(1)
    assert world.status.previous_good is None
    world.wants(C).wait(10).wait(60, live_bad)
    assert world.status.split == ALL_FALLBACK


def test_mode_observe_moves_nothing_and_says_so() -> None:
    world = halfway().wants(B, mode="Observe").aborted().wait(1, undecided)
    assert "mode Observe moves nothing" in told(world, EventReason.ABORT_IGNORED)[0]
    assert world.weight == 50


def test_the_longest_nonsense_leaves_status_small() -> None:
    world = ramping().aborted("ä" * 200_000).wait(1)
    assert len(world.status.last_abort or "") == 128
    assert all(len(t.message) <= 1024 for t in world.status.history)
    assert names.ABORT in told(world, EventReason.ABORT_IGNORED)[0]
