"""An abort reaches users although status cannot be written, and whatever else stands in the way."""

import asyncio
from pathlib import Path

from goaround.api import names
from goaround.api.kinds import INCIDENTS
from goaround.api.reasons import Stage
from goaround.world.kube import Refused
from tests.unit.runtime.lowering_kit import Scene, played
from tests.unit.runtime.lowering_parts import refusing

SOON = 0.2


def test_the_flag_replicas_are_told_and_status_says_so_later(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.api.sick = refusing(Refused("403: denied by policy"))
        flown = scene.status.candidate
        assert flown is not None
        begun, words = scene.loop.time(), f"{flown.digest}/{flown.attempt}"
        scene.annotate({names.HOLD: "wait", names.ABORT: words})
        lowered = await scene.until(lambda: scene.shares == [0, 0], "lowered")
        assert lowered - begun <= SOON
        assert scene.status.stage is Stage.RAMPING
        await asyncio.sleep(5)
        assert scene.shares == [0, 0]
        scene.api.sick = None
        await scene.until(lambda: scene.status.stage is Stage.REJECTED, "aborted")
        assert len(scene.status.latches) == 1
        assert scene.status.last_abort == words
        await scene.until(lambda: scene.status.latches[0].contained_at, "contained")
        assert len(await scene.told("Aborted")) == len(await scene.objects(INCIDENTS)) == 1

    played(tmp_path / "token", test)
