"""What one pass over an incident sees: plain values, collected by the runtime.

Decides nothing. What an administrator may set stands in `Settings`; its defaults are documented and
are API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from goaround.api.incident import AIIncidentSpec, Severity, TriggerSource
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.latches import Latch
from goaround.incident.log import Log

GRAVE = frozenset({Severity.P1, Severity.P2})


@dataclass(frozen=True, slots=True)
class Settings:
    """reopen: how long after its resolution an incident may be opened again. quiet: how long a P3
    or P4 must be calm to be resolved without a person's word."""

    reopen: timedelta = timedelta(minutes=30)
    quiet: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Seen:
    """The incident, and those of its features that exist, in the order of spec.affects."""

    incident: AIIncident
    features: tuple[AIFeature, ...] = ()
    settings: Settings = field(default_factory=Settings)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log: Log | None = None  # the timeline, once something was to be entered
    log_trouble: str | None = None

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
        named = (
            x for x in self.feature.status.latches if x.incident == self.incident.metadata.name
        )
        found = next(named, None)
        return None if found is not None and found.is_shortened else found

    @property
    def is_grave(self) -> bool:
        """Whether only a person's word ends it: P1, P2, or a kill."""
        return self.spec.severity in GRAVE or self.spec.trigger.source is TriggerSource.KILL
