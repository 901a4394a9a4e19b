"""The incident that an early sign opens: its spec, written once at creation.

Decides its words. It is a P4 always: nothing was proven, and nothing was taken off anybody.
"""

from datetime import datetime

from goaround.api.digest import short
from goaround.api.feature import FeatureReference
from goaround.api.incident import AIIncidentSpec, Severity
from goaround.api.kinds import AIFeature
from goaround.api.trigger import Summary, Trigger, TriggerSource

WHY = {
    TriggerSource.DRIFT: "an early sign: inputs drift, no harm was proven",
    TriggerSource.BREAKER: "an early sign: a breaker stays open, no harm was proven",
}


def forewarned(
    feature: AIFeature,
    source: TriggerSource,
    cause: str,
    line: str,
    *,
    since: datetime,
    digest: str | None,
    earlier: str | None,
) -> AIIncidentSpec:
    """What the operator writes into spec, and never touches again. source: one of `WHY`."""
    about = f"release {short(digest)}" if digest is not None else "no release"
    return AIIncidentSpec(
        affects=[FeatureReference(name=feature.metadata.name)],
        trigger=Trigger(source=source, key=f"{cause} of {about}"[:512], digest=digest),
        severity=Severity.P4,
        severity_reason=WHY[source],
        summary=Summary(
            what_broke=line[:1024],
            noticed_by="GoAround",
            scope=f"all users of {feature.metadata.name}: {feature.spec.acceptance.scope}"[:1024],
            first_seen=since,
        ),
        related_to=earlier,
    )
