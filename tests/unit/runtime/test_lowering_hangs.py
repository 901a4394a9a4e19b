"""An API server that hangs: no call that waits for it may stand before a way down."""

import asyncio
from pathlib import Path

import pytest

from goaround.api.kinds import INCIDENTS
from goaround.api.reasons import Stage
from goaround.world.kube import Unavailable
from tests.unit.runtime.lowering_kit import Scene, played, until_contained
from tests.unit.runtime.lowering_parts import hanging

SOON = 1.0
"""Virtual seconds: what is slow is that after 0.3 s; the rest is for turns of the loop."""

FROZEN = hanging(30, Unavailable("no answer"))


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return tmp_path / "token"


def test_a_frozen_api_server_delays_no_way_down(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        scene.api.frozen = FROZEN
        proven = await scene.until_proven()
        lowered = await scene.until(lambda: scene.shares == [0, 0], "lowered")
        assert lowered - proven <= SOON
        await asyncio.sleep(60)
        scene.api.frozen = None
        await until_contained(scene)
        assert len(await scene.objects(INCIDENTS)) == 1
        assert len(await scene.told("RolledBack")) == 1

    played(token, test)


def test_a_checkpoint_that_hangs_is_given_up_when_harm_is_proven(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick, sent = FROZEN, len(scene.api.sent)
        await scene.until(lambda: len(scene.api.sent) > sent, "a checkpoint hangs")
        scene.spoil()
        proven = await scene.until_proven()
        assert await scene.until(lambda: scene.shares == [0, 0], "lowered") - proven <= SOON

    played(token, test)


def test_a_raise_that_hangs_is_given_up_and_does_not_raise_when_it_arrives(token: Path) -> None:
    async def test(scene: Scene) -> None:
        late: list[asyncio.Task[None]] = []
        mended = asyncio.Event()

        async def lost() -> None:
            """The first write comes through after it was given up, the others once it is mended."""
            if not late:
                late.append(asyncio.create_task(arrives(scene, scene.api.sent[-1])))
            await mended.wait()

        step, revision = scene.step, scene.status.revision
        await scene.until(lambda: is_about_to_climb(scene), "about to climb")
        scene.api.sick = lost
        await scene.until(lambda: late, "the raise hangs")
        assert scene.api.sent[-1] > revision
        scene.spoil()
        await scene.until(lambda: scene.shares == [0, 0], "lowered")
        await asyncio.wait(late)
        await asyncio.sleep(5)
        assert scene.step.index == step.index + 1
        assert scene.shares == [0, 0]
        scene.api.sick = None
        mended.set()
        await until_contained(scene)

    played(token, test)


async def arrives(scene: Scene, revision: int) -> None:
    """The raise, as the API server carries it out half a minute late."""
    await asyncio.sleep(30)
    status = scene.status
    raised = status.but(
        split=status.split.but(stable=50, candidate=50),
        step=scene.step.but(index=scene.step.index + 1),
        revision=revision,
    )
    scene.write(raised)


def is_about_to_climb(scene: Scene) -> bool:
    now = scene.loop.wall()
    return (now - scene.step.since).total_seconds() >= 18


def test_effects_that_hang_after_the_write_keep_no_deaf_replica_on_the_candidate(
    token: Path,
) -> None:
    async def test(scene: Scene) -> None:
        scene.flags[1].deaf = True
        scene.spoil()

        async def frozen_once_down() -> None:
            if scene.status.stage is Stage.ROLLED_BACK:
                await asyncio.sleep(30)

        scene.api.frozen = frozen_once_down
        await scene.until(lambda: scene.status.stage is Stage.ROLLED_BACK, "written")
        await scene.until(lambda: scene.shares == [0, 0], "lowered", SOON)
        assert not any(call.startswith("create aiincidents") for call in scene.api.done)

    played(token, test)


def test_a_replica_that_did_not_hear_of_the_rollback_is_lowered_and_told_as_not_there(
    token: Path,
) -> None:
    async def test(scene: Scene) -> None:
        scene.flags[1].deaf = True
        scene.spoil()
        await scene.until(lambda: scene.status.stage is Stage.ROLLED_BACK, "rolled back")
        await scene.until(lambda: scene.shares == [0, 0], "lowered", SOON)
        assert scene.flags[0].told == []
        await asyncio.sleep(60)
        (latch,) = scene.status.latches
        assert latch.delivered_at is None
        assert latch.contained_at is None
        delivery = scene.status.delivery
        assert delivery is not None
        assert "has not heard of the decision" in delivery.message
        scene.flags[1].deaf = False
        scene.restart(scene.flags[1])
        await until_contained(scene)

    played(token, test)


def test_many_passes_that_hang_leave_room_for_the_one_that_goes_down(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.crowd(40)
        scene.api.frozen = FROZEN
        await asyncio.sleep(1)
        scene.spoil()
        proven = await scene.until_proven()
        lowered = await scene.until(lambda: scene.shares == [0, 0], "lowered")
        assert lowered - proven <= 2 * SOON

    played(token, test)
