"""One pass over one object: observe from the cache, decide, act, write status once.

The pass awaits nothing but writes: evidence and flag replicas are read beside it and offer the key
again when there is news, so that a slow provider never stands before a kill.
"""

from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from functools import partial

from goaround.api.kinds import (
    FEATURES,
    INCIDENTS,
    KILL_SWITCHES,
    RECORDS,
    SIGN_OFFS,
    AIFeature,
    AIKillSwitch,
    Kind,
)
from goaround.rollout.decide import decide
from goaround.rollout.kills import again_in, latched
from goaround.rollout.observed import Observed
from goaround.rollout.planned import Effect, Plan, PostEvent
from goaround.runtime.actions import Actions
from goaround.runtime.cache import Cache, key_of
from goaround.runtime.desk import Desk
from goaround.runtime.incidents import Incidents, Running
from goaround.runtime.leaving import goes_down
from goaround.runtime.live import Live
from goaround.runtime.lowering import AGAIN_SECONDS, Descents
from goaround.runtime.metrics import Metrics
from goaround.runtime.queue import Key, WorkQueue
from goaround.runtime.replicas import DeliveryDesk
from goaround.runtime.sight import Sight, affected, consumers_of, feature_of
from goaround.runtime.writes import StatusWriter
from goaround.world.kube import Api, Body, Conflict, KubeError, NotFound

CONFLICTS = 3


