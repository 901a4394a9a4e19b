"""Going down while status cannot be written: who is told, how soon, and what is said of it."""

import asyncio
from pathlib import Path

import pytest

from goaround.api.reasons import Stage
from goaround.world.kube import Conflict, Refused, Unavailable
from tests.unit.runtime.lowering_kit import Scene, one_of_each, played, until_contained, until_down
from tests.unit.runtime.lowering_parts import hanging, refusing

SOON = 0.2
"""Virtual seconds: a few turns of the loop and of the wires."""

WINDOW_SECONDS, LAG_SECONDS = 10, 2

FAULTS = {
    "403": (refusing(Refused("403: denied by policy")), SOON),
    "500": (refusing(Unavailable("500: out of order")), SOON),
    "409 for ever": (refusing(Conflict("409: somebody writes all the time")), SOON),
    "time-out": (hanging(30, Unavailable("no answer")), 0.3 + SOON),
    "slow by 5 s": (hanging(5), 0.3 + SOON),
}


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.mark.parametrize("what", FAULTS)
def test_whatever_the_write_answers_the_candidate_loses_its_users_at_once(
    token: Path, what: str
) -> None:
    fault, limit = FAULTS[what]

    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = fault
        proven = await scene.until_proven()
        lowered = await scene.until(lambda: scene.shares == [0, 0], "lowered")
        assert lowered - proven <= limit
        assert scene.status.stage is Stage.RAMPING
        assert scene.counted("all") >= 1

    played(token, test)


@pytest.mark.parametrize("what", FAULTS)
def test_once_status_can_be_written_everything_is_as_if_nothing_had_been(
    token: Path, what: str
) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = FAULTS[what][0]
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        await asyncio.sleep(20)
        assert scene.shares == [0, 0]
        scene.api.sick = None
        await until_contained(scene)
        await one_of_each(scene)
        assert scene.status.split.stable == 100
        assert not any(shown.lowered for f in scene.flags for shown in f.state.shown().values())

    played(token, test)


def test_the_time_of_the_decision_is_that_of_the_pass_which_first_took_it(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = refusing(Refused("403: denied by policy"))
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        decided = scene.loop.wall()
        await asyncio.sleep(120)
        scene.api.sick = None
        await until_contained(scene)
        (latch,) = scene.status.latches
        assert abs((latch.at - decided).total_seconds()) < 1
        assert scene.status.history[-2].at == latch.at
        assert latch.delivered_at is not None
        assert latch.delivered_at > latch.at

    played(token, test)


def test_the_object_and_its_event_say_how_far_it_was_lowered_and_why(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.flags[1].dead = True
        scene.spoil()
        scene.api.sick = refusing(Refused("403: denied by policy"))
        await scene.until(lambda: scene.counted("some"), "some are lowered")
        scene.api.sick = None
        await until_down(scene)
        told = "lowered on 1 of 2 flag replicas; status could not be written: 403: denied by policy"
        assert told in next(t for t in scene.status.history if t.reason == "RolledBack").message
        await scene.until(lambda: scene.status.latches[0].incident_opened_at, "opened")
        (event,) = await scene.told("RolledBack")
        assert told in event

    played(token, test)


def test_while_status_is_refused_replicas_are_told_again_and_again(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = refusing(Refused("403"))
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        before = [len(one.told) for one in scene.flags]
        await asyncio.sleep(60)
        assert all(len(one.told) >= was + 20 for one, was in zip(scene.flags, before, strict=True))

    played(token, test)


def test_while_a_write_hangs_replicas_are_told_again(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.flags[0].dead = True
        scene.spoil()
        scene.api.sick = hanging(30)
        await scene.until(lambda: scene.shares[1] == 0, "one is lowered")
        sent = len(scene.api.sent)
        scene.restart(scene.flags[0])
        assert scene.shares == [10, 0]
        await scene.until(lambda: scene.shares == [0, 0], "the other, too", 4)
        assert len(scene.api.sent) == sent
        assert scene.status.stage is Stage.RAMPING

    played(token, test)


def test_a_write_that_is_slow_is_not_cancelled(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = hanging(5)
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        given_up = scene.api.cancelled
        await until_contained(scene)
        assert scene.api.cancelled == given_up
        await one_of_each(scene)

    played(token, test)


@pytest.mark.parametrize("fault", ["dead", "hangs"])
def test_a_replica_that_is_gone_keeps_no_other_from_being_lowered(token: Path, fault: str) -> None:
    async def test(scene: Scene) -> None:
        setattr(scene.flags[0], fault, True)
        scene.spoil()
        scene.api.sick = refusing(Refused("403"))
        proven = await scene.until_proven()
        assert await scene.until(lambda: scene.shares[1] == 0, "lowered") - proven <= SOON
        await scene.until(lambda: scene.counted("some"), "counted as some")
        scene.api.sick = None
        await until_down(scene)
        assert scene.shares[1] == 0

    played(token, test)


@pytest.mark.parametrize("what", ["403", "time-out"])
def test_evidence_is_read_on_time_however_long_nothing_could_be_written(
    token: Path, what: str
) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick = FAULTS[what][0]
        await asyncio.sleep(100)
        scene.spoil()
        spoilt = scene.loop.time()
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        assert scene.loop.time() - spoilt <= 2 * WINDOW_SECONDS + LAG_SECONDS + 1

    played(token, test)
