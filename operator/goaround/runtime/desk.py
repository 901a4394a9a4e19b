"""The desk where evidence is read: beside the passes, never inside one.

Decides when which windows are read; a read that ends offers the feature again. A slow provider so
delays nobody's kill, nobody else's evidence, and no rollback that is already proven.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from goaround.api.kinds import AIFeature
from goaround.api.reasons import Stage
from goaround.api.status import LatchCause
from goaround.evidence.plan import readings
from goaround.evidence.vs_baseline import Comparison, comparisons
from goaround.rollout.moves import fell_from_live, in_flight, is_watched
from goaround.rollout.observed import (
    Baselined,
    Breakers,
    Changes,
    Checked,
    Contents,
    Drifted,
    Indexes,
    Judged,
    Record,
)
from goaround.runtime import lookout
from goaround.runtime.aftermath import after
from goaround.runtime.baselining import BaselineDesk
from goaround.runtime.before import Ask
from goaround.runtime.case import Case
from goaround.runtime.changes import ChangeDesk
from goaround.runtime.contents import ContentDesk
from goaround.runtime.division import division
from goaround.runtime.drifting import DriftDesk
from goaround.runtime.flight import AHEAD_SECONDS, begin, identity
from goaround.runtime.freezing import EvidenceDesk
from goaround.runtime.indexes import IndexDesk
from goaround.runtime.judging import judged
from goaround.runtime.learning import Learner
from goaround.runtime.metrics import Metrics
from goaround.runtime.opened import BreakerDesk
from goaround.runtime.preflight import PreflightDesk
from goaround.runtime.queue import Key
from goaround.runtime.reproducing import ReproductionDesk
from goaround.runtime.rounds import Reader, Rounds
from goaround.runtime.watching import watched
from goaround.world.prometheus import FeatureKey, Provider

log = logging.getLogger("goaround.desk")

DOWN = {Stage.ROLLED_BACK, Stage.INCONCLUSIVE, Stage.REJECTED, Stage.KILLED}
WATCH_SECONDS = 3600


class Desk:
    """Reads windows for features and judges them. `news` is called when there is something new."""

    def __init__(
        self,
        readers: Mapping[str, Reader],
        providers: Mapping[str, Provider],
        *,
        news: Callable[[Key], None],
        metrics: Metrics,
        wall: Callable[[], datetime],
        drift: DriftDesk | None = None,
        preflight: PreflightDesk | None = None,
        contents: ContentDesk | None = None,
        indexes: IndexDesk | None = None,
        changes: ChangeDesk | None = None,
        breakers: BreakerDesk | None = None,
        evidence: EvidenceDesk | None = None,
        again: ReproductionDesk | None = None,
    ) -> None:
        self._readers = readers
        self._drift = drift
        self._preflight = preflight
        self._contents = contents
        self._indexes = indexes
        self._changes = changes
        self._breakers = breakers
        self.providers = providers
        self.evidence, self.again = evidence, again
        self._rounds = Rounds(readers, news=news, metrics=metrics, wall=wall)
        self._learner = Learner(news=news, wall=wall)
        self._baselines = BaselineDesk(self._ask, news=news, wall=wall)
        self._cases: dict[tuple[str, str, str], Case] = {}

    def baselined(
        self, feature: AIFeature, records: Iterable[Record], now: datetime
    ) -> Baselined | None:
        """What `vsBaseline` bounds are held against; starts reading what is due. `judged` relies
        on it, so that it is asked first."""
        provider = self.providers.get(feature.spec.acceptance.provider)
        if provider is None:
            self._baselines.forget(*feature.key)
            return None
        return self._baselines.baselined(feature, provider, records, now)

    def judged(self, feature: AIFeature, now: datetime) -> Judged | None:
        """What is known now; starts reading what has become readable."""
        provider = self.providers.get(feature.spec.acceptance.provider)
        if provider is None:
            return None
        case = self._case(feature)
        if in_flight(feature.status) and not is_watched(feature.status):
            return self._flying(feature, case, provider, now.timestamp())
        if _is_followed(feature, now):
            return self._followed(feature, case, provider, now.timestamp())
        if is_watched(feature.status):
            return self._watched(feature, case, provider, now.timestamp())
        case.about(None)
        return None

    def drifted(
        self, feature: AIFeature, records: Iterable[Record], now: datetime
    ) -> Drifted | None:
        """What the drift watch knows, likewise."""
        return self._drift.drifted(feature, records, now) if self._drift is not None else None

    def checked(self, feature: AIFeature, now: datetime) -> Checked | None:
        """What pre-flight knows, likewise."""
        return self._preflight.checked(feature, now) if self._preflight is not None else None

    def contents(self, feature: AIFeature, now: datetime) -> Contents | None:
        """What ConfigMaps have of its release, likewise."""
        return self._contents.contents(feature, now) if self._contents is not None else None

    def indexes(self, feature: AIFeature, now: datetime) -> Indexes | None:
        """What is known of the indexes of its good releases, likewise."""
        return self._indexes.indexes(feature, now) if self._indexes is not None else None

    def changes(self, feature: AIFeature, now: datetime) -> Changes | None:
        """What is known of the objects of others that it names, likewise."""
        return self._changes.changes(feature, now) if self._changes is not None else None

    def opened(self, feature: AIFeature, now: datetime) -> Breakers | None:
        """What is known of the breakers of its apps, likewise."""
        return self._breakers.opened(feature, now) if self._breakers is not None else None

    def forget(self, namespace: str, name: str) -> None:
        """Nothing of the feature is kept in memory."""
        self._drop(namespace, name)
        if self._preflight is not None:
            self._preflight.forget(namespace, name)

    def gone(self, namespace: str, name: str) -> None:
        """The feature does not exist any more."""
        self._drop(namespace, name)
        if self._preflight is not None:
            self._preflight.gone(namespace, name)

    def _drop(self, namespace: str, name: str) -> None:
        for key in [k for k in self._cases if k[1:] == (namespace, name)]:
            self._cases.pop(key).drop()
        self._baselines.forget(namespace, name)
        for desk in self._beside:
            desk.forget(namespace, name)

    async def close(self) -> None:
        """Stop reading."""
        running = [task for case in self._cases.values() for task in case.rounds]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._baselines.close()
        for desk in (*self._beside, self._preflight, self.evidence, self.again):
            if desk is not None:
                await desk.close()

    @property
    def _beside(self) -> list[DriftDesk | ContentDesk | IndexDesk | ChangeDesk | BreakerDesk]:
        """The desks that are only to forget and to close."""
        all_ = (self._drift, self._contents, self._indexes, self._changes, self._breakers)
        return [desk for desk in all_ if desk is not None]

    def _case(self, feature: AIFeature) -> Case:
        meta = feature.metadata
        return self._cases.setdefault((meta.uid, meta.namespace, meta.name), Case())

    def _flying(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        flight = case.flight
        ahead = flight is not None and flight.last_t > now + AHEAD_SECONDS
        if flight is None or ahead or flight.identity != identity(feature):
            flight = begin(feature, now, scrape=provider.scrape_seconds)
        case.about(flight)
        if flight is None or feature.status.step is None:
            return None
        case.step_began = feature.status.step.since.timestamp()
        flight.division = division(feature, provider.scrape_seconds)
        if case.feeding:
            return None  # half a catch-up; news follows
        next_at = None
        if flight.main.proven_end is None:
            self._learner.learn(feature, case, flight, self._ask(feature), now)
            if flight.polled:  # else news follows
                next_at = self._rounds.due(feature, case, provider, flight, now)
        return judged(feature, flight, now=now, lag=provider.lag_seconds, next_at=next_at)

    def _followed(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        """Traffic of what was sent back, until there is none."""
        latch, aftermath = feature.status.latches[0], case.aftermath
        signals = set(readings(feature.spec))
        known = aftermath is not None and aftermath.latch.at == latch.at
        if aftermath is None or not known or aftermath.read_to.keys() != signals:
            aftermath = after(feature, latch, provider.lag_seconds)
        case.about(aftermath)
        return aftermath.judged(self._rounds.due(feature, case, provider, aftermath, now))

    def _watched(
        self, feature: AIFeature, case: Case, provider: Provider, now: float
    ) -> Judged | None:
        """The release that serves everybody, for ever."""
        asked, known = self._asked(feature, now), case.lookout
        if (who := lookout.identity(feature, asked)) is None:
            case.about(None)
            return None
        ahead = known is not None and known.last_t > now + AHEAD_SECONDS
        if known is None or ahead or known.identity != who:
            scrape = provider.scrape_seconds
            known = lookout.begin(feature, who, now, known, scrape=scrape, asked=asked)
        case.about(known)
        if case.feeding:
            return None
        if known.proven_end is None:
            known.compare(feature, asked, now)
        next_at = None
        if known.proven_end is None:
            next_at = self._rounds.due(feature, case, provider, known, now)
        return watched(feature, known, now=now, lag=provider.lag_seconds, next_at=next_at)

    def _asked(self, feature: AIFeature, now: float) -> tuple[Comparison, ...]:
        """What the live release is to be held against."""
        good = feature.status.last_known_good
        samples = self._baselines.samples(feature)
        return comparisons(feature.spec, good.digest, samples, now) if good is not None else ()

    def _ask(self, feature: AIFeature) -> Ask:
        reader = self._readers[feature.spec.acceptance.provider]
        return partial(reader.read, FeatureKey(*feature.key))


def _is_followed(feature: AIFeature, now: datetime) -> bool:
    """Whether requests of what was sent back are still to be counted. After a fall from Live they
    cannot be: what serves instead reports as stable, too."""
    status = feature.status
    if status.stage not in DOWN or not status.latches or fell_from_live(status.latches[0]):
        return False
    latch = status.latches[0]
    if (latch.cause is LatchCause.KILL) != (status.stage is Stage.KILLED):
        return False  # a kill that is over: what serves again is watched
    return latch.contained_at is None and (now - latch.at).total_seconds() < WATCH_SECONDS
