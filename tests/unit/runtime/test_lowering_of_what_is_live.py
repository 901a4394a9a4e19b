"""A last-known-good that turns bad while status cannot be written: replicas stop serving it."""

import json
from functools import cache
from pathlib import Path

import pytest

from goaround.api.reasons import Stage
from goaround.world.kube import Conflict, Refused, Unavailable
from tests.crash.traffic import Quality
from tests.unit.delivery.control_kit import CHAT
from tests.unit.runtime.lowering_kit import FLYING, GOOD, SELDOM, Scene, played
from tests.unit.runtime.lowering_parts import Flags, hanging, refusing

FAULTS = {
    "403": refusing(Refused("403: denied by policy")),
    "500": refusing(Unavailable("500: out of order")),
    "409 for ever": refusing(Conflict("409: somebody writes all the time")),
    "time-out": hanging(30, Unavailable("no answer")),
    "slow by 5 s": hanging(5),
}
FALLBACK = ""


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return tmp_path / "token"


def serves(one: Flags) -> str | None:
    """The version that everybody gets; empty text for the fallback, None while there are two."""
    return _serves(one.state.snapshot(CHAT).text)


@cache
def _serves(text: str) -> str | None:
    flag = json.loads(text)["flags"]["chat.release"]
    if "targeting" not in flag:
        return FALLBACK
    shares = dict(flag["targeting"]["if"][1]["fractional"][1:])
    if shares["stable"] < 100:
        return None
    return str(flag["variants"]["stable"]["prompt"]["version"])


async def landed(scene: Scene) -> None:
    """v42 is last-known-good, v41 was before it."""
    await scene.until(lambda: scene.status.stage is Stage.LIVE, "landed", every=SELDOM)
    await scene.until(lambda: {serves(f) for f in scene.flags} == {FLYING}, "served everywhere")


@pytest.mark.parametrize("what", FAULTS)
def test_whatever_the_write_answers_the_good_release_before_it_serves(
    token: Path, what: str
) -> None:
    async def test(scene: Scene) -> None:
        await landed(scene)
        scene.api.sick = FAULTS[what]
        scene.spoil()
        await scene.until(
            lambda: [serves(f) for f in scene.flags] == [GOOD, GOOD], "left", every=0.1
        )
        assert scene.status.stage is Stage.LIVE
        assert scene.counted("all") >= 1
        scene.api.sick = None
        await scene.until(lambda: scene.status.stage is Stage.ROLLED_BACK, "rolled back")
        assert len(scene.status.latches) == 1
        await scene.until(lambda: scene.status.latches[0].delivered_at, "delivered")
        assert [serves(f) for f in scene.flags] == [GOOD, GOOD]

    played(token, test)


def test_without_a_good_release_before_it_the_fallback_serves(token: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.ask_for(GOOD)
        await scene.until(lambda: scene.status.stage is Stage.LIVE, "back to v41", every=SELDOM)
        scene.api.sick = FAULTS["403"]
        scene.traffic.change(quality={GOOD: Quality(errors=0.2)})
        await scene.until(
            lambda: [serves(f) for f in scene.flags] == [FALLBACK] * 2, "left", every=0.1
        )
        assert scene.status.split.stable == 100

    played(token, test)


def test_a_replica_that_does_not_hear_of_the_decision_in_status_is_told_of_it(token: Path) -> None:
    async def test(scene: Scene) -> None:
        await landed(scene)
        scene.flags[0].deaf = True
        scene.spoil()
        await scene.until(lambda: scene.status.stage is Stage.ROLLED_BACK, "rolled back")
        await scene.until(lambda: serves(scene.flags[0]) == GOOD, "the deaf one, too", 10)
        assert scene.status.latches[0].delivered_at is None

    played(token, test)
