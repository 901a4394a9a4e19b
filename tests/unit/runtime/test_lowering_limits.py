"""Where replicas are not told past the API server, and where they cannot be."""

import asyncio
from pathlib import Path

import pytest

from goaround.api.kinds import INCIDENTS
from goaround.api.reasons import Stage
from goaround.world.kube import Conflict, Refused
from tests.unit.delivery.control_kit import arms
from tests.unit.runtime.lowering_kit import Scene, one_of_each, played, until_contained, until_down
from tests.unit.runtime.lowering_parts import hanging, refusing


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return tmp_path / "token"


def test_one_conflict_is_no_reason_to_go_past_the_api_server(token: Path) -> None:
    async def test(scene: Scene) -> None:
        async def once() -> None:
            scene.api.sick = None
            raise Conflict("somebody wrote in between")

        scene.spoil()
        scene.api.sick = once
        await until_contained(scene)
        assert [one.told for one in scene.flags] == [[], []]
        await one_of_each(scene)

    played(token, test)


def test_a_rollback_that_is_written_at_once_asks_no_control_port(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        await until_contained(scene)
        assert [one.told for one in scene.flags] == [[], []]

    played(token, test)


def test_a_climb_that_cannot_be_written_asks_for_nothing(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick, sent = refusing(Refused("403")), len(scene.api.sent)
        await asyncio.sleep(120)
        # once with each window of evidence, and a few times more
        assert 1 < len(scene.api.sent) - sent < 60
        assert scene.shares == [10, 10]
        assert [one.told for one in scene.flags] == [[], []]

    played(token, test)


def test_a_landing_that_is_slow_to_write_is_no_way_down(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick = hanging(1)
        await scene.until(lambda: scene.status.stage is Stage.LIVE, "landed")
        assert scene.status.previous_good is not None
        assert [one.told for one in scene.flags] == [[], []]

    played(token, test)


def test_a_kill_in_flight_lowers_even_a_replica_that_does_not_hear_of_it(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.flags[0].deaf = True
        scene.api.sick = refusing(Refused("403"))
        scene.kill()
        await scene.until(lambda: scene.shares == [0, 0], "nobody is on the candidate")
        assert scene.flags[0].told[0].split.fallback == 100
        scene.api.sick = None
        await scene.until(lambda: scene.status.stage is Stage.KILLED, "killed")

    played(token, test)


def test_a_kill_of_what_is_live_is_left_to_the_replicas_own_watch(token: Path) -> None:
    async def test(scene: Scene) -> None:
        await scene.until(lambda: scene.status.stage is Stage.LIVE, "landed")
        scene.api.sick = refusing(Refused("403"))
        scene.kill()
        await asyncio.sleep(5)
        assert [one.told for one in scene.flags] == [[], []]
        assert {frozenset(arms(one.state)) for one in scene.flags} == {frozenset({"fallback"})}
        scene.api.sick = None
        await scene.until(lambda: scene.status.stage is Stage.KILLED, "killed")

    played(token, test)


def test_a_new_release_that_cannot_be_recorded_takes_the_old_one_to_nothing(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick = refusing(Refused("403"))
        scene.ask_for("v41")
        await scene.until(lambda: scene.shares == [0, 0], "nobody is on the candidate")
        scene.api.sick = None
        await scene.until(lambda: scene.status.stage is Stage.LIVE, "live")
        assert scene.status.latches == []

    played(token, test)


def test_without_a_token_the_way_down_waits_for_the_write_and_says_so(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = refusing(Refused("403"))
        await scene.until_proven()
        await asyncio.sleep(10)
        assert scene.shares == [10, 10]
        assert scene.counted("none") >= 1
        scene.api.sick = None
        await until_contained(scene)
        await one_of_each(scene)

    played(token, test, control=False)


def test_without_replicas_it_works_all_the_same(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.sick = refusing(Refused("403"))
        await scene.until_proven()
        await asyncio.sleep(10)
        scene.api.sick = None
        await until_down(scene)
        assert len(await scene.objects(INCIDENTS)) == 1

    played(token, test, replicas=0)


def test_what_another_fault_hides_is_not_told_as_lowered(token: Path) -> None:
    async def test(scene: Scene) -> None:
        for one in scene.flags:
            one.dead = True
        scene.spoil()
        scene.api.sick = refusing(Refused("403"))
        await scene.until(lambda: scene.counted("none") >= 1, "nobody could be told")
        assert scene.counted("all") == scene.counted("some") == 0

    played(token, test)
