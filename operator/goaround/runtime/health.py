"""`/livez`, `/readyz`, `/metrics`: whether the loop turns, what was listed, and figures.

Live means that workers took part lately; ready means that every kind was listed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

STALE_SECONDS = 30.0


@dataclass(slots=True)
class Health:
    """What the probes report. `clock` is monotonic seconds."""

    clock: Callable[[], float]
    synced: bool = False
    stopping: bool = False
    beat_at: float = field(default=-1e9)

    def beat(self) -> None:
        self.beat_at = self.clock()

    @property
    def live(self) -> bool:
        return self.clock() - self.beat_at < STALE_SECONDS

    @property
    def ready(self) -> bool:
        return self.live and self.synced and not self.stopping


async def serve(health: Health, text: Callable[[], bytes], host: str, port: int) -> web.AppRunner:
    """Serve the probes; clean up the runner to stop."""

    async def livez(_: web.Request) -> web.Response:
        return _answer(health.live, "the loop has not turned for 30 s")

    async def readyz(_: web.Request) -> web.Response:
        return _answer(health.ready, "not every kind has been listed yet, or stopping")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=text(), content_type="text/plain")

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", livez),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _answer(well: bool, otherwise: str) -> web.Response:
    return web.Response(text="ok\n") if well else web.Response(status=503, text=otherwise + "\n")
