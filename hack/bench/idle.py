"""What settled features cost while nothing happens."""

import asyncio

from goaround.api.base import Json
from hack.bench.figures import table
from hack.bench.usage import total
from hack.bench.world import World

SETTLE_SECONDS = 3.0
SECONDS = 30.0


async def run(world: World, features: int) -> Json:
    """Many Live features under traffic, left alone for 30 s."""
    await world.fleet(features)
    await asyncio.sleep(SETTLE_SECONDS)
    passes = await _passes(world)
    world.mark()
    before = await world.usage()
    await asyncio.sleep(SECONDS)
    cost = (await world.usage()).since(before).told()
    minutes = cost["seconds"] / 60
    found: Json = {
        "features": features,
        "cost": cost,
        "statusWrites": sum(world.sight.writes.values()),
        "passes": int(await _passes(world) - passes),
        "requestsPerMinutePerFeature": round(cost["apiRequestsTotal"] / minutes / features, 3),
        "cpuMilliSecondsPerSecond": round(cost["operatorCpuSeconds"] / cost["seconds"] * 1000, 2),
    }
    row = {
        "features": features,
        "seconds": cost["seconds"],
        "API requests": cost["apiRequestsTotal"],
        "per min and feature": found["requestsPerMinutePerFeature"],
        "status writes": found["statusWrites"],
        "passes": found["passes"],
        "Prometheus queries": cost["prometheusQueries"],
        "CPU ms/s": found["cpuMilliSecondsPerSecond"],
        "RSS MiB": cost["operatorRssMiB"],
    }
    print(table("idle", [row]))
    print(f"  API requests: {cost['apiRequests']}")
    return found


async def _passes(world: World) -> float:
    return total(await world.operator_metrics(), "goaround_passes_total")
