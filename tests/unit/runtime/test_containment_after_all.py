"""A rollback whose effect was not seen before the next take-off: it is seen and told later."""

from pathlib import Path

from goaround.api.kinds import INCIDENTS
from goaround.api.reasons import Stage
from tests.unit.runtime.lowering_kit import Scene, played, until_down


def test_its_incident_is_contained_once_the_next_release_has_landed(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.spoil()
        await until_down(scene)
        scene.ask_for("v43")
        await scene.until(lambda: scene.status.split.candidate == 10, "the next flight")
        assert scene.status.latches[0].contained_at is None
        await scene.until(lambda: scene.status.stage is Stage.LIVE, "landed")
        await scene.until(lambda: scene.status.latches[0].contained_at, "contained")
        await scene.until(lambda: scene.status.latches[0].incident_opened_at, "opened")
        assert len(await scene.told("Contained")) == 1
        (incident,) = await scene.objects(INCIDENTS)
        assert incident["status"]["phase"] == "Contained"

    played(tmp_path / "token", test)
