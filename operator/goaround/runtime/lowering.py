"""The way down when status cannot be written: the flag replicas are told past the API server.

Decides when they are told, and keeps the time of a decision until status holds it. It refuses to
stand in the way of the status write, which stays the truth, and never asks for more than is down.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus
from goaround.delivery.control import ControlPorts, FeatureKey, Lowering, Told
from goaround.rollout.decide import decide
from goaround.rollout.observed import Observed
from goaround.rollout.planned import Effect, Plan, PostEvent
from goaround.runtime.leaving import lowering, unheard
from goaround.runtime.metrics import Metrics
from goaround.runtime.replicas import DeliveryDesk
from goaround.world.kube import Conflict, KubeError, NotFound, Unavailable

log = logging.getLogger("goaround.lowering")

SLOW_SECONDS = 0.3
AGAIN_SECONDS = 2.0
LONGEST_LOOK_SECONDS = 2.0

LONGEST_MESSAGE = 1024
NOBODY = Told(0, 0, ("no control port: no --control-token-file, or no --flag-replica",))

FIRST = asyncio.FIRST_COMPLETED
T = TypeVar("T")


class Overtaken(Unavailable):
    """A pass hung at the API server, and meanwhile there was reason to go down: begin anew."""


def noted(plan: Plan, note: str) -> Plan:
    """The plan, whose newest transition also says `note`, in status and in its event."""
    *earlier, last = plan.status.history
    told = last.but(message=f"{last.message[: LONGEST_MESSAGE - len(note) - 1]} {note}")

    def retold(effect: Effect) -> Effect:
        if isinstance(effect, PostEvent) and effect.transition == last:
            return replace(effect, transition=told)
        return effect

    return replace(
        plan,
        status=plan.status.but(history=[*earlier, told]),
        first=tuple(map(retold, plan.first)),
        then=tuple(map(retold, plan.then)),
    )


@dataclass(slots=True)
class Descent:
    """One decision to go down that is not in status yet. `what` tells it from any other one."""

    what: tuple[object, ...]
    at: datetime
    by_kill: bool
    conflicts: int = 0
    told: Told | None = None
    reason: str = ""


class Descents:
    """The ways down that are under way, by feature.

    Without `ports` nobody can be told past the API server; the rest works all the same. `owner`
    says whether this process may act.
    """

    def __init__(
        self,
        ports: ControlPorts | None,
        deliveries: DeliveryDesk,
        metrics: Metrics,
        owner: Callable[[], bool],
    ) -> None:
        self._ports, self._deliveries = ports, deliveries
        self._metrics, self._owner = metrics, owner
        self._begun: dict[FeatureKey, Descent] = {}
        self._sent: dict[FeatureKey, int] = {}
        self._said: dict[FeatureKey, str] = {}

    def forget(self, key: FeatureKey) -> None:
        """The feature is gone, or what was decided stands in its status."""
        for kept in (self._begun, self._sent, self._said):
            kept.pop(key, None)

    def sending(self, feature: AIFeature, revision: int) -> None:
        """A move that is no way down is being written under this revision."""
        self._sent[feature.key] = revision

    def dated(self, observed: Observed, plan: Plan, now: datetime) -> Plan:
        """The same decision as of the pass that first took it, though status could not be written
        then; its transition says so."""
        feature = observed.feature
        what = _identity(feature, plan.status)
        begun = self._begun.get(feature.key)
        if begun is None or begun.what != what:
            self._begun[feature.key] = Descent(what, now, plan.status.stage is Stage.KILLED)
            return plan
        history = feature.status.history
        if history and history[-1].at >= begun.at:
            return plan  # times in a history only grow
        again = decide(observed, begun.at)
        if _identity(feature, again.status) != what:
            return plan
        if begun.told is None:
            return again
        told = f"It was {begun.told}; status could not be written: {begun.reason}"
        return noted(again, f"{told[:300]}.")

    def level(self, observed: Observed) -> None:
        """This pass does not go down: a decision to do so is void, unless evidence that was read
        anew has not come as far yet."""
        key, judged = observed.feature.key, observed.judged
        begun = self._begun.get(key)
        if begun is None:
            return
        through = judged.through if judged is not None else None
        if begun.by_kill or (through is not None and through >= begun.at):
            del self._begun[key]

    async def written(
        self, feature: AIFeature, after: AIFeatureStatus, write: Coroutine[object, object, T]
    ) -> T:
        """What `write` returns. Where it fails (one 409 is forgiven), or takes longer than 300 ms,
        every flag replica is told; again for as long as it hangs. Raises what `write` raises."""
        wanted = lowering(feature, after, sent=self._sent.get(feature.key, 0))
        begun = self._begun[feature.key]
        task, patience = asyncio.ensure_future(write), SLOW_SECONDS
        try:
            while not (await asyncio.wait({task}, timeout=patience))[0]:
                await self._tell(feature, wanted, "the API server does not answer in time")
                patience = AGAIN_SECONDS
            found = task.result()
        except KubeError as err:
            begun.conflicts += isinstance(err, Conflict)
            gone, first = isinstance(err, NotFound), isinstance(err, Conflict)
            if not gone and not (first and begun.conflicts == 1):
                await self._tell(feature, wanted, str(err))
            raise
        finally:
            await _ended(task)
        if begun.told is not None:
            log.info("status was written after all", extra=_about(feature))
        self.forget(feature.key)
        return found

    async def attended(
        self,
        work: Coroutine[object, object, T],
        look: Callable[[], Awaitable[bool]],
        news: Callable[[], Coroutine[object, object, None]],
    ) -> T:
        """What `work` returns, which may hang at the API server: meanwhile `look` is taken whenever
        there is `news`, and now and then; once it says so, `work` is given up.

        Raises Overtaken, and what `work` raises.
        """
        task = asyncio.ensure_future(work)
        heard: asyncio.Task[None] | None = None
        try:
            await asyncio.wait({task}, timeout=SLOW_SECONDS)
            while not task.done():
                # before the look, so that what is heard during it counts
                if heard is None or heard.done():
                    heard = asyncio.create_task(news())
                if await look():
                    raise Overtaken("the API server does not answer in time, and it has to go down")
                either: set[asyncio.Future[Any]] = {task, heard}
                await asyncio.wait(either, timeout=LONGEST_LOOK_SECONDS, return_when=FIRST)
            return task.result()
        finally:
            await _ended(task, *([heard] if heard is not None else []))

    async def chase(self, feature: AIFeature) -> None:
        """Tell the replicas that answer, but have not heard of the decision in status."""
        wanted = unheard(feature)
        deaf = self._deliveries.behind(feature) if wanted is not None else ()
        if wanted is None or not deaf or self._ports is None or not self._owner():
            return
        self._heard(feature, await self._ports.lower(wanted, deaf), "they have not heard of it")

    async def _tell(self, feature: AIFeature, wanted: Lowering | None, reason: str) -> None:
        if wanted is None or not self._owner():
            return
        told = NOBODY
        if self._ports is not None:
            told = await self._ports.lower(wanted)
            begun = self._begun[feature.key]
            begun.told, begun.reason = told, reason
        self._heard(feature, told, f"status could not be written: {reason}")

    def _heard(self, feature: AIFeature, told: Told, reason: str) -> None:
        """Counted each time, logged when it is news."""
        some = "some" if told.lowered else "none"
        result = "all" if told.lowered == told.replicas > 0 else some
        self._metrics.lowered.labels(result).inc()
        problems = "; ".join(told.problems)[:512]
        said = f"{told}; {reason} ({problems})"
        if self._said.get(feature.key) != said:
            self._said[feature.key] = said
            more = {"result": result, "reason": reason[:256], "problems": problems}
            log.warning(str(told), extra=_about(feature) | more)


def _identity(feature: AIFeature, after: AIFeatureStatus) -> tuple[object, ...]:
    """Which decision it is: of what state, about which flight, and where it leads."""
    before = feature.status
    flights = [(c.digest, c.attempt) if c else None for c in (before.candidate, after.candidate)]
    return (feature.metadata.uid, before.revision, after.stage, after.split, *flights)


def _about(feature: AIFeature) -> dict[str, str]:
    return {"feature": "/".join(feature.key)}


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Not a trace of them is left when their pass ends."""
    for task in tasks:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
