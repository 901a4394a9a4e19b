"""What one pass over an incident sees: plain values, collected by the runtime.

Decides nothing. What an administrator may set stands in `Settings`; its defaults are documented and
are API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from goaround.api.clocks import ClockName
from goaround.api.gravity import BY_HAND, is_grave
from goaround.api.incident import AIIncidentSpec, Severity
from goaround.api.incident_status import Reproduction
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.latches import Latch, SignalStatus
from goaround.api.reasons import CAME_BACK
from goaround.incident.audiences import Delivered, KnownChannel
from goaround.incident.calendar import Calendar, Span
from goaround.incident.log import Log

if TYPE_CHECKING:
    from goaround.incident.evidence import Frozen


@dataclass(frozen=True, slots=True)
class Settings:
    """reopen: how long after its resolution an incident may be opened again. quiet: how long a P3
    or P4 must be calm to be resolved without a person's word. escalate: how long the trend of a P4
    lasts until it counts as a P3. clocks: other times than the defaults; None: it does not run.
    targets: likewise. regimes: regulatory clocks beside the built-in ones. channels, templates
    (source by kind): of messages, by which they go and from which they are made."""

    reopen: timedelta = timedelta(minutes=30)
    quiet: timedelta = timedelta(minutes=30)
    escalate: timedelta = timedelta(days=3)
    calendar: Calendar = field(default_factory=Calendar)
    clocks: Mapping[tuple[ClockName, Severity], Span | None] = field(default_factory=dict)
    targets: Mapping[tuple[ClockName, Severity], Span] = field(default_factory=dict)
    regimes: Mapping[str, timedelta] = field(default_factory=dict)
    channels: tuple[KnownChannel, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """The incident, and those of its features that exist, in the order of spec.affects. sent: what
    became of messages that are being sent, by id."""

    incident: AIIncident
    features: tuple[AIFeature, ...] = ()
    settings: Settings = field(default_factory=Settings)
    annotations: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Delivered] = field(default_factory=dict)
    log: Log | None = None  # the timeline, once something was to be entered
    log_trouble: str | None = None
    frozen: "Frozen | None" = None
    reproduced: Reproduction | None = None

    @property
    def spec(self) -> AIIncidentSpec:
        return self.incident.spec

    @property
    def subject(self) -> str:
        """The feature that it is about first of all."""
        return self.spec.affects[0].name

    @property
    def feature(self) -> AIFeature | None:
        return next((f for f in self.features if f.metadata.name == self.subject), None)

    @property
    def latch(self) -> Latch | None:
        """The latch that it speaks of; None once that was shortened: nothing more is learnt."""
        if self.feature is None:
            return None
        name, known = self.incident.metadata.name, self.incident.status.milestones
        named = [x for x in self.feature.status.latches if x.incident == name]
        # the oldest one opened it, those after it were asked for by it
        found = named[-1] if named else None
        by_hand = self.spec.trigger.source in BY_HAND
        if found is None or found.is_shortened:
            return None
        late = known.detected_at is not None and found.at > known.detected_at and not by_hand
        return None if late else found

    @property
    def is_grave(self) -> bool:
        """P1, P2, or a kill."""
        return is_grave(self.spec)

    @property
    def ends_by_word(self) -> bool:
        """Whether only a person's word ends it: it is grave, or holds down what people asked."""
        asked = self.spec.containment
        return self.is_grave or (asked is not None and asked.is_asking)


def signals_now(feature: AIFeature) -> Sequence[SignalStatus]:
    """What signals say of what serves now. Beside a release that came back, they go on to tell why
    it did; that is the past."""
    return () if feature.status.stage in CAME_BACK else feature.status.signals
