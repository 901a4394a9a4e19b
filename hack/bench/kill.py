"""How long from the creation of one kill switch until the last of many features serves fallback."""

import time

from goaround.api.base import Json
from goaround.api.kinds import KILL_SWITCHES
from hack.bench.figures import spread, table
from hack.bench.world import NAMESPACE, World, is_settled

SWITCH = "stop-all"


async def run(world: World, features: int) -> Json:
    """One switch by label selector over all features, and the way back when it is deleted."""
    keys = await world.fleet(features)
    world.mark()
    before, began = await world.usage(), time.time()
    await world.create(KILL_SWITCHES, NAMESPACE, _switch())
    answered = time.time()
    await world.until(
        lambda: all(world.ears.fallback(k) is not None for k in keys), "all flags flipped"
    )
    await world.until(lambda: world.sight.all(keys, _is_killed), "all recorded as killed")
    await world.until(
        lambda: all(world.sight.seen(k, "Killed") is not None for k in keys), "all seen killed"
    )
    cost = (await world.usage()).since(before).told()
    rows = [
        {"from": "created to flag on the stream"}
        | spread((world.ears.fallback(k) or 0) - began for k in keys),
        {"from": "created to status Killed"}
        | spread((world.sight.seen(k, "Killed") or 0) - began for k in keys),
    ]
    raised = time.time()
    await _delete_when_latched(world)
    await world.until(lambda: world.sight.all(keys, is_settled), "all Live again")
    back = {"from": "deleted to all Live and streamed", "seconds": round(time.time() - raised, 3)}
    print(table(f"kill of {features} features by one switch (seconds)", rows))
    print(
        f"  the create itself took {answered - began:.3f} s; operator "
        f"{cost['operatorCpuSeconds']:.2f} s CPU; API requests {cost['apiRequests']}; back again "
        f"after {back['seconds']:.1f} s"
    )
    return {"rows": rows, "createSeconds": round(answered - began, 4), "cost": cost, "back": back}


async def _delete_when_latched(world: World) -> None:
    """As the policy of the chart asks: a switch goes once it is latched."""
    where = f"/apis/goaround.dev/v1alpha1/namespaces/{NAMESPACE}/aikillswitches/{SWITCH}"
    end = time.monotonic() + 30
    while "latchedAt" not in ((await world.http.get(where)).json().get("status") or {}):
        if time.monotonic() > end:
            raise TimeoutError("the switch was never latched")
    await world.delete(KILL_SWITCHES, NAMESPACE, SWITCH)


def _switch() -> Json:
    return {
        "apiVersion": KILL_SWITCHES.api_version,
        "kind": KILL_SWITCHES.kind,
        "metadata": {"name": SWITCH},
        "spec": {"selector": {"matchLabels": {"fleet": NAMESPACE}}, "reason": "bench"},
    }


def _is_killed(status: Json) -> bool:
    return status.get("stage") == "Killed"
