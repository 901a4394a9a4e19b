"""Each flight that ended has one segment in the evidence binder, with what was known by then."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from goaround.api.base import Json, rfc3339
from goaround.api.drift import DriftInputStatus, DriftStatus
from goaround.api.evidence_log import EvidenceLog, Landing
from goaround.api.preflight import PreflightStatus, PreflightVerdict
from goaround.api.reasons import Stage
from goaround.api.signoff import Decision
from goaround.api.status import AIFeatureStatus, LatchCause
from goaround.rollout.binder import LINES_LOST, OUTCOMES, flight_of, needs_segments
from goaround.rollout.chain import KEPT, faults, segment
from goaround.rollout.effects import effects_after
from goaround.rollout.observed import Drifted
from goaround.rollout.planned import DropRecord, WriteSegment
from tests.unit.rollout.build import CRUISE, DIGEST_A, DIGEST_B, HOLD, A, B, C
from tests.unit.rollout.flights import (
    cruising,
    fly_to_live,
    halfway,
    inconclusive,
    killed,
    live,
    live_twice,
    ramping,
    rolled_back,
)
from tests.unit.rollout.world import World, bad, good, live_bad, live_good


def newest(world: World) -> Json:
    return max(world.segments.values(), key=lambda data: data["number"])


def is_whole(world: World) -> bool:
    read = [segment(name, data) for name, data in world.segments.items()]
    log = world.status.evidence_log
    return (
        log is not None and log.length == len(read) and faults(list(filter(None, read)), log) == []
    )


def planned(world: World) -> list[WriteSegment]:
    found = effects_after(world.observed(), world.status)
    return [e for e in found if isinstance(e, WriteSegment)]


def test_whatever_ends_a_flight_has_an_outcome() -> None:
    assert set(LatchCause) - set(OUTCOMES) == {LatchCause.OUTAGE}


def test_a_landing_is_told_with_the_lines_that_accepted_it() -> None:
    world = live_twice()
    told = newest(world)
    assert (told["outcome"], told["releaseDigest"], told["attempt"]) == ("Live", DIGEST_B, 1)
    assert told["signals"] == ["Good errors: good", "Good toxic: good"]
    assert told["release"] == B.wire()
    assert told["scope"] == "support questions"
    assert is_whole(world)


def test_a_release_that_served_already_is_told_as_adopted() -> None:
    assert newest(live())["outcome"] == "Adopted"


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (rolled_back, "RolledBack"),
        (inconclusive, "Inconclusive"),
        (killed, "Killed"),
    ],
)
def test_a_way_down_is_told_with_its_proof(ended: Callable[[], World], outcome: str) -> None:
    world = ended().wait(60)
    told, latch = newest(world), world.status.latches[0]
    assert (told["outcome"], told["releaseDigest"]) == (outcome, DIGEST_B)
    assert told["latch"]["message"] == latch.message
    assert told["latch"]["incident"] == latch.incident
    assert is_whole(world)


def test_the_proof_carries_exposure_and_the_lines_of_that_moment() -> None:
    told = newest(rolled_back().wait(60))
    assert told["latch"]["exposedRequests"] == 321
    assert told["signals"] == ["Bad errors: bad", "Bad toxic: bad"]


def test_a_fall_from_live_is_a_flight_of_its_own() -> None:
    world = live_twice()
    world.look(live_bad)
    world.wait(60, live_good)
    outcomes = [data["outcome"] for data in world.segments.values()]
    assert outcomes == ["Adopted", "Live", "RolledBack"]
    assert newest(world)["latch"]["backTo"] == DIGEST_A
    assert is_whole(world)


def test_a_rejection_says_who_it_was() -> None:
    world = halfway().decides(Decision.REJECT, by="bea").wait(60).wait(60)
    assert newest(world)["outcome"] == "Refused"
    assert newest(world)["signOffs"][0]["by"] == "bea"
    assert newest(world)["signOffs"][0]["decision"] == "Reject"


def test_who_approved_stands_beside_the_landing() -> None:
    world = halfway().decides(Decision.APPROVE, by="ann")
    world.decides(Decision.APPROVE, by="bea", digest="sha256:" + "0" * 64)
    told = newest(fly_to_live(world))
    assert [row["by"] for row in told["signOffs"]] == ["ann"]
    assert told["planDigest"]


def test_the_retry_that_let_it_fly_again_is_told_of_the_flight_that_it_made() -> None:
    world = fly_to_live(rolled_back().signs(DIGEST_B, 1))
    told = newest(world)
    assert (told["outcome"], told["attempt"]) == ("Live", 2)
    assert [row["decision"] for row in told["signOffs"]] == ["Retry"]
    assert is_whole(world)


def test_preflight_and_drift_are_told_in_verdicts_and_hashes() -> None:
    world = cruising()
    at, golden = world.now, "sha256:" + "1" * 64
    found = PreflightStatus(
        verdict=PreflightVerdict.PASSED, digest=DIGEST_B, attempt=1, golden_hash=golden, pin="pin"
    )
    row = DriftInputStatus(name="length", verdict="Quiet", message="length PSI 0.02 (limit 0.2)")
    parts: dict[str, Any] = {"drift": {"inputs": [{"name": "length", "histogram": "h{$match}"}]}}
    world.wants(B, **parts)
    world.status = world.status.but(preflight=found)
    seen = DriftStatus(digest=DIGEST_B, verdict="Quiet", observed_at=at, inputs=[row])
    world.drift = Drifted(DIGEST_B, status=seen)
    told = newest(world.wait(CRUISE + 10, good))
    assert told["preflight"]["goldenHash"] == golden
    assert "pin" not in told["preflight"]
    assert told["drift"]["inputs"][0]["message"] == "length PSI 0.02 (limit 0.2)"


def test_what_people_said_of_the_feature_is_kept_with_the_flight() -> None:
    said = {"inputLike": "a question", "returns": "an answer", "because": "x", "guardrails": "y"}
    world = live().wants(B, explainability=said, owner="search team", riskTier="Limited")
    told = newest(fly_to_live(world))
    assert (told["explainability"], told["owner"], told["riskTier"]) == (
        said,
        "search team",
        "Limited",
    )


def test_a_way_down_is_planned_before_its_segment() -> None:
    world = ramping()
    plan = world.plan(bad)
    assert not [e for e in plan.first if isinstance(e, WriteSegment)]
    assert isinstance(plan.then[-1], WriteSegment)


def test_a_landing_is_in_status_before_its_segment_is_written() -> None:
    world = cruising()
    world.now += timedelta(seconds=CRUISE + HOLD)
    world.look(good, lost=True)
    assert len(world.segments) == 1  # the status was not stored, so nothing landed


def test_a_landing_that_could_not_be_written_is_told_after_the_next_one() -> None:
    world = cruising()
    first = Landing(
        digest=DIGEST_A, plan_digest=DIGEST_A, attempt=1, at=world.now, lines=["Good errors"]
    )
    world.segments.clear()
    world.status = world.status.but(evidence_log=EvidenceLog(landing=first))
    world.now += timedelta(seconds=CRUISE + HOLD)
    log = world.plan(good).status.evidence_log
    assert log is not None
    assert log.landing is not None
    assert ([x.digest for x in log.earlier], log.landing.digest) == ([DIGEST_A], DIGEST_B)
    world.settle(good).wait(60).wait(60)
    assert [data["releaseDigest"] for data in world.segments.values()] == [DIGEST_A, DIGEST_B]
    assert world.segments["chat-evidence-1"]["signals"] == [LINES_LOST]
    assert world.status.evidence_log is not None
    assert (world.status.evidence_log.landing, world.status.evidence_log.earlier) == (None, [])


def test_a_flight_is_told_once_however_often_it_is_looked_at() -> None:
    world = rolled_back()
    for _ in range(4):
        world.wait(60)
    flights = [data["flight"] for data in world.segments.values()]
    assert len(flights) == len(set(flights)) == 2
    assert planned(world) == []


def test_a_segment_that_another_process_wrote_is_taken_as_it_is() -> None:
    world = rolled_back()
    (name,) = (n for n in world.segments if n.endswith("-2"))
    world.segments[name] = world.segments[name] | {"owner": "another process"}
    world.status = world.status.but(evidence_log=None)
    world.wait(60)
    assert is_whole(world)
    assert len(world.segments) == 2


def test_a_number_that_is_taken_is_passed_over() -> None:
    world = ramping()
    stray = {"number": 2, "prev": "sha256:" + "0" * 64, "flight": "nobody's"}
    world.segments["chat-evidence-2"] = stray
    world.wait(60, bad).wait(60)
    assert newest(world)["number"] == 3
    read = [s for n, d in world.segments.items() if (s := segment(n, d)) is not None]
    assert [name for name, _ in faults(read, world.status.evidence_log)] == ["chat-evidence-2"]


def test_several_flights_without_a_segment_are_told_one_after_the_other() -> None:
    world = rolled_back()
    world.wants(C).wait(60).wait(60, bad)
    world.segments.clear()
    world.status = world.status.but(evidence_log=None)
    assert len(planned(world)) == 1
    for _ in range(3):
        world.wait(60)
    assert [data["number"] for data in world.segments.values()] == [1, 2]
    assert [d["flight"] for d in world.segments.values()] == [
        flight_of(latch) for latch in reversed(world.status.latches)
    ]
    assert is_whole(world)


def test_a_status_that_knows_of_more_than_was_heard_waits_for_a_live_read() -> None:
    world = rolled_back()
    heard = dict(world.segments)
    del heard["chat-evidence-2"]
    world.segments = heard
    assert needs_segments(world.observed())
    assert planned(world) == []
    world.confirmed = True
    assert [e.number for e in planned(world)] == [3]


def test_the_anchor_stands_although_the_segment_is_gone() -> None:
    world = rolled_back().wait(60)
    log = world.status.evidence_log
    del world.segments["chat-evidence-2"]
    assert world.wait(60).status.evidence_log == log


def test_the_anchor_comes_back_from_the_segments_after_a_restore_without_status() -> None:
    world = live_twice()
    log = world.status.evidence_log
    world.status = AIFeatureStatus()
    assert world.wait(60).status.evidence_log == log


def test_the_oldest_segments_over_the_limit_are_dropped() -> None:
    world = live()
    first = dict(world.segments["chat-evidence-1"])
    for number in range(2, KEPT + 3):
        world.segments[f"chat-evidence-{number}"] = first | {
            "number": number,
            "flight": str(number),
        }
    found = effects_after(world.observed(), world.status)
    assert [e.name for e in found if isinstance(e, DropRecord)] == [
        "chat-evidence-1",
        "chat-evidence-2",
    ]


def test_a_latch_whose_segment_was_dropped_for_its_age_is_not_told_again() -> None:
    world = fly_to_live(rolled_back().wants(C))
    first, later = dict(world.segments["chat-evidence-1"]), rfc3339(world.now)
    world.segments = {
        f"chat-evidence-{n}": first | {"number": n, "flight": str(n), "endedAt": later}
        for n in range(9, KEPT + 9)
    }
    assert world.status.latches
    assert planned(world) == []


def test_a_git_revert_ends_no_flight() -> None:
    world = ramping().wants(A).wait(60)
    assert len(world.segments) == 1
    assert planned(world) == []


def test_a_flight_that_spec_rolled_back_to_before_it_ended_is_told_as_no_landing() -> None:
    world = live_twice().wants(A).wait(60)
    told = dict(world.segments)
    world.wants(A, rollbackTo=DIGEST_A).settle(good)
    assert (world.stage, world.status.split.stable) == (Stage.LIVE, 100)
    assert world.status.last_known_good is not None
    assert world.status.last_known_good.digest == DIGEST_A
    assert world.segments == told
    assert is_whole(world)
