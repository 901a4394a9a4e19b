"""Probes, metrics and `GET /revisions` of a flag replica, beside its stream.

`/revisions` tells the operator how far each decision has got. Read-only: it takes nothing.
"""

from aiohttp import web

from goaround.api.base import Json
from goaround.delivery.flagserver import Replica


class FlagHttp:
    """The HTTP side of a replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        app = web.Application()
        app.add_routes(
            [
                web.get("/livez", self._livez),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
                web.get("/revisions", self._revisions),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port, which is chosen when `port` is 0."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _livez(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._replica.streams.closing:
            return web.Response(status=503, text="closing\n")
        if missing := self._replica.state.missing:
            return web.Response(status=503, text=f"not listed yet: {', '.join(missing)}\n")
        return web.Response(text="ok\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        body = self._replica.metrics.text()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _revisions(self, _: web.Request) -> web.Response:
        return web.json_response(revisions(self._replica))


def revisions(replica: Replica) -> Json:
    """What `/revisions` answers: by uid the revision that every stream of the feature was sent,
    and how many streams carry it."""
    state = replica.state
    listed = state.listed and not replica.streams.closing
    problems = {one.uid: "; ".join(one.problems) for one in state.shown().values() if one.problems}
    return {
        "listed": listed,
        "replica": replica.name,
        "revisions": {
            uid: {"revision": carried.revision, "streams": carried.streams}
            | ({"problem": problems[uid]} if uid in problems else {})
            for uid, carried in (replica.streams.carried(state) if listed else {}).items()
        },
    }
