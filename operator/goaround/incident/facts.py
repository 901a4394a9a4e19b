"""What the operator knows of the questions that people answer: triage, diagnosis, exposure.

Facts with their source, and proposals with their reason; people judge. Decides nothing, asks
nobody, and says nothing new of an incident that is over. Verdicts instead of numbers: a text that
counts would be written at every look.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from goaround.api.base import rfc3339
from goaround.api.conditions import find, some
from goaround.api.incident import AIIncidentStatus, Severity
from goaround.api.incident_status import LONGEST_TAIL, OVER, Exposure
from goaround.api.judgement import TriageScope
from goaround.api.kinds import AIFeature
from goaround.api.latches import SignalStatus
from goaround.api.reasons import ConditionType, EventReason
from goaround.api.signals import Layer
from goaround.incident.proposals import proposing
from goaround.incident.seen import Seen, signals_now

MOST_CHANGES, MOST_PROPOSALS, MOST_CONSUMERS = 10, 8, 8
CHANGES = frozenset(
    {
        EventReason.ROLLOUT_STARTED,
        EventReason.ADOPTED,
        EventReason.STEP_STARTED,
        EventReason.CRUISING,
        EventReason.PROMOTED,
        EventReason.SUPERSEDED,
        EventReason.ROLLED_BACK,
        EventReason.ROLLED_BACK_TO,
        EventReason.ABORTED,
        EventReason.KILL_ENGAGED,
        EventReason.KILL_RELEASED,
        EventReason.STEPS_SKIPPED,
        EventReason.GLASS_BROKEN,
        EventReason.THROTTLED,
    }
)
LAYERS = {
    "inRange": (Layer.OUTPUT_QUALITY, Layer.SAFETY),
    "upstreamHealthy": (Layer.DATA_PIPELINE,),
    "environment": (Layer.INFRASTRUCTURE,),
}
RETRIEVAL, PROVIDER, SEAM = ("retrieval",), ("provider",), ("schema", "contract", "parity")
BAD, GOOD = "Bad", "Good"


def with_facts(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that fills in what is known; nothing without the feature."""
    feature = seen.feature
    if feature is None or after.phase in OVER:
        return after
    # found once: the feature's own history is short
    after = after.but(recent_changes=after.recent_changes or list(_recent(feature, after)))
    after = after.but(
        exposure=_exposure(feature, after),
        triage_facts=_kept(_triage(seen, feature, after)),
        diagnosis_facts=_kept(_diagnosis(feature, after)),
    )
    return proposing(after, _proposals(seen, feature, after))


def trend(feature: AIFeature, after: AIIncidentStatus) -> str:
    """`worse`, `better` or `unchanged`, by the signals now against those that were frozen."""
    then = {s.name: s.verdict for s in after.signals}
    now = {s.name: s.verdict for s in signals_now(feature)}
    if any(v == BAD and then.get(name) != BAD for name, v in now.items()):
        return "worse"
    was_bad = [name for name, v in then.items() if v == BAD]
    if was_bad and all(now.get(name) == GOOD for name in was_bad):
        return "better"
    return "unchanged"


def worst_slice(signals: Iterable[SignalStatus]) -> str | None:
    """The first part of a signal that a verdict names, as `errors/de`."""
    for signal in signals:
        for line in signal.message.split("; "):
            if found := re.match(rf"{re.escape(signal.name)}/(\S+) ", line):
                return f"{signal.name}/{found[1]}"
    return None


def _exposure(feature: AIFeature, after: AIIncidentStatus) -> Exposure:
    consumers = [f"{c.name} (tell {c.owner})" for c in feature.spec.consumers]
    return Exposure(
        requests=after.exposed_requests,
        worst_slice=after.exposure.worst_slice or worst_slice(after.signals),
        consumers=[c[:120] for c in consumers[:MOST_CONSUMERS]] or after.exposure.consumers,
    )


def _recent(feature: AIFeature, after: AIIncidentStatus) -> Iterator[str]:
    """The feature's own history before it, newest first; with what else changed, once that was
    read (`evidence.py`)."""
    began = after.milestones.detected_at
    if began is None:
        return
    since = began - timedelta(seconds=feature.spec.incident.change_lookback_seconds)
    told = (t for t in feature.status.history if since <= t.at < began)
    found = [t for t in told if t.reason in CHANGES]
    for t in list(reversed(found))[:MOST_CHANGES]:
        yield f"{rfc3339(t.at)} {feature.metadata.name} {t.reason}: {t.message}"[:LONGEST_TAIL]


