"""A desk with one scripted reader, and a flight to read for."""

import asyncio
from datetime import datetime, timedelta

from goaround.api.digest import plan_digest, release_digest
from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Candidate, Split, Step
from goaround.rollout.observed import Judged
from goaround.runtime.desk import Desk
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key
from tests.crash.clock import VirtualTimeLoop
from tests.unit.runtime.bench import BEGIN, PROVIDER, Answer, ScriptedReader, feature

INTERVAL = 10
LAG = PROVIDER.lag_seconds
NEVER = timedelta(days=1)


class Bench:
    """A desk with one scripted reader; `news` counts what it told."""

    def __init__(self, loop: VirtualTimeLoop, answer: Answer) -> None:
        self.loop = loop
        self.reader = ScriptedReader(answer)
        self.news: list[Key] = []
        self.desk = Desk(
            {"default": self.reader},
            {"default": PROVIDER},
            news=self.news.append,
            metrics=Metrics(),
            wall=loop.wall,
        )

    def look(self, at: AIFeature) -> Judged:
        found = self.desk.judged(at, self.loop.wall())
        assert found is not None
        return found

    async def until(self, moment: datetime) -> None:
        await asyncio.sleep((moment - self.loop.wall()).total_seconds())

    async def fly(self, at: AIFeature, seconds: float) -> Judged:
        """Look as often as the desk asks for it, and whenever it has news."""
        end = self.loop.wall() + timedelta(seconds=seconds)
        while True:
            heard = len(self.news)
            judged = self.look(at)
            wake = min(end, judged.next_at or end)
            while self.loop.wall() < wake and len(self.news) == heard:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            if self.loop.wall() >= end:
                await asyncio.sleep(self.reader.seconds * 2)
                return self.look(at)


def a_flight(**changes: object) -> AIFeature:
    """A candidate at 10 % whose step began at BEGIN."""
    plain = feature()
    candidate = Candidate(
        digest=release_digest(plain.spec.release),
        release=plain.spec.release,
        since=BEGIN,
        plan_digest=plan_digest(plain.spec),
        attempt=1,
        deadline_at=BEGIN + NEVER,
    )
    status = AIFeatureStatus(
        stage=Stage.RAMPING,
        split=Split(candidate=10, fallback=90),
        candidate=candidate,
        step=Step(index=0, since=BEGIN, deadline_at=BEGIN + NEVER),
    )
    return plain.model_copy(update={"status": status.but(**changes)})
