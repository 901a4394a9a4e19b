"""One feature under drift watch: whose inputs, what is known of them, and what is to be read next.

Decides which window a baseline is taken from and when a look is due; remembers failures. Refuses to
read anything and to say what drift does to a release (`rollout/drifts.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from goaround.api.drift import Drift, DriftInput, DriftReference, DriftStatus
from goaround.api.kinds import AIFeature
from goaround.evidence.baseline import Baseline, UnreadableBaseline, unpack
from goaround.evidence.drift_plan import unread
from goaround.evidence.drift_watch import PARTS, next_ends
from goaround.evidence.model import CANDIDATE, STABLE
from goaround.rollout.drifts import is_about
from goaround.rollout.moves import in_flight, is_watched
from goaround.rollout.observed import Drifted
from goaround.world.backoff import doubling

GRACE_SECONDS: Final = 10.0
"""A read that fails once costs nothing but its time."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose inputs are looked at: those of the release that `arm` serves since `since`, unix
    seconds. beside: another release served everybody before it flew."""

    digest: str
    arm: str
    since: float
    beside: str | None
    drift: Drift

    @property
    def part(self) -> int:
        """Seconds of one part of the window."""
        return self.drift.window_seconds // PARTS

    @property
    def pinned(self) -> list[DriftInput]:
        """The inputs that are compared with a baseline."""
        return [i for i in self.drift.inputs if i.reference is DriftReference.BASELINE]

    @property
    def earlier(self) -> int:
        """Seconds that lie between the window and the one it is compared with in Live: whole days,
        so that the time of day does not look like drift."""
        return -(-self.drift.window_seconds // DAY) * DAY

    def pin_ends(self, now: float, lag: float) -> range:
        """Ends of the parts of the window that its baseline is taken from: the last one before it
        took off, whenever asked; in Live the newest one that is all its own."""
        last = int((self.since - lag) // self.part) * self.part
        if self.arm == STABLE:
            first = int(self.since // self.part + 1 + PARTS) * self.part
            last = max(first, int((now - lag) // self.part) * self.part)
        return range(last - (PARTS - 1) * self.part, last + 1, self.part)


def watched(feature: AIFeature) -> Watched | None:
    """Whose inputs are to be looked at now, if anybody's."""
    status, drift = feature.status, feature.spec.drift
    flown, good = status.candidate, status.last_known_good
    if drift is None:
        return None
    if flown is not None and in_flight(status):
        beside = good.digest if good is not None else None
        return Watched(flown.digest, CANDIDATE, flown.since.timestamp(), beside, drift)
    if good is not None and is_watched(status):
        return Watched(good.digest, STABLE, good.since.timestamp(), good.digest, drift)
    return None


