"""How long an operator needs to have looked at very many features, new ones and known ones."""

import asyncio
import signal
import time
from collections.abc import Coroutine

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from hack.bench.figures import table
from hack.bench.site import FLAGS, OPERATOR
from hack.bench.usage import cpu_seconds, rss_mib, total
from hack.bench.world import NAMESPACE, World, manifest

POLL_SECONDS = 0.5
"""The operator's metrics page names every feature, so each look at it costs what is measured."""
PATIENCE = 180.0
INTERVAL_SECONDS = 10


async def run(world: World, features: int) -> Json:
    """Start before features that nobody has seen, SIGKILL when all are Live, start again."""
    site = world.site
    keys = [(NAMESPACE, f"many-{n:04}") for n in range(features)]
    await world.each(
        keys,
        lambda k: world.create(FEATURES, k[0], manifest(k[1], intervalSeconds=INTERVAL_SECONDS)),
    )
    await world.until(lambda: len(world.sight.bodies) >= features, "all seen to exist")
    flags, began = cpu_seconds(site.pid(FLAGS)), time.monotonic()

    async def recorded() -> None:
        await world.until(lambda: world.sight.all(keys, _is_recorded), "all recorded", PATIENCE)

    rows = [await _row(world, "new features", recorded())]
    await world.until(
        lambda: world.sight.all(keys, lambda s: s.get("stage") == "Live"), "all Live", PATIENCE
    )
    adopted = round(time.monotonic() - began, 2)
    flags = round(cpu_seconds(site.pid(FLAGS)) - flags, 2)
    peak = round(rss_mib(site.pid(OPERATOR)), 1)
    writes = max(world.sight.writes[k] for k in keys) - 1  # the first sight is the creation
    await asyncio.sleep(2)
    site.end(OPERATOR, with_signal=signal.SIGKILL)
    rows.append(await _row(world, "all Live, after SIGKILL", _passed(world, features)))
    print(table(f"start before {features} features", rows))
    print(f"  all Live {adopted:.1f} s after the start; then {peak:.0f} MiB; at most "
          f"{writes} status writes each; {flags:.1f} s CPU of the flag replica")  # fmt: skip
    return {
        "rows": rows,
        "allLiveSeconds": adopted,
        "rssMiBAllLive": peak,
        "mostStatusWrites": writes,
        "flagsCpuSeconds": flags,
    }


def _is_recorded(status: Json) -> bool:
    """A pass has looked at it; the schema alone gives every status a generation of -1."""
    return bool(status.get("observedGeneration", -1) >= 0)


async def _passed(world: World, features: int) -> None:
    """Return when the operator has made as many passes as there are features."""
    deadline = time.monotonic() + PATIENCE
    while total(await world.operator_metrics(), "goaround_passes_total") < features:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {features} passes within {PATIENCE:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


async def _row(world: World, what: str, looked_at_all: Coroutine[None, None, None]) -> Json:
    """Start the operator, and say what it took until `looked_at_all` returns."""
    site, began = world.site, time.monotonic()
    site.start(OPERATOR)
    await asyncio.to_thread(site.wait, OPERATOR)
    ready = time.monotonic() - began
    await looked_at_all
    done, pid = time.monotonic() - began, site.pid(OPERATOR)
    return {
        "start": what,
        "ready": round(ready, 2),
        "first pass of all": round(done, 2),
        "CPU s": round(cpu_seconds(pid), 2),
        "RSS MiB": round(rss_mib(pid), 1),
    }