def _triage(
    seen: Seen, feature: AIFeature, after: AIIncidentStatus
) -> Iterator[tuple[str, str | None]]:
    detected = after.milestones.detected_at
    when = f", {rfc3339(detected)}" if detected is not None else ""
    yield "whichAlert", f"{seen.spec.trigger.key}{when}"
    yield "predicting", _predicting(feature)
    yield "inRange", _layer(feature, "inRange")
    yield "inputsChanged", _drift(feature)
    yield "recentlyUpdated", _updated(after)
    yield "upstreamHealthy", _upstream(feature)
    yield "trend", f"{trend(feature, after)} (verdicts of signals now, against the detection)"


def _diagnosis(feature: AIFeature, after: AIIncidentStatus) -> Iterator[tuple[str, str | None]]:
    """In the order in which people look: what was deployed first."""
    yield "deployment", _updated(after)
    yield "input", _drift(feature)
    yield "retrieval", _part(feature, after, "index", RETRIEVAL)
    yield "upstreamData", _upstream(feature)
    yield "provider", _provider(feature)
    yield "seam", _part(feature, after, "contract", SEAM)
    yield "model", _part(feature, after, "model", ())
    yield "environment", _layer(feature, "environment")


def _proposals(seen: Seen, feature: AIFeature, after: AIIncidentStatus) -> Iterator[str]:
    slices = after.exposure.worst_slice or worst_slice(after.signals)
    if seen.spec.triage.scope is None and slices:
        yield f"spec.triage.scope {TriageScope.SUBSET}: {slices} is worst"
    if seen.spec.severity is Severity.P3 and trend(feature, after) == "worse":
        bad = [s.name for s in signals_now(feature) if s.verdict == BAD]
        yield f"spec.severity P2: it gets worse, {some(bad, 3)} Bad since the detection"


def _predicting(feature: AIFeature) -> str:
    heard = [
        s.name for s in feature.status.signals if s.verdict not in ("Unknown", "NotApplicable")
    ]
    serves = feature.status.live or "nothing"
    if not feature.status.signals:
        return f"not known: no signal was read yet; {serves} serves"
    return f"{serves} serves; requests are seen by {some(heard, 3) if heard else 'no signal'}"


def _layer(feature: AIFeature, key: str) -> str | None:
    layers = {s.name: s.watches for s in feature.spec.acceptance.signals}
    mine = [s for s in feature.status.signals if layers.get(s.name) in LAYERS[key]]
    return _verdicts(mine)


def _verdicts(signals: Iterable[SignalStatus]) -> str | None:
    """`Bad: errors; Good: toxic`."""
    by: dict[str, list[str]] = {}
    for signal in signals:
        by.setdefault(signal.verdict, []).append(signal.name)
    order = sorted(by, key=lambda v: (v != BAD, v))
    return "; ".join(f"{v}: {some(by[v], 3)}" for v in order) or None


def _drift(feature: AIFeature) -> str | None:
    if feature.spec.drift is None:
        return "not watched: set spec.drift of the feature"
    known = feature.status.drift
    if known is None:
        return "not compared yet"
    out = [row.name for row in known.inputs if row.verdict in ("Alert", "Hold")]
    return f"yes: {some(out, 3)} out of band" if out else f"no: {len(known.inputs)} inputs in band"


def _updated(after: AIIncidentStatus) -> str:
    told = [*after.changes, *after.recent_changes]
    if not told:
        return "no change is known before it"
    more = f" (and {len(told) - 1} more, see changes and recentChanges)" if len(told) > 1 else ""
    return f"{told[0][:120]}{more}"


def _upstream(feature: AIFeature) -> str | None:
    fails = find(feature.status.conditions, ConditionType.UPSTREAM_INCIDENT)
    if fails is not None:
        return f"no: {fails.message}"
    return _layer(feature, "upstreamHealthy") or "not watched: no signal of layer DataPipeline"


def _provider(feature: AIFeature) -> str | None:
    seen = _verdicts(_named(feature, PROVIDER))
    rests = some([f"{d.name} ({d.kind})" for d in feature.spec.dependencies], 4)
    told = [
        t for t in (seen, f"rests on {rests}, look at their status pages" if rests else None) if t
    ]
    return "; ".join(told) or "no dependency is declared, and no signal of a provider"


def _part(
    feature: AIFeature, after: AIIncidentStatus, part: str, presets: tuple[str, ...]
) -> str | None:
    """What changed of one part of the release, and what its signals say."""
    changed = [line for line in after.changes if line.startswith(part)]
    told = [changed[0] if changed else f"{part} unchanged", _verdicts(_named(feature, presets))]
    return "; ".join(t for t in told if t)


def _named(feature: AIFeature, words: tuple[str, ...]) -> list[SignalStatus]:
    """Signals whose name or preset speaks of it."""
    spoken = {
        s.name
        for s in feature.spec.acceptance.signals
        if any(word in f"{s.name} {s.preset or ''}" for word in words)
    }
    return [s for s in feature.status.signals if s.name in spoken]


def _kept(found: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    return {key: told[:LONGEST_TAIL] for key, told in found if told}