@dataclass(slots=True)
class DriftCase:
    """What is known of one watch. status: the newest look. text, baseline: as packed, and read
    back. pin_from: a baseline is taken from no window that ends before, unix seconds. afresh: spec
    changed, so look again. faults: why inputs could not be read at the last try, since
    `failing_since`."""

    who: Watched
    status: DriftStatus | None = None
    text: str | None = None
    baseline: Baseline | None = None
    pin_from: float = 0.0
    afresh: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)
    failures: int = 0
    failing_since: float | None = None
    retry_at: float = 0.0

    def recall(self, text: str | None) -> None:
        """What the release's record keeps; what cannot be read is established anew."""
        if text is None or text == self.text:
            return
        try:
            self.text, self.baseline = text, unpack(text)
        except UnreadableBaseline:
            self.text, self.baseline = text, None

    def needs_pin(self, lag: float) -> bool:
        """Whether what the inputs are to be held against is still to be read."""
        names = {i.name for i in self.who.pinned}
        if not names or self.pin_from == math.inf or self.who.beside is None:
            return False
        known = self.baseline
        if known is None or not names <= known.inputs.keys():
            return True
        return self.who.arm == CANDIDATE and known.ended != self.who.pin_ends(0, lag)[-1]

    def pin_ends(self, now: float, lag: float) -> range | None:
        """Ends of the window to take a baseline from, once it is whole."""
        if not self.needs_pin(lag):
            return None
        ends = self.who.pin_ends(now, lag)
        return ends if max(ends[-1], self.pin_from) + lag <= now else None

    def pinned(self, text: str | None, ends: range) -> None:
        """What was read of that window; without enough requests the next one is tried, but before
        a take-off there is no other."""
        self.succeeded()
        self.pin_from = math.inf
        if text is not None:
            self.recall(text)
        elif self.who.arm == STABLE:
            self.pin_from = ends[-1] + self.who.drift.window_seconds

    def look_ends(self, feature: AIFeature, now: float, lag: float) -> range | None:
        """Ends of the window that is due; None before users were divided for a whole part of it."""
        if (first := self._first(feature)) is None:
            return None
        before = None if self.afresh else self.status
        ends = next_ends(self.who.drift, before, now=now, lag=lag)
        return ends if ends is not None and ends[-1] >= first else None

    def next_at(self, feature: AIFeature, now: float, lag: float) -> datetime | None:
        """When there will be something to read, or to try again."""
        part, first = self.who.part, self._first(feature)
        due = []
        if first is not None:
            newest = int((now - lag) // part) * part
            due.append(max(newest + part, -(-first // part) * part) + lag)
        if self.needs_pin(lag):
            due.append(max(self.who.pin_ends(now, lag)[-1], self.pin_from) + lag)
        due += [self.retry_at, (self.failing_since or 0.0) + GRACE_SECONDS]
        return min((_time(at) for at in due if at > now), default=None)

    def _first(self, feature: AIFeature) -> float | None:
        """The earliest end of a part in which the split was as it is."""
        if self.who.arm == STABLE:
            return self.who.since + self.who.part
        step = feature.status.step
        return step.since.timestamp() + self.who.part if step is not None else None

    def failed(self, faults: Mapping[str, str], now: float) -> None:
        """Nothing could be read: try again after a pause."""
        self.faults = faults
        self.failing_since = now if self.failing_since is None else self.failing_since
        self.failures += 1
        self.retry_at = now + doubling(self.failures, FIRST_PAUSE, LONGEST_PAUSE)

    def succeeded(self) -> None:
        self.faults, self.failures, self.failing_since, self.retry_at = {}, 0, None, 0.0

    def looked(self, status: DriftStatus, faults: Mapping[str, str], now: float) -> None:
        """A window was compared, as far as it could be read."""
        self.succeeded()
        self.status, self.afresh = unread(status, self.status, faults), False
        self.faults, self.failing_since = faults, now - GRACE_SECONDS if faults else None

    def told(self, feature: AIFeature, recorded: str | None, now: float, lag: float) -> Drifted:
        """What is known now."""
        since, shown = self.failing_since, self.status
        lasting = self.faults if since is not None and now - since >= GRACE_SECONDS else {}
        if shown is not None and lasting:
            shown = unread(shown, shown, lasting)
        fresh = self.text is not None and self.baseline is not None and self.text != recorded
        return Drifted(
            digest=self.who.digest,
            status=shown,
            blind={n: why for n, why in lasting.items() if not self._was_compared(n)},
            pinning=self.who.arm == CANDIDATE and self.needs_pin(lag),
            baseline=self.text if fresh else None,
            next_at=self.next_at(feature, now, lag),
        )

    def _was_compared(self, name: str) -> bool:
        rows = self.status.inputs if self.status is not None else []
        return any(row.name == name and row.value is not None for row in rows)


def begin(feature: AIFeature, who: Watched, known: DriftCase | None) -> DriftCase:
    """The watch that status speaks of; after a change of spec alone it goes on, and looks again."""
    said = feature.status.drift
    mine = said if said is not None and is_about(said, feature.status) else None
    if known is None or (known.who.digest, known.who.since) != (who.digest, who.since):
        return DriftCase(who, status=mine)
    return DriftCase(who, status=known.status or mine, afresh=True)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
