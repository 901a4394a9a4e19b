"""An owner cut off from the API server for longer than its right to write still goes down.

Nobody can take the lease from a server that stands still, so somebody has to answer for the users.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from goaround.api.reasons import Stage
from hack.controlplane import ControlPlane
from tests.cluster.lease_kit import held
from tests.cluster.operator_shop import a_feature, eventually, reasons
from tests.cluster.refusal_kit import NAMES, Rig, rig, stopped_for, until_zero

pytestmark = pytest.mark.cluster

GOOD_FOR: Final = 14.0
BAD, CHAT = "v42", "chat"


@pytest.fixture(scope="module")
def stage(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig(plane, Path(tmp_path_factory.mktemp("adrift"))) as made:
        yield made


def test_harm_that_begins_long_into_an_outage_is_gone_around(stage: Rig) -> None:
    shop, plan = stage.shop(), a_feature(CHAT)
    steps = [{"weightPercent": 10, "holdSeconds": 600}, {"weightPercent": 100}]
    plan["spec"]["ramp"] |= {"steps": steps}
    assert stage.operator is not None
    with stage.listening((shop.namespace, CHAT)):
        shop.apply(plan)
        shop.until_live(CHAT)
        shop.ask_for(CHAT, BAD)
        eventually(lambda: [e.share for e in stage.ears.values()] == [10, 10], "10 % everywhere")
        with stopped_for(stage.plane.pids["kube-apiserver"], GOOD_FOR + 6):
            time.sleep(GOOD_FOR)
            assert held(stage.operator) == 0
            spoilt_at = time.time()
            shop.serve(CHAT, candidate_error=0.4)
            until_zero(stage, spoilt_at, *NAMES)
        down = shop.until_stage(CHAT, Stage.ROLLED_BACK, 60)
        assert down.status.latches[0].at.timestamp() - spoilt_at < 10
        eventually(lambda: "RolledBack" in reasons(shop.events(CHAT)), "the event")
        assert reasons(shop.events(CHAT)).count("RolledBack") == 1
        shop.empty()
