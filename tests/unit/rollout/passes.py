"""One pass as laws look at it: what it saw, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime

from goaround.api import names
from goaround.api.feature import AIFeatureSpec
from goaround.api.status import AIFeatureStatus, Latch
from goaround.rollout.containing import asked
from goaround.rollout.contents import resolved
from goaround.rollout.down import kill_sources
from goaround.rollout.drill import lifted
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Judged, Observed
from goaround.rollout.planned import Plan


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: what it saw, when, what it planned, and what was proven harmful, or aborted by
    people, before it."""

    seen: Observed
    now: datetime
    plan: Plan
    harmful: dict[str, Latch] = field(default_factory=dict)
    aborted: dict[str, Latch] = field(default_factory=dict)

    @property
    def before(self) -> AIFeatureStatus:
        """As decided beneath a drill, if there is one."""
        return lifted(self.seen.feature.status)

    @property
    def after(self) -> AIFeatureStatus:
        return lifted(self.plan.status)

    @property
    def spec(self) -> AIFeatureSpec:
        """With the release as it is meant: every text by its hash, as far as it is known."""
        return resolved(self.seen).feature.spec

    @property
    def is_wrong(self) -> bool:
        """People must change something, be it in spec or in a ConfigMap that it names."""
        return bool(resolved(self.seen).problems)

    @property
    def evidence(self) -> Judged | None:
        """What was judged of the very flight that is in the air."""
        judged, flown = self.seen.judged, self.before.candidate
        if judged is None or flown is None or not in_flight(self.before):
            return None
        mine = (judged.digest, judged.attempt) == (flown.digest, flown.attempt)
        return judged if mine else None

    @property
    def harm_in_live(self) -> bool:
        """What serves everybody was proven to do harm."""
        judged, good = self.seen.judged, self.before.last_known_good
        if judged is None or good is None or judged.breach is None:
            return False
        return is_watched(self.before) and judged.digest == good.digest

    @property
    def is_stopped(self) -> bool:
        stopped = self.seen.problems or self.seen.braked or self.is_held
        return bool(stopped or kill_sources(self.seen) or asked(self.seen))

    @property
    def is_held(self) -> bool:
        feature = self.seen.feature
        return bool(feature.spec.suspend) or names.HOLD in feature.metadata.annotations

    @property
    def goes_back(self) -> bool:
        """Spec asks for the release that becomes last-known-good, and it is one that was good."""
        asked, good = self.seen.feature.spec.rollback_to, self.after.last_known_good
        if asked is None or good is None or good.digest != asked:
            return False
        record = self.seen.record(asked)
        earlier = self.before.previous_good
        was_good = record is not None and record.good_since is not None
        return was_good or (earlier is not None and earlier.digest == asked)
