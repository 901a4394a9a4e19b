"""Bugs, put into the code on purpose: a harness that does not find them is worth nothing.

Each is right as long as nothing goes wrong, or as long as nobody looks closely.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Final
from unittest.mock import patch

from goaround.api import names
from goaround.api.kinds import AIFeature, Kind
from goaround.api.status import AIFeatureStatus, Latch
from goaround.rollout import down
from goaround.rollout.decide import decide
from goaround.rollout.observed import Observed
from goaround.rollout.planned import Effect, OpenIncident, Plan, PostEvent
from goaround.runtime import controller
from goaround.runtime.controller import Controller
from goaround.runtime.queue import Key
from goaround.world.kube import Body
from tests.crash.port import StoreApi

Rewrite = Callable[[Plan, datetime], Plan]


@contextmanager
def _planning(rewrite: Rewrite) -> Iterator[None]:
    def wrong(o: Observed, now: datetime) -> Plan:
        return rewrite(decide(o, now), now)

    with patch.object(controller, "decide", wrong):
        yield


@contextmanager
def counted_incidents() -> Iterator[None]:
    """Incidents are numbered, and opened before the latch that says so."""
    number = count(1)

    def numbered(feature: str, at: datetime, **_: str) -> str:
        return f"{feature}-{at:%Y%m%d}-{next(number):06x}"

    goes_down = Controller._down

    async def opens_first(
        self: Controller, key: Key, feature: AIFeature, plan: Plan, now: datetime
    ) -> AIFeature:
        await self._do(feature, [e for e in plan.then if isinstance(e, OpenIncident)])
        return await goes_down(self, key, feature, plan, now)

    with (
        patch.object(names, "incident_name", numbered),
        patch.object(Controller, "_down", opens_first),
    ):
        yield


def acts_before_recording() -> AbstractContextManager[None]:
    """Up: act, then record."""
    return _planning(lambda plan, _: replace(plan, first=(), then=(*plan.first, *plan.then)))


def tells_only_what_is_new() -> AbstractContextManager[None]:
    """An event is posted by the pass that made the transition, or never."""

    def is_new(effect: Effect, now: datetime) -> bool:
        return not isinstance(effect, PostEvent) or effect.transition.at == now

    return _planning(
        lambda plan, now: replace(plan, then=tuple(e for e in plan.then if is_new(e, now)))
    )


def numbered_events() -> AbstractContextManager[None]:
    """Every post has a name of its own."""
    number = count(1)

    def named(effect: Effect) -> Effect:
        if isinstance(effect, PostEvent):
            return replace(effect, name=f"{effect.name}.{next(number)}")
        return effect

    return _planning(lambda plan, _: replace(plan, then=tuple(map(named, plan.then))))


@contextmanager
def blind_writes() -> Iterator[None]:
    """Status is written over whatever stands there."""
    versioned = StoreApi.patch

    async def blind(
        self: StoreApi, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        kept = {k: v for k, v in patch.items() if k != "metadata"} if status else patch
        return await versioned(self, kind, namespace, name, kept, status=status)

    with patch.object(StoreApi, "patch", blind):
        yield


@contextmanager
def forgets_why() -> Iterator[None]:
    """A way down leaves no latch."""

    def unlatched(status: AIFeatureStatus, _: Latch) -> list[Latch]:
        return status.latches

    with patch.object(down, "latched", unlatched):
        yield


MUTANTS: Final[dict[str, Callable[[], AbstractContextManager[None]]]] = {
    f.__name__: f
    for f in (
        counted_incidents,
        acts_before_recording,
        tells_only_what_is_new,
        numbered_events,
        blind_writes,
        forgets_why,
    )
}
