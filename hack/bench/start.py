"""How long an operator needs to have looked at very many features, new ones and known ones."""

import asyncio
import signal
import time

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from hack.bench.figures import table
from hack.bench.site import OPERATOR
from hack.bench.usage import cpu_seconds, rss_mib, total
from hack.bench.world import NAMESPACE, World, manifest

POLL_SECONDS = 0.1
PATIENCE = 150.0
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
    rows = [await _row(world, "new features", features)]
    began = time.monotonic()
    await world.until(
        lambda: world.sight.all(keys, lambda s: s.get("stage") == "Live"), "all Live", PATIENCE
    )
    adopted = round(rows[0]["first pass of all"] + time.monotonic() - began, 2)
    peak = round(rss_mib(site.pid(OPERATOR)), 1)
    writes = max(world.sight.writes[k] for k in keys) - 1  # the first sight is the creation
    await asyncio.sleep(2)
    site.end(OPERATOR, with_signal=signal.SIGKILL)
    rows.append(await _row(world, "all Live, after SIGKILL", features))
    print(table(f"start before {features} features", rows))
    print(f"  all Live {adopted:.1f} s after the start; then {peak:.0f} MiB; at most "
          f"{writes} status writes each\n")  # fmt: skip
    return {
        "rows": rows,
        "allLiveSeconds": adopted,
        "rssMiBAllLive": peak,
        "mostStatusWrites": writes,
    }


async def _row(world: World, what: str, features: int) -> Json:
    """Start the operator; done when it has made as many passes as there are features."""
    site, began = world.site, time.monotonic()
    site.start(OPERATOR)
    await asyncio.to_thread(site.wait, OPERATOR)
    ready, deadline = time.monotonic() - began, began + PATIENCE
    while total(await world.operator_metrics(), "goaround_passes_total") < features:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {features} passes within {PATIENCE:.0f} s")
        await asyncio.sleep(POLL_SECONDS)
    done, pid = time.monotonic() - began, site.pid(OPERATOR)
    return {
        "start": what,
        "ready": round(ready, 2),
        "first pass of all": round(done, 2),
        "CPU s": round(cpu_seconds(pid), 2),
        "RSS MiB": round(rss_mib(pid), 1),
    }
