"""What is read live, right before something goes up: kill switches, the brake, the policies.

Decides only when that is due. What goes down never asks for it. Records are read live where they
contradict status, because what was merely heard may be older than status.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from goaround.api.kinds import CONFIG_MAPS, KILL_SWITCHES, RECORDS, AIKillSwitch, Kind
from goaround.api.names import FEATURE_LABEL
from goaround.api.reasons import Reason
from goaround.rollout.binder import needs_segments
from goaround.rollout.chain import Segment
from goaround.rollout.moves import in_flight, raises
from goaround.rollout.observed import UNREAD, Guarded, Observed, Record
from goaround.rollout.planned import Plan
from goaround.rollout.signoffs import AGREES, hold_reason
from goaround.rollout.suspend import is_suspended
from goaround.rollout.tampered import needs_records
from goaround.runtime import segments as written
from goaround.runtime.sight import validated
from goaround.world import policies
from goaround.world.kube import Api, Body, NotFound

BRAKE = "goaround-brake"
AGAIN = timedelta(seconds=30)
SOON = timedelta(seconds=5)


class Live:
    """`heard` is told of every kill switch that was read."""

    def __init__(
        self, api: Api, *, own_namespace: str, heard: Callable[[Kind, Body], None]
    ) -> None:
        self._api = api
        self._own_namespace = own_namespace
        self._heard = heard
        self._read_at: datetime | None = None
        self.guarded: Guarded = UNREAD

    def is_due(self, o: Observed, plan: Plan, now: datetime) -> bool:
        """Whether this plan must be made again on what is true now."""
        status = o.feature.status
        stopped = in_flight(status) and status.clock_stopped_at is not None
        # while people are asked, or hold it themselves, the brake changes nothing
        stopped = stopped and hold_reason(status.hold) in {None, Reason.SUSPENDED}
        stopped = stopped and not is_suspended(plan.status)
        stale = _needs_people(o) and self._is_stale(now)
        return raises(status, plan.status) or stopped or stale or _needs_stored(o)

    async def observed(self, o: Observed, now: datetime) -> Observed:
        """`o` with what was read. Raises KubeError."""
        namespace, _ = o.feature.key
        listed = await self._api.list(KILL_SWITCHES, namespace=namespace)
        for body in listed:
            self._heard(KILL_SWITCHES, body)
        switches = tuple(s for b in listed if (s := validated(AIKillSwitch, b)) is not None)
        o = replace(o, switches=switches, braked=await self._brake())
        if _needs_stored(o):
            o = await self._with_records(o)
        if _needs_people(o):
            self.guarded = await policies.guarded(self._api)
            self._read_at = now
        return replace(o, guarded=self.guarded)

    def _is_stale(self, now: datetime) -> bool:
        """What is wrong is looked at again soon: somebody may just be mending it."""
        after = AGAIN if self.guarded.missing is None else SOON
        return self._read_at is None or now - self._read_at >= after

    async def _brake(self) -> str | None:
        """Why nothing goes up anywhere: the ConfigMap that people create to stop it all."""
        try:
            body = await self._api.get(CONFIG_MAPS, self._own_namespace, BRAKE)
        except NotFound:
            return None
        reason = (body.get("data") or {}).get("reason") or "no reason given"
        return (
            f"Braked: ConfigMap {BRAKE} in {self._own_namespace} exists ({reason[:200]}); nothing "
            "goes up until it is deleted"
        )

    async def _with_records(self, o: Observed) -> Observed:
        namespace, name = o.feature.key
        label = f"{FEATURE_LABEL}={name}"
        listed = await self._api.list(RECORDS, namespace=namespace, label=label)
        found = [written.read(body) for body in listed]
        records = tuple(r for r in found if isinstance(r, Record))
        segments = tuple(s for s in found if isinstance(s, Segment))
        return replace(o, records=records, segments=segments, confirmed=True)


def _needs_stored(o: Observed) -> bool:
    """Whether what was heard of records or segments is too little to go by."""
    return needs_records(o) or needs_segments(o)


def _needs_people(o: Observed) -> bool:
    """Whether the word of people may count in this pass."""
    flown = o.feature.status.candidate if in_flight(o.feature.status) else None
    return o.feature.status.sign_off is not None or any(
        flown is not None and s.spec.decision in AGREES and s.spec.digest == flown.plan_digest
        for s in o.sign_offs
    )
