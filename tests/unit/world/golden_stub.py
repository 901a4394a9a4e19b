"""An app on loopback that is asked golden questions, and misbehaves as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from aiohttp import web

from goaround.api.names import PIN_HEADER, RELEASE_HEADER
from goaround.evidence.golden_report import Report, Tallies, report
from goaround.evidence.golden_set import GoldenSet, parse
from goaround.world.asking import Limits, Target
from goaround.world.golden import Arm, GoldenRun, Terms

CANDIDATE, STABLE = Arm("pin-of-b", "chat@bbbbbbbbbbbb"), Arm("pin-of-a", "chat@aaaaaaaaaaaa")
BY_PIN = {CANDIDATE.pin: CANDIDATE.release, STABLE.pin: STABLE.release}
LIMITS = Limits(0.5, 4096)

Handler = Callable[[web.Request, str, str], Awaitable[web.StreamResponse]]
"""(request, release that the pin selects or "live", name of the case)."""


def golden(number: int = 10, **case: object) -> GoldenSet:
    cases = [
        {"name": f"c{n}", "input": {"case": f"c{n}"},
         "assertions": [{"exact": {"path": "/ok", "value": True}}]} | case
        for n in range(number)
    ]  # fmt: skip
    return parse(json.dumps({"version": 1, "cases": cases}))


@dataclass(slots=True)
class App:
    """Where it listens, and what it was asked."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0


def says(release: str, *, ok: bool = True, status: int = 200) -> web.Response:
    return web.json_response({"ok": ok}, status=status, headers={RELEASE_HEADER: release})


async def good(_: web.Request, release: str, __: str) -> web.StreamResponse:
    return says(release)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[App]:
    """The app until the end of the block."""
    app = App()

    async def answered(request: web.Request) -> web.StreamResponse:
        case = (await request.json())["case"]
        release = BY_PIN.get(request.headers.get(PIN_HEADER, ""), "live")
        app.asked.append((release, case))
        app.headers.append(dict(request.headers))
        app.at_once += 1
        app.most_at_once = max(app.most_at_once, app.at_once)
        try:
            return await handler(request, release, case)
        finally:
            app.at_once -= 1

    served = web.Application()
    served.router.add_post("/ask", answered)
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ask"
    try:
        yield app
    finally:
        await runner.cleanup()


async def flown(
    url: str, cases: GoldenSet, *, stable: Arm | None = STABLE, repeats: int = 5
) -> tuple[Tallies, Tallies | None]:
    """One run against `url`."""
    async with httpx.AsyncClient(trust_env=False) as http:
        run = GoldenRun(
            http,
            [Target(url)],
            cases,
            candidate=CANDIDATE,
            stable=stable,
            terms=Terms(repeats, 4, LIMITS),
            offload=asyncio.to_thread,
        )
        return await run.run()


def judged(
    handler: Handler, cases: GoldenSet | None = None, *, repeats: int = 5
) -> tuple[Report, App]:
    """The verdict on an app that behaves like this."""

    async def told() -> tuple[Report, App]:
        some = cases or golden()
        async with serving(handler) as app:
            candidate, stable = await flown(app.url, some, repeats=repeats)
        return report(some, candidate, stable, min_pass_percent=80), app

    return asyncio.run(told())
