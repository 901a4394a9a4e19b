"""What one pass sees: what goes into `decide`.

Plain values only. Whoever fills `Observed` answers for its freshness, `decide` for the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from goaround.api.drift import DriftStatus
from goaround.api.feature import Release
from goaround.api.kinds import AIFeature, AIIncident, AIKillSwitch, AISignOff
from goaround.api.preflight import PreflightStatus
from goaround.api.reasons import Reason
from goaround.api.status import (
    HARM,
    EvidenceState,
    Latch,
    SignalStatus,
)
from goaround.api.watch import SignalBaseline
from goaround.rollout.chain import Segment
from goaround.rollout.referred import Breakers as Breakers
from goaround.rollout.referred import Changes as Changes
from goaround.rollout.referred import Contents as Contents
from goaround.rollout.referred import Indexes as Indexes
from goaround.rollout.referred import IndexFound as IndexFound
from goaround.rollout.referred import IndexState as IndexState
from goaround.rollout.referred import Opened as Opened
from goaround.rollout.referred import Place as Place
from goaround.rollout.referred import Problem as Problem

FLYING = "Flying"
"""Outcome of a record whose flight has not ended."""

PAUSES = "would be proven harmful if requests were independent"
"""Stands in the text of every pause, so that a hold in status is known for one."""


@dataclass(frozen=True, slots=True)
class Record:
    """A release record: immutable content, and the marks that outlive status. holds: hashes of the
    texts that it has. took_off_at: when the history of status tells of the newest attempt."""

    name: str
    digest: str
    release: Release
    attempts: int = 0
    took_off_at: datetime | None = None
    outcome: str | None = None
    quarantined_attempt: int | None = None
    good_since: datetime | None = None
    baseline: str | None = None
    signal_baseline: str | None = None
    created: datetime | None = None
    holds: frozenset[str] = frozenset()

    def cleared(self, latch: Latch) -> bool:
        """Whether the release became last-known-good after that latch."""
        return self.good_since is not None and self.good_since > latch.at


@dataclass(frozen=True, slots=True)
class Breach:
    """Proof of harm: the line that says it, and when it became provable."""

    signal: str
    line: str
    proven_at: datetime
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outage:
    """Stable itself breaks the bounds: whatever is wrong, no release caused it."""

    since: datetime
    line: str


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the evidence of a flight rests on. sound: measured, or declared by people."""

    sound: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Harm that only users carry whose clustering is not measured. begins: it reached the level;
    else it has only not fallen below half of it yet, and keeps a pause that had begun."""

    message: str
    begins: bool = True


@dataclass(frozen=True, slots=True)
class Traffic:
    """The newest window read: requests by variant in (start, end]."""

    start: datetime
    end: datetime
    requests: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Beyond:
    """A signal that is proven to be worse than its baseline allows."""

    since: datetime
    line: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the evidence says about the flight of `digest`, `attempt`.

    mismatch: users are not divided as configured, so that the arms cannot be compared.
    assumed: what the evidence rests on, absent before the first request.
    worse: what is live is worse than on the day before; told, and nothing else. beyond: so it is
    than its baseline, by signal.
    heard_all: every signal was read since this process began to look; before that, nothing is known
    of faults that an earlier one saw.
    """

    digest: str
    attempt: int
    signals: tuple[SignalStatus, ...] = ()
    evidence: tuple[EvidenceState, ...] = ()
    breach: Breach | None = None
    outage: Outage | None = None
    accepted: bool = False
    samples: int = 0
    total: int = 0
    exposed: int = 0
    through: datetime | None = None
    heard_all: bool = True
    unreadable: str | None = None
    mismatch: str | None = None
    paused: Paused | None = None
    assumed: Assumed | None = None
    worse: str | None = None
    beyond: Mapping[str, Beyond] = field(default_factory=dict)
    silent_since: datetime | None = None
    deaf_since: datetime | None = None
    traffic: Traffic | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Drifted:
    """What the drift watch knows of the release `digest`.

    status: the newest look, absent before the first. blind: why inputs could not be read, by name
    of those that never were. pinning: what they look like before the first step is still to be
    read. baseline: that, packed, for the release's record.
    """

    digest: str
    status: DriftStatus | None = None
    blind: Mapping[str, str] = field(default_factory=dict)
    pinning: bool = False
    baseline: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Baselined:
    """What the `vsBaseline` bounds of the release `digest` are held against.

    known: by signal. gaps: why a bound is held against nothing, by signal. pinning: counts of
    before the first step are still to be read, and can be. text: all of it, packed, for the
    release's record.
    """

    digest: str
    known: tuple[SignalBaseline, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)
    pinning: bool = False
    text: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What pre-flight says of the candidate `digest`, `attempt`.

    golden: hash of the golden set as last read. found: the verdict, its counts and names; absent
    before there is one. problem: what keeps it from one. report: the ConfigMap with every case.
    pin_gone: whose pin is known to exist no longer (`names.pin_of`).
    """

    digest: str
    attempt: int
    golden: str | None = None
    found: PreflightStatus | None = None
    report: str | None = None
    problem: Problem | None = None
    pin_gone: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the flag replicas said of this feature."""

    revision: int | None
    replicas: int
    expected: int
    streams: int
    at: datetime
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Guarded:
    """Whether the API server vouches for sign-offs.

    since: what was signed up to then is not vouched for; missing: the policy that is not there or
    not as it was shipped, and what to do about it.
    """

    since: datetime | None = None
    missing: str | None = None


UNREAD = Guarded(missing="the admission policies have not been read yet")


@dataclass(frozen=True, slots=True)
class Observed:
    """The world, as one pass sees it.

    incidents: those of its latches that exist; troubles: all that name the feature.
    confirmed: records were read live, so that what contradicts them is not merely older news.
    upstream: what fails of the features that name this one as consumer, in words.
    segments: those of its evidence binder.
    """

    feature: AIFeature
    switches: tuple[AIKillSwitch, ...] = ()
    sign_offs: tuple[AISignOff, ...] = ()
    records: tuple[Record, ...] = ()
    incidents: frozenset[str] = frozenset()
    troubles: tuple[AIIncident, ...] = ()
    judged: Judged | None = None
    drift: Drifted | None = None
    checked: Checked | None = None
    baselined: Baselined | None = None
    contents: Contents | None = None
    indexes: Indexes | None = None
    changes: Changes | None = None
    breakers: Breakers | None = None
    problems: tuple[Problem, ...] = ()
    delivered: Delivered | None = None
    announced_at: datetime | None = None
    braked: str | None = None
    guarded: Guarded = UNREAD
    confirmed: bool = False
    upstream: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()

    def record(self, digest: str) -> Record | None:
        return next((r for r in self.records if r.digest == digest), None)

    def quarantined_at(self, digest: str) -> int:
        """The last attempt that proved this digest harmful; 0 if none did.

        Read from its record and from the latches, because the mark on the record follows the latch.
        """
        record = self.record(digest)
        marked = (record.quarantined_attempt or 0) if record is not None else 0
        latched = [
            x.attempt
            for x in self.feature.status.latches
            if x.cause in HARM
            and x.digest == digest
            and not (record is not None and record.cleared(x))
        ]
        return max([marked, *latched])
