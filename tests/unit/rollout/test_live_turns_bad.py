"""What is live turns bad: back to the good release before it, else to the fallback."""

from goaround.api import names
from goaround.api.reasons import ConditionType, EventReason, Stage
from goaround.api.status import LatchCause
from goaround.incident.severity import severity
from goaround.rollout.observed import Judged
from tests.unit.rollout.build import CRUISE, DIGEST_A, DIGEST_B, A, B, C, a_delivery, a_spec
from tests.unit.rollout.flights import fly_to_live, inconclusive, live, live_twice, rolled_back
from tests.unit.rollout.world import World, bad, good, judged, live_bad, live_good, undecided


def b_is_bad(world: World) -> Judged | None:
    return live_bad(world, digest=DIGEST_B)


def turned_bad() -> World:
    """B was live after A, and turned bad."""
    return live_twice().wait(3600, b_is_bad)


def test_the_good_release_before_it_serves_everybody_at_once() -> None:
    world = turned_bad()
    assert (world.stage, world.status.split.stable) == (Stage.ROLLED_BACK, 100)
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.digest == DIGEST_A
    assert world.status.previous_good is None


def test_without_a_good_release_before_it_the_fallback_serves() -> None:
    world = live().wait(3600, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.ROLLED_BACK, 100)
    assert (world.status.last_known_good, world.status.live) == (None, "fallback")


def test_a_quarantined_release_is_never_gone_back_to() -> None:
    # A was good, was flown again beside B, and was proven harmful then
    world = live_twice().wants(A).wait(60).wait(60, bad).wants(B).settle()
    assert world.stage is Stage.LIVE
    world.wait(60, live_bad)
    assert (world.status.last_known_good, world.status.split.fallback) == (None, 100)


def test_a_release_that_is_quarantined_is_not_kept_as_the_good_one_before() -> None:
    before = live_twice().wants(A).wait(60)
    assert before.status.previous_good is not None
    after = before.wait(60, bad).status
    assert (after.stage, after.previous_good) == (Stage.ROLLED_BACK, None)


def test_it_is_quarantined_with_the_attempt_that_had_landed() -> None:
    world = turned_bad()
    record = world.records[DIGEST_B]
    assert (record.quarantined_attempt, record.outcome) == (1, "Signal")
    assert world.records[DIGEST_A].quarantined_attempt is None
    assert world.wait(CRUISE, good).stage is Stage.ROLLED_BACK


def test_a_latch_and_an_incident_of_everybody_tell_of_it() -> None:
    world = turned_bad()
    latch = world.status.latches[0]
    assert (latch.cause, latch.digest, latch.attempt) == (LatchCause.SIGNAL, DIGEST_B, 1)
    assert (latch.stage, latch.weight, latch.exposed_requests) == ("Live", 100, 900)
    assert latch.back_to is not None
    assert latch.back_to.digest == DIGEST_A
    assert latch.incident in world.incidents
    assert severity(latch, None)[0] == "P2"


def test_it_is_told_once_and_says_how_to_fly_it_again() -> None:
    world = turned_bad().wait(60, live_good)
    told = [t for t in world.status.history if t.reason == EventReason.ROLLED_BACK]
    assert len(told) == 1
    assert "turned bad while it served everybody" in told[0].message
    assert "AISignOff Retry, attempt 1" in told[0].message


def test_a_retry_flies_it_again_and_it_may_land() -> None:
    world = turned_bad()
    world.signs(DIGEST_B, 1).wait(1)
    assert (world.stage, world.weight) == (Stage.RAMPING, 10)
    assert world.status.candidate is not None
    assert world.status.candidate.attempt == 2
    assert fly_to_live(world).status.last_known_good is not None
    assert world.records[DIGEST_B].quarantined_attempt is None


def test_git_may_follow_or_ask_for_something_new() -> None:
    assert turned_bad().wants(A).settle().stage is Stage.LIVE
    assert turned_bad().wants(C).settle().stage is Stage.RAMPING


def test_contained_is_said_when_users_are_seen_to_be_within_the_bounds_again() -> None:
    world = live_twice()
    world.delivered = a_delivery(0)
    world.wait(60, b_is_bad).wait(60, lambda w: live_good(w, accepted=False))
    assert world.status.latches[0].contained_at is None
    world.wait(60, live_good)
    assert world.status.latches[0].contained_at is None, "not every replica has heard of it"
    world.delivered = a_delivery(world.status.revision)
    world.wait(60, live_good)
    assert world.status.latches[0].contained_at == world.now
    assert world.status.latches[0].exposed_requests == 900


def test_what_serves_instead_is_watched_too() -> None:
    world = turned_bad().wait(3600, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.ROLLED_BACK, 100)
    assert [x.digest for x in world.status.latches[:2]] == [DIGEST_A, DIGEST_B]


def test_last_known_good_is_watched_beside_a_release_that_came_back() -> None:
    world = rolled_back().wait(3600, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.ROLLED_BACK, 100)


