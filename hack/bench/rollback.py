"""How long from the proof of harm until nobody is on the release, for one feature and for many.

All candidates turn bad at the same instant. Published from proof (end of the window that crossed
the bound, plus the provider's lag) as the promise is; what it took to prove stands beside it.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

from goaround.api.base import Json
from hack.bench.figures import spread, table
from hack.bench.traffic import Key
from hack.bench.world import World

GOOD_SECONDS = 2.0
REPEATS = 10

Sample = dict[str, float]


async def run(world: World, features: int) -> Json:
    """One feature several times, then all at once."""
    alone, cost = await _alone(world)
    together, cost_of_all = await _flight(world, await world.fleet(features), "together", 0.0)
    found = {"1": _told(alone, cost), str(features): _told(together, cost_of_all)}
    for count, told in found.items():
        print(table(f"rollback, {count} at once (seconds)", told["rows"]))
        print(f"  {_costs(told['cost'])}")
    return found


async def _alone(world: World) -> tuple[list[Sample], Json]:
    """Turned bad at ten different moments of a window; only the last flight is watched until it
    is contained, and the cost is that of this one."""
    keys = await world.fleet(1)
    samples: list[Sample] = []
    cost: Json = {}
    for n in range(REPEATS):
        last = n == REPEATS - 1
        more, cost = await _flight(world, keys, f"alone-{n}", n / REPEATS, to_the_end=last)
        samples += more
    return samples, cost


async def _flight(
    world: World, keys: Sequence[Key], version: str, phase: float, *, to_the_end: bool = True
) -> tuple[list[Sample], Json]:
    """Take off, turn bad `phase` of a second into a window, go around; the samples, the cost."""
    await world.ask_for(keys, version)
    await world.until(lambda: world.sight.all(keys, _is_at_ten), "all at 10 %")
    await asyncio.sleep(GOOD_SECONDS)
    await asyncio.sleep((phase - time.time()) % 1)
    world.mark()
    before = await world.usage()
    onset = world.traffic.turn(keys, bad=True)
    await world.until(
        lambda: all(
            world.sight.seen(k, "RolledBack") is not None and world.ears.zero(k) is not None
            for k in keys
        ),
        "all back",
    )
    ended = _is_contained if to_the_end else _is_delivered
    await world.until(lambda: world.sight.all(keys, ended), "all delivered and contained")
    cost = (await world.usage()).since(before).told()
    world.traffic.turn(keys, bad=False)
    return [_sample(world, key, onset) for key in keys], cost


def _sample(world: World, key: Key, onset: float) -> Sample:
    latch = world.sight.status(key)["latches"][0]
    proven, decided = unix(latch["provenAt"]), unix(latch["at"])
    seen, zero = world.sight.seen(key, "RolledBack"), world.ears.zero(key)
    assert seen is not None
    assert zero is not None
    told = {
        "onset to proof": proven - onset,
        "proof to decision": decided - proven,
        "proof to status RolledBack": seen - proven,
        "proof to share 0 on the stream": zero - proven,
        "onset to share 0": zero - onset,
        "proof to delivered": unix(latch["deliveredAt"]) - proven,
    }
    if "containedAt" in latch:
        told["proof to contained"] = unix(latch["containedAt"]) - proven
    return told


def _told(samples: Sequence[Sample], cost: Json) -> Json:
    rows = [{"from": name, **spread(s[name] for s in samples if name in s)} for name in samples[-1]]
    return {"rows": rows, "cost": cost}


def _costs(cost: Json) -> str:
    asked = ", ".join(f"{n} {what}" for what, n in cost["apiRequests"].items())
    return (
        f"until contained ({cost['seconds']:.1f} s): operator {cost['operatorCpuSeconds']:.2f} s "
        f"CPU, {cost['operatorRssMiB']:.0f} MiB; {cost['prometheusQueries']} Prometheus queries; "
        f"{cost['apiRequestsTotal']} API requests ({asked})"
    )


def _is_at_ten(status: Json) -> bool:
    return status.get("stage") == "Ramping" and status["split"].get("candidate") == 10


def _is_delivered(status: Json) -> bool:
    latches = status.get("latches") or []
    return status["stage"] == "RolledBack" and "deliveredAt" in latches[0]


def _is_contained(status: Json) -> bool:
    latches = status.get("latches") or []
    return status["stage"] == "RolledBack" and "containedAt" in latches[0]


def unix(time_of_status: str) -> float:
    return datetime.fromisoformat(time_of_status).timestamp()
