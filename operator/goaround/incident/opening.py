"""The incident that a latch opens: its spec, written once at creation."""

from goaround.api.digest import short
from goaround.api.feature import FeatureReference
from goaround.api.incident import AIIncidentSpec
from goaround.api.kinds import AIFeature
from goaround.api.status import Latch, LatchCause
from goaround.api.trigger import Summary, Trigger, TriggerSource
from goaround.incident.severity import severity

BY_PEOPLE = {LatchCause.KILL, LatchCause.REFUSED, LatchCause.ABORTED}
SOURCES = {
    LatchCause.SIGNAL: TriggerSource.ROLLBACK,
    LatchCause.REJECTED: TriggerSource.PREFLIGHT,
    LatchCause.KILL: TriggerSource.KILL,
    LatchCause.NO_PROOF: TriggerSource.INCONCLUSIVE,
    LatchCause.OUTAGE: TriggerSource.OUTAGE,
    LatchCause.REFUSED: TriggerSource.REFUSED,
    LatchCause.ABORTED: TriggerSource.ABORTED,
}


def opening(feature: AIFeature, latch: Latch) -> AIIncidentSpec:
    """What the operator writes into spec, and never touches again."""
    level, why = severity(latch, feature.spec.incident.exposure_limit)
    return AIIncidentSpec(
        affects=[FeatureReference(name=feature.metadata.name)],
        trigger=Trigger(
            source=SOURCES[latch.cause],
            key=f"{latch.cause} {latch.signal or ''} of {_subject(latch)}"[:512],
            digest=latch.digest,
        ),
        severity=level,
        severity_reason=why[:512],
        summary=Summary(
            what_broke=latch.message,
            noticed_by="a person" if latch.cause in BY_PEOPLE else "GoAround",
            scope=f"{latch.weight} % of the users of {feature.metadata.name}: "
            f"{feature.spec.acceptance.scope}"[:1024],
            first_seen=latch.started_at or latch.at,
        ),
        related_to=_like_it(feature, latch),
    )


def _like_it(feature: AIFeature, latch: Latch) -> str | None:
    """The last incident of the same cause before this one, as far as the feature remembers."""
    earlier = [
        known
        for known in feature.status.latches
        if known.incident is not None
        and known.at < latch.at
        and (known.cause, known.signal) == (latch.cause, latch.signal)
    ]
    return max(earlier, key=lambda known: known.at).incident if earlier else None


def _subject(latch: Latch) -> str:
    if latch.release is None or latch.digest is None:
        return "no release"
    return f"{latch.release.title} ({short(latch.digest)}), attempt {latch.attempt}"
