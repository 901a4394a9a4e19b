"""Small parts for tests of the pure core: specs, objects, records, readings."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from goaround.api import names
from goaround.api.base import Json, ObjectMeta
from goaround.api.digest import release_digest
from goaround.api.feature import AIFeatureSpec, FeatureReference, Release
from goaround.api.killswitch import AIKillSwitchSpec, LabelSelector
from goaround.api.kinds import AIFeature, AIKillSwitch, AISignOff
from goaround.api.reasons import Reason
from goaround.api.signoff import AISignOffSpec, Decision
from goaround.api.status import AIFeatureStatus
from goaround.rollout.observed import (
    Delivered,
    Problem,
    Record,
    Traffic,
)
from goaround.rollout.planned import Effect, WriteRecord

NAMESPACE, NAME, UID = "shop", "chat", "5b6f4f4e-uid"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CREATED = NOW - timedelta(days=1)
HOLD, CRUISE, STEP_DEADLINE, RAMP_DEADLINE = 600, 3600, 21600, 172800


def a_release(version: str) -> Release:
    return Release.model_validate(
        {
            "model": {"name": "chat-7b", "version": "2026-11-02"},
            "prompt": {"name": "support", "version": version},
        }
    )


A, B, C = a_release("v1"), a_release("v2"), a_release("v3")
DIGEST_A, DIGEST_B, DIGEST_C = map(release_digest, (A, B, C))


def a_signal(name: str, layer: str = "OutputQuality", share: str = "0.02") -> Json:
    ratio = {"bad": f'{name}_total{{$match,result="bad"}}', "total": f"{name}_total{{$match}}"}
    return {"name": name, "layer": layer, "ratio": ratio, "max": share}


def a_spec(release: Release = A, **parts: Any) -> AIFeatureSpec:
    """A plan of three steps; every part can be given as it stands on the wire."""
    steps = [{"weightPercent": w, "holdSeconds": HOLD, "minSamples": 100} for w in (10, 50, 100)]
    ramp: Json = {"steps": steps, "reenable": steps, "cruiseSeconds": CRUISE}
    whole: Json = {
        "release": release.wire(),
        "delivery": [{"name": "app", "role": "Split", "flag": {}}],
        "acceptance": {
            "scope": "support questions",
            "signals": [a_signal("errors"), a_signal("toxic", "Safety")],
        },
        **parts,
        "ramp": ramp | parts.get("ramp", {}),
    }
    return AIFeatureSpec.model_validate(whole)


def a_feature(
    spec: AIFeatureSpec,
    status: AIFeatureStatus | None = None,
    *,
    name: str = NAME,
    generation: int = 1,
    labels: Mapping[str, str] | None = None,
    author: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> AIFeature:
    return AIFeature(
        metadata=ObjectMeta(
            name=name,
            namespace=NAMESPACE,
            uid=UID,
            generation=generation,
            creation_timestamp=CREATED,
            labels=dict(labels or {}),
            annotations=({names.AUTHOR: author} if author is not None else {})
            | dict(annotations or {}),
        ),
        spec=spec,
        status=status or AIFeatureStatus(),
    )


def a_switch(
    name: str = "stop",
    *,
    feature: str | None = NAME,
    labels: Mapping[str, str] | None = None,
    namespace: str = NAMESPACE,
) -> AIKillSwitch:
    reference = FeatureReference(name=feature) if feature is not None else None
    selector = LabelSelector(match_labels=dict(labels)) if labels is not None else None
    return AIKillSwitch(
        metadata=ObjectMeta(name=name, namespace=namespace, uid=f"{name}-uid", generation=1),
        spec=AIKillSwitchSpec(feature_ref=reference, selector=selector, reason="it swears"),
    )


def a_drill(at: datetime, seconds: int, name: str = "drill") -> AIKillSwitch:
    """The switch of a drill, created at `at`; the API server stamps whole seconds."""
    plain = a_switch(name)
    spec = {"drill": True, "duration_seconds": seconds}
    stamp = at.replace(microsecond=0)
    return plain.but(
        metadata=plain.metadata.but(creation_timestamp=stamp), spec=plain.spec.but(**spec)
    )


def a_retry(
    digest: str, attempt: int, *, feature: str = NAME, at: datetime | None = None
) -> AISignOff:
    """A sign-off, stamped by the API server in whole seconds."""
    stamp = at.replace(microsecond=0) if at is not None else None
    return AISignOff(
        metadata=ObjectMeta(
            name=f"retry-{attempt}", namespace=NAMESPACE, generation=1, creation_timestamp=stamp
        ),
        spec=AISignOffSpec(
            feature_ref=FeatureReference(name=feature),
            decision=Decision.RETRY,
            digest=digest,
            attempt=attempt,
        ),
    )


def a_sign_off(
    decision: Decision,
    digest: str,
    attempt: int,
    *,
    by: str = "ann",
    at: datetime = NOW,
    groups: Iterable[str] = (),
    feature: str = NAME,
) -> AISignOff:
    """A decision of `by`, as the API server stamps it: who, and when in whole seconds."""
    name = f"{decision.lower()}-{by}-{int(at.timestamp())}"
    return AISignOff(
        metadata=ObjectMeta(
            name=name,
            namespace=NAMESPACE,
            generation=1,
            creation_timestamp=at.replace(microsecond=0),
        ),
        spec=AISignOffSpec(
            feature_ref=FeatureReference(name=feature),
            decision=decision,
            digest=digest,
            attempt=attempt,
            approver=by,
            approver_groups=list(groups),
        ),
    )


def a_record(release: Release, **marks: Any) -> Record:
    digest = release_digest(release)
    return replace(
        Record(name=names.record_name(NAME, digest), digest=digest, release=release), **marks
    )


def a_problem(reason: Reason = Reason.UNKNOWN_PROVIDER) -> Problem:
    return Problem(reason, "acceptance.provider 'nope' is not configured")


def a_delivery(revision: int | None, replicas: int = 2, expected: int = 2) -> Delivered:
    return Delivered(revision=revision, replicas=replicas, expected=expected, streams=7, at=NOW)


def a_window(start: datetime, seconds: int = 10, **requests: float) -> Traffic:
    return Traffic(start=start, end=start + timedelta(seconds=seconds), requests=requests)


def with_vs_stable() -> Json:
    """Parts of a spec whose second signal compares with last-known-good."""
    compared = a_signal("toxic") | {"vsStable": {"worseBy": "0.02", "rejectAt": "0.04"}}
    return {"acceptance": {"scope": "support questions", "signals": [a_signal("errors"), compared]}}


def writes(effects: Iterable[Effect]) -> list[WriteRecord]:
    return [e for e in effects if isinstance(e, WriteRecord)]