def test_without_proof_against_it_a_release_stays_inconclusive() -> None:
    world = inconclusive().wait(3600, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.INCONCLUSIVE, 100)
    assert world.records[DIGEST_B].quarantined_attempt is None


def test_evidence_of_another_release_moves_nobody() -> None:
    world = live_twice().wait(60, lambda w: live_bad(w, digest=DIGEST_A))
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)


def test_a_kill_goes_before_it() -> None:
    world = live_twice().kill().wait(1, live_bad)
    assert (world.stage, world.status.split.fallback) == (Stage.KILLED, 100)


def test_the_brake_does_not_stop_it() -> None:
    world = live_twice()
    world.braked = "the brake is on"
    assert world.wait(1, live_bad).stage is Stage.ROLLED_BACK


def test_mode_observe_says_it_once_and_moves_nobody() -> None:
    world = live_twice().wants(B, mode="Observe").settle(live_good)
    world.wait(60, live_bad).wait(60, live_bad)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
    told = [t.reason for t in world.status.history]
    assert told.count(EventReason.WOULD_HAVE_ROLLED_BACK) == 1


# -- what status says ----------------------------------------------------------------------------


def test_watched_names_the_bounds_and_the_price_of_false_alarms() -> None:
    seen = live().settle(live_good).condition(ConditionType.WATCHED)
    assert seen is not None
    assert (seen.status, seen.reason) == ("True", "Watched")
    assert "errors, toxic every 60 s" in seen.message
    assert "at most 1 false alarm a year" in seen.message


def test_watched_is_false_where_no_bound_is_absolute() -> None:
    compared = [
        {k: v for k, v in s.items() if k != "max"} | {"vsStable": {"worseBy": "0.02"}}
        for s in a_spec().wire()["acceptance"]["signals"]
    ]
    world = live().wants(A, acceptance={"scope": "all", "signals": compared}).settle()
    seen = world.condition(ConditionType.WATCHED)
    assert seen is not None
    assert (seen.status, seen.reason) == ("False", "NoAbsoluteBound")


def test_watched_is_unknown_while_the_provider_does_not_answer() -> None:
    told = "signal errors: the provider does not answer"
    world = live().wait(60, lambda w: live_good(w, unreadable=told))
    seen = world.condition(ConditionType.WATCHED)
    assert seen is not None
    assert (seen.status, seen.reason) == ("Unknown", "ProviderUnavailable")
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)


def test_a_release_that_came_back_goes_on_telling_why() -> None:
    world = rolled_back().wait(60, live_good)
    assert {s.verdict for s in world.status.signals} == {"Bad"}


SHIFT = "errors 1.50% today, 0.40% the day before"


def test_a_shift_against_the_day_before_is_told_once_and_moves_nobody() -> None:
    world = live_twice().wait(60, lambda w: live_good(w, worse=SHIFT))
    world.wait(60, lambda w: live_good(w, worse=SHIFT.replace("1.50", "1.60")))
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
    told = [t for t in world.status.history if t.reason == EventReason.WORSE_THAN_BEFORE]
    assert len(told) == 1
    seen = world.condition(ConditionType.SIGNALS_HEALTHY)
    assert seen is not None
    assert (seen.status, seen.reason) == ("False", "WorseThanBefore")
    assert "1.60% today" in seen.message
    world.wait(60, live_good)
    seen = world.condition(ConditionType.SIGNALS_HEALTHY)
    assert seen is not None
    assert seen.reason == "WithinLimits"


# -- the sample ratio ----------------------------------------------------------------------------

TOLD = "SampleRatioMismatch: 5.0% of 2,000 split requests reached the candidate, 10 % are set"


def test_a_wrong_split_holds_and_does_not_send_back() -> None:
    world = live().wants(B).wait(60).wait(7200, lambda w: good(w, mismatch=TOLD))
    assert (world.stage, world.weight) == (Stage.HOLDING, 10)
    assert (world.status.hold, world.status.latches) == (TOLD, [])
    seen = world.condition(ConditionType.READY)
    assert seen is not None
    assert seen.reason == "SampleRatioMismatch"
    assert world.wait(60, good).weight == 50


def test_harm_goes_before_a_wrong_split() -> None:
    world = live().wants(B).wait(60).wait(60, lambda w: bad(w, mismatch=TOLD))
    assert world.stage is Stage.ROLLED_BACK


def test_a_wrong_split_for_ever_ends_at_the_deadline() -> None:
    world = live().wants(B).wait(60).wait(10, lambda w: judged(w, mismatch=TOLD))
    world.wait(30_000, lambda w: judged(w, mismatch=TOLD))
    assert world.stage is Stage.INCONCLUSIVE
    assert names.QUARANTINED not in world.records[DIGEST_B].name


def test_nothing_of_it_is_left_when_the_next_step_begins() -> None:
    world = live().wants(B).wait(60).wait(60, lambda w: judged(w, mismatch=TOLD))
    assert world.wait(60, undecided).status.hold is None