class Controller:
    """Knows how to look at each of our kinds; owns no task and no timer."""

    def __init__(
        self,
        *,
        api: Api,
        cache: Cache,
        queue: WorkQueue,
        desk: Desk,
        deliveries: DeliveryDesk,
        metrics: Metrics,
        wall: Callable[[], datetime],
        instance: str,
        own_namespace: str = "default",
        checkpoint_seconds: float = 60,
        descents: Descents | None = None,
        incidents: Running | None = None,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._desk = desk
        self._deliveries = deliveries
        self._metrics = metrics
        self._wall = wall
        self._actions = Actions(api, cache, metrics, instance=instance)
        self._live = Live(api, own_namespace=own_namespace, heard=self.heard)
        self._checkpoint = checkpoint_seconds
        self._descents = descents or Descents(None, deliveries, metrics, lambda: True)
        self._announced: dict[str, datetime] = {}
        self._sight = Sight(cache, desk, deliveries)
        self._writer = StatusWriter(api, cache, metrics, concern=self.concern, offer=queue.offer)
        self._incidents = Incidents(
            api=api,
            sight=self._sight,
            actions=self._actions,
            writer=self._writer,
            queue=queue,
            now=self.now,
            running=incidents or Running(),
            desk=desk,
            figures=metrics.incidents,
        )

    def now(self) -> datetime:
        """The wall clock in whole milliseconds, which is what status holds."""
        at = self._wall().astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    async def close(self) -> None:
        """End what incidents have under way beside their passes."""
        await self._incidents.close()

    # -- what is heard ---------------------------------------------------------------------------

    def heard(self, kind: Kind, body: Body, *, removed: bool = False) -> None:
        """Something was heard of an object: keep it, and look at whatever it concerns."""
        news = self._cache.remove(kind, body) if removed else self._cache.store(kind, body)
        if news:
            self.concern(kind, body)

    def concern(self, kind: Kind, body: Body) -> None:
        """Offer every key that a change of this object concerns."""
        namespace, name = key_of(body)
        match kind.plural:
            case FEATURES.plural:
                self._offer(FEATURES, namespace, [name, *consumers_of(body)])
                self._offer(INCIDENTS, namespace, self._sight.open_incidents(namespace, name))
            case KILL_SWITCHES.plural:
                self._offer(KILL_SWITCHES, namespace, [name])
                self._offer(FEATURES, namespace, self._sight.names(FEATURES, namespace))
            case INCIDENTS.plural:
                self._offer(INCIDENTS, namespace, [name])
                self._offer(FEATURES, namespace, affected(body))
            case SIGN_OFFS.plural:
                wanted = ((body.get("spec") or {}).get("featureRef") or {}).get("name", "")
                self._offer(FEATURES, namespace, [wanted])
            case RECORDS.plural:
                self._offer(FEATURES, namespace, [feature_of(body)])

    def _offer(self, kind: Kind, namespace: str, names: Iterable[str]) -> None:
        for name in names:
            if name:
                self._queue.offer(Key(kind.plural, namespace, name))

    # -- passes ----------------------------------------------------------------------------------

    async def look_at(self, key: Key) -> None:
        """One pass. Raises KubeError where it has to be tried again."""
        match key.plural:
            case FEATURES.plural:
                await self._feature(key)
            case KILL_SWITCHES.plural:
                await self._switch(key)
            case INCIDENTS.plural:
                await self._incidents.look_at(key)

    async def _feature(self, key: Key) -> None:
        for attempt in range(CONFLICTS):
            feature = self._sight.feature(key)
            if feature is None:
                self._gone(key)
                return
            try:
                await self._pass(key, feature)
                return
            except (Conflict, NotFound):
                # somebody wrote in between, or deleted it unheard: one live read, then decide again
                # on what is true now
                await self._attended(key, self._writer.refresh(FEATURES, key))
                if attempt == CONFLICTS - 1:
                    raise

    async def _pass(self, key: Key, feature: AIFeature) -> None:
        now = self.now()
        observed = self.observe(feature, now)
        plan = decide(observed, now)
        if feature.metadata.generation != feature.status.observed_generation:
            self._wake_those_without_a_key(key)
            self._wake_rivals(key, feature)
        # evidence is read on time, even where nothing can be written
        self._wake_later(key, plan, now)
        if goes_down(feature.status, plan.status):
            plan = self._descents.dated(observed, plan, now)
            feature = await self._down(key, feature, plan, now)
            if len(self._queue):
                # others may have to go down, too: people are told in a pass after theirs
                self._queue.offer(key)
            else:
                await self._attended(key, self._finish(key, feature, plan, now))
        else:
            self._descents.level(observed)
            await self._attended(key, self._level(key, observed, plan, now))
        await self._chase(key)

    async def _down(self, key: Key, feature: AIFeature, plan: Plan, now: datetime) -> AIFeature:
        """Write it, and tell the flag replicas if that does not succeed at once."""
        write = self._write(feature, plan, now)
        try:
            return await self._descents.written(feature, plan.status, write)
        except KubeError:
            # the long waits of a key that failed often are not for what has to go down
            self._queue.offer_in(key, AGAIN_SECONDS)
            raise

    async def _level(self, key: Key, observed: Observed, plan: Plan, now: datetime) -> None:
        """Everything but going down: may take its time, for it is given up when that is due."""
        feature = observed.feature
        if self._live.is_due(observed, plan, now):
            observed = await self._live.observed(observed, now)
            # it may have taken long: a step begins when it is written, not when it was thought of
            now = self.now()
            plan = decide(observed, now)
        await self._do(feature, plan.first)
        if plan.status != feature.status and (plan.urgent or self._checkpoint_due(feature, now)):
            self._descents.sending(feature, plan.status.revision)
            feature = await self._write(feature, plan, now)
        else:
            self._metrics.show(key.namespace, key.name, plan.status)
        await self._finish(key, feature, plan, now)

    async def _finish(self, key: Key, feature: AIFeature, plan: Plan, now: datetime) -> None:
        await self._do(feature, plan.then)
        self._told(feature, plan)
        self._schedule(key, feature, plan, now)

    async def _attended(self, key: Key, work: Coroutine[object, object, None]) -> None:
        look, news = partial(self._overtaken, key), partial(self._queue.offered_again, key)
        await self._descents.attended(work, look, news)

    async def _overtaken(self, key: Key) -> bool:
        """Whether by now it has to go down."""
        await self._chase(key)
        feature, now = self._sight.parsed(AIFeature, FEATURES, key), self.now()
        if feature is None:
            return False
        plan = decide(self.observe(feature, now), now)
        self._wake_later(key, plan, now)
        return goes_down(feature.status, plan.status)

    async def _chase(self, key: Key) -> None:
        """Replicas that did not hear of the last way down are told of it."""
        if (feature := self._sight.parsed(AIFeature, FEATURES, key)) is not None:
            await self._descents.chase(feature)

    def observe(self, feature: AIFeature, now: datetime) -> Observed:
        """The world as the cache and the desk know it; nothing is awaited."""
        return self._sight.observe(
            feature,
            now,
            announced_at=self._announced.get(feature.metadata.uid),
            guarded=self._live.guarded,
        )

    async def _write(self, feature: AIFeature, plan: Plan, now: datetime) -> AIFeature:
        return await self._writer.feature(feature, plan.status, now, self.now)

    async def _switch(self, key: Key) -> None:
        switch = self._sight.parsed(AIKillSwitch, KILL_SWITCHES, key)
        if switch is None:
            return
        features = list(self._sight.all(AIFeature, FEATURES, key.namespace))
        status = latched(switch, features, self.now())
        if status != switch.status:
            await self._writer.retried(KILL_SWITCHES, key, switch, status.wire())
        if (seconds := again_in(switch, status, self.now())) is not None:
            self._queue.offer_in(key, seconds)

    async def _do(self, feature: AIFeature, effects: Iterable[Effect]) -> None:
        for effect in effects:
            await self._actions.do(feature, effect)

    # -- bookkeeping -----------------------------------------------------------------------------

    def _told(self, feature: AIFeature, plan: Plan) -> None:
        """Remember which transitions were posted; status takes note at its next write."""
        posted = [e.transition.at for e in plan.then if isinstance(e, PostEvent)]
        if posted:
            self._announced[feature.metadata.uid] = max(posted)

    def _checkpoint_due(self, feature: AIFeature, now: datetime) -> bool:
        last = self._writer.written_at(feature)
        return last is None or (now - last).total_seconds() >= self._checkpoint

    def _schedule(self, key: Key, feature: AIFeature, plan: Plan, now: datetime) -> None:
        for switch in self._sight.all(AIKillSwitch, KILL_SWITCHES, key.namespace):
            if switch.status.latched_at is None:
                self._queue.offer(Key(KILL_SWITCHES.plural, key.namespace, switch.metadata.name))
        self._incidents.changed(feature)
        if plan.wake_at is not None and plan.wake_at <= now:
            self._queue.offer(key)
        self._wake_later(key, plan, now)

    def _wake_later(self, key: Key, plan: Plan, now: datetime) -> None:
        """When it is due, whatever becomes of this pass."""
        if plan.wake_at is not None and plan.wake_at > now:
            # `now` has lost up to a millisecond: woken without it, a pass would still be too early
            self._queue.offer_in(key, (plan.wake_at - now).total_seconds() + 0.001)

    def _gone(self, key: Key) -> None:
        """The feature does not exist any more: nothing of it stays in memory."""
        self._queue.forget(key)
        self._incidents.gone(key)
        self._desk.gone(key.namespace, key.name)
        self._metrics.forget(key.namespace, key.name)
        self._descents.forget((key.namespace, key.name))
        self._deliveries.forget(key.namespace, key.name)
        self._wake_those_without_a_key(key)

    def _wake_those_without_a_key(self, by: Key) -> None:
        """A flag key may have become free: look again at the features that wait for one."""
        waiting = self._sight.without_a_key(by.namespace)
        self._offer(FEATURES, by.namespace, (name for name in waiting if name != by.name))

    def _wake_rivals(self, key: Key, feature: AIFeature) -> None:
        """They may lose their flag keys to it: it may be as old, and was only heard of later."""
        rivals = self._sight.claimants(feature)
        self._offer(FEATURES, key.namespace, (name for name in rivals if name != key.name))
