"""Users of many features: they follow the committed split, and are counted on one metrics page.

Counts are exact and without chance, so that two runs differ by the machine only.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

Key = tuple[str, str]

RATE = 200.0
"""Requests per second and feature."""
BAD_SHARE = 0.5
"""Share of the candidate's answers that are errors, once it is bad."""


@dataclass(slots=True)
class App:
    """The users of one feature; `served` counts answers by arm and result."""

    split: Mapping[str, int]
    since: float
    is_bad: bool = False
    served: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def until(self, now: float) -> None:
        """Count what was asked up to `now` (monotonic seconds)."""
        seconds, self.since = now - self.since, now
        for arm, percent in self.split.items():
            asked = RATE * seconds * percent / 100
            wrong = asked * BAD_SHARE if self.is_bad and arm == "candidate" else 0.0
            self.served[arm, "error"] += wrong
            self.served[arm, "ok"] += asked - wrong


class Traffic:
    """All apps. Served on loopback by `start`."""

    def __init__(self) -> None:
        self._apps: dict[Key, App] = {}
        self._runner: web.AppRunner | None = None

    def split(self, key: Key, split: Mapping[str, int]) -> None:
        """The committed split of a feature, as heard now; an unknown feature gets users."""
        now = time.monotonic()
        app = self._apps.setdefault(key, App(split, now))
        app.until(now)
        app.split = split

    def turn(self, keys: Iterable[Key], *, bad: bool) -> float:
        """Their candidates answer badly, or well, from now on. Returns when (unix seconds)."""
        now, at = time.monotonic(), time.time()
        for key in keys:
            self._apps[key].until(now)
            self._apps[key].is_bad = bad
        return at

    def page(self) -> str:
        """The exposition format, counted up to now."""
        now = time.monotonic()
        lines: list[str] = []
        for (namespace, name), app in self._apps.items():
            app.until(now)
            lines += (
                f'ai_requests_total{{namespace="{namespace}",ai_feature="{name}",'
                f'ai_variant="{arm}",result="{result}"}} {int(count)}\n'
                for (arm, result), count in app.served.items()
            )
        return "".join(lines)

    async def start(self) -> int:
        """Serve the page; returns the port."""
        app = web.Application()
        app.add_routes([web.get("/metrics", self._answer)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(text=self.page())
