"""Probes, metrics and `GET /revisions` of a flag replica, beside its stream, and its control port.

`/revisions` tells the operator how far each decision has got; it takes nothing. The control port
takes one thing, a lower share for a release, from whoever has the token.
"""

from aiohttp import web
from pydantic import ValidationError

from goaround.api.base import Json
from goaround.delivery.control import (
    MAX_BODY_BYTES,
    PATH,
    Lowering,
    NotLowered,
    TokenFile,
    UnknownFeature,
)
from goaround.delivery.flagserver import Replica


class FlagHttp:
    """The HTTP side of a replica; `control` is its control port, None where that is disabled."""

    def __init__(self, replica: Replica, *, control: int | None = None) -> None:
        self._replica, self._control = replica, control
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
        return await _listening(self._runner, host, port)

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
        control = {"control": self._control} if self._control is not None else {}
        return web.json_response(revisions(self._replica) | control)


class FlagControl:
    """The control port: `POST /lower` with a `Lowering`, from whoever has the token.

    200: done, or done before. 400: not understood; 401: no or wrong token; 404: no such feature;
    409: not lower, with the share that is served; 413: over 4 KiB; 503: not everything is listed.
    """

    def __init__(self, replica: Replica, token: TokenFile) -> None:
        self._replica, self._token = replica, token
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes([web.post(PATH, self._lower)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)

    async def start(self, host: str, port: int) -> int:
        """Listens; returns the port, which is chosen when `port` is 0."""
        return await _listening(self._runner, host, port)

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _lower(self, request: web.Request) -> web.Response:
        if not self._token.admits(request.headers.get("Authorization", "")):
            return _refused(401, "wrong token")
        try:
            wanted = Lowering.model_validate_json(await request.read())
        except ValidationError as error:
            first = error.errors()[0]
            return _refused(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        if not self._replica.state.listed or self._replica.streams.closing:
            return _refused(503, "not everything is listed yet, or closing")
        try:
            candidate = self._replica.state.lower(wanted)
        except UnknownFeature as error:
            return _refused(404, str(error))
        except NotLowered as error:
            return _refused(409, str(error), candidate=error.candidate)
        return web.json_response({"candidate": candidate})


def _refused(status: int, reason: str, **more: int) -> web.Response:
    return web.json_response({"reason": reason} | more, status=status)


async def _listening(runner: web.AppRunner, host: str, port: int) -> int:
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return int(runner.addresses[0][1])


def revisions(replica: Replica) -> Json:
    """What `/revisions` answers: by uid the revision that every stream of the feature was sent,
    how many streams carry it, and `lowered` where a release gets less than that revision says.
    """
    state = replica.state
    listed = state.listed and not replica.streams.closing
    shown = state.shown().values()
    problems = {one.uid: "; ".join(one.problems) for one in shown if one.problems}
    lowered = {one.uid for one in shown if one.lowered}
    return {
        "listed": listed,
        "replica": replica.name,
        "revisions": {
            uid: {"revision": carried.revision, "streams": carried.streams}
            | ({"lowered": True} if uid in lowered else {})
            | ({"problem": problems[uid]} if uid in problems else {})
            for uid, carried in (replica.streams.carried(state) if listed else {}).items()
        },
    }
