"""The way down when status cannot be written: the flag replicas are told past the API server.

Decides when they are told, and keeps the time of a decision until status holds it. It refuses to
stand in the way of the status write, which stays the truth, and never asks for more than is down.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import AIFeatureStatus, Split
from goaround.delivery.control import ControlPorts, Lowering, Told
from goaround.rollout.decide import decide
from goaround.rollout.moves import ground
from goaround.rollout.observed import Effect, Observed, Plan, PostEvent
from goaround.rollout.settle import DOWN
from goaround.runtime.metrics import Metrics
from goaround.runtime.replicas import DeliveryDesk
from goaround.world.kube import Conflict, KubeError, Unavailable

log = logging.getLogger("goaround.lowering")

SLOW_SECONDS = 0.3
AGAIN_SECONDS = 2.0
LONGEST_LOOK_SECONDS = 1.0

T = TypeVar("T")


class Overtaken(Unavailable):
    """A pass hung at the API server, and meanwhile there was reason to go down: begin anew."""


def goes_down(before: AIFeatureStatus, after: AIFeatureStatus) -> bool:
    """Whether a candidate loses users otherwise than by landing, or a kill begins."""
    if after.stage is Stage.KILLED and before.stage is not Stage.KILLED:
        return True
    return (
        after.split.candidate < before.split.candidate
        and after.last_known_good == before.last_known_good
    )


def lowering(feature: AIFeature, after: AIFeatureStatus, *, sent: int = 0) -> Lowering | None:
    """What replicas are asked while `after` is not in status yet; None where nothing has flown.

    It holds until anything newer than what stands in status is heard. `sent` is the revision of a
    move up that was given up half-way: if that still arrives, it must not count as newer.
    """
    before = feature.status
    flown, next_one = before.candidate, after.candidate
    if flown is None:
        return None
    same = next_one is not None and (next_one.digest, next_one.attempt) == (
        flown.digest,
        flown.attempt,
    )
    split = after.split if same or after.stage is Stage.KILLED else ground(before)
    return _lowering(feature, split, max(before.revision, sent))


def unheard(feature: AIFeature, now: datetime) -> Lowering | None:
    """What a replica is asked that did not hear of a decision that stands in status: it is to hold
    until it hears of that very decision."""
    status = feature.status
    if status.stage not in DOWN or status.candidate is None or not status.latches:
        return None
    latch = status.latches[0]
    late = now - latch.at >= timedelta(seconds=SLOW_SECONDS)
    if latch.delivered_at is not None or not late:
        return None
    return _lowering(feature, status.split, status.revision - 1)


def _lowering(feature: AIFeature, split: Split, revision: int) -> Lowering | None:
    flown = feature.status.candidate
    if flown is None:
        return None
    return Lowering(
        uid=feature.metadata.uid,
        attempt=flown.attempt,
        digest=flown.digest,
        split=split,
        revision=revision,
    )


def noted(plan: Plan, note: str) -> Plan:
    """The plan, whose newest transition also says `note`, in status and in its event."""
    *earlier, last = plan.status.history
    told = last.but(message=f"{last.message} {note}"[:1024])

    def retold(effect: Effect) -> Effect:
        mine = isinstance(effect, PostEvent) and effect.transition == last
        return replace(effect, transition=told) if mine else effect

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
    conflicts: int = 0
    told: Told | None = None
    reason: str = ""


class Descents:
    """The ways down that are under way, by the uid of the feature.

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
        self._begun: dict[str, Descent] = {}
        self._sent: dict[str, int] = {}
        self._said: dict[str, str] = {}

    def forget(self, uid: str) -> None:
        """The feature is gone."""
        for kept in (self._begun, self._sent, self._said):
            kept.pop(uid, None)

    def sending(self, feature: AIFeature, revision: int) -> None:
        """A move that is no way down is being written under this revision."""
        self._sent[feature.metadata.uid] = revision

    def dated(self, observed: Observed, plan: Plan, now: datetime) -> Plan:
        """The same decision as of the pass that first took it, though status could not be written
        then; its transition says so."""
        feature, uid = observed.feature, observed.feature.metadata.uid
        what = _identity(feature.status, plan.status)
        begun = self._begun.get(uid)
        if begun is None or begun.what != what:
            self._begun[uid] = Descent(what, now)
            return plan
        history = feature.status.history
        if history and history[-1].at >= begun.at:
            return plan  # times in a history only grow
        again = decide(observed, begun.at)
        if _identity(feature.status, again.status) != what:
            return plan
        if begun.told is None:
            return again
        return noted(again, f"{begun.told}; status could not be written: {begun.reason}"[:300])

    async def written(
        self, feature: AIFeature, after: AIFeatureStatus, write: Coroutine[object, object, T]
    ) -> T:
        """What `write` returns. Where it fails (one 409 is forgiven), or takes longer than 300 ms,
        every flag replica is told; again for as long as it hangs. Raises what `write` raises."""
        uid = feature.metadata.uid
        wanted = lowering(feature, after, sent=self._sent.get(uid, 0))
        begun = self._begun.setdefault(uid, Descent((), self_at(after)))
        task = asyncio.ensure_future(write)
        patience = SLOW_SECONDS
        try:
            while not (await asyncio.wait({task}, timeout=patience))[0]:
                await self._tell(feature, wanted, begun, "the API server does not answer in time")
                patience = AGAIN_SECONDS
            found = task.result()
        except KubeError as err:
            begun.conflicts += isinstance(err, Conflict)
            if not isinstance(err, Conflict) or begun.conflicts > 1:
                await self._tell(feature, wanted, begun, str(err))
            raise
        finally:
            task.cancel()
        self._arrived(feature, begun)
        return found
