"""What open incidents make stricter for whoever judges: bounds (`ThresholdAdjust`), and how often
a feature with an open P3 is looked at.

Decides nothing of what follows from a verdict. It never loosens: a bound counts where it is below
the one of spec; a signal that has no `max` is left as it is.
"""

from collections.abc import Iterable, Sequence

from goaround.api.acceptance import Signal
from goaround.api.incident import Severity
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.restraints import Restraint
from goaround.api.trigger import TriggerSource
from goaround.rollout.freeze import is_over


def tightened(feature: AIFeature) -> AIFeature:
    """The feature with the tighter bounds that its status says are in force; the very same object
    where there is none."""
    found = feature.status.restraints
    if not any(_bound(s, found) for s in feature.spec.acceptance.signals):
        return feature
    signals = [_tight(s, _bound(s, found)) for s in feature.spec.acceptance.signals]
    acceptance = feature.spec.acceptance.but(signals=signals)
    return feature.but(spec=feature.spec.but(acceptance=acceptance))


def closely(feature: AIFeature, incidents: Iterable[AIIncident]) -> AIFeature:
    """The feature as it is watched while a P3 is open: what is live is read at the interval of the
    ramp, where that is shorter. The very same object where none is open."""
    watch, ramp = feature.spec.watch, feature.spec.ramp.interval_seconds
    if ramp >= watch.interval_seconds or not any(map(_is_open_p3, incidents)):
        return feature
    return feature.but(spec=feature.spec.but(watch=watch.but(interval_seconds=ramp)))


def _is_open_p3(incident: AIIncident) -> bool:
    drill = incident.spec.trigger.source is TriggerSource.DRILL
    return incident.spec.severity is Severity.P3 and not drill and not is_over(incident)


def mark(feature: AIFeature) -> str:
    """What tells evidence by tighter bounds from that by those of spec; empty without any."""
    found = ((r.signal, r.max) for r in feature.status.restraints if r.signal is not None and r.max)
    return "".join(f"/{signal}<={limit}" for signal, limit in sorted(found, key=str))


def _bound(signal: Signal, restraints: Sequence[Restraint]) -> str | None:
    highest, _ = signal.bounds
    if highest is None:
        return None
    asked = [r.max for r in restraints if r.signal == signal.name and r.max is not None]
    tight = min(asked, key=float, default=None)
    return tight if tight is not None and float(tight) < float(highest) else None


def _tight(signal: Signal, limit: str | None) -> Signal:
    return signal if limit is None else signal.but(max=limit)
