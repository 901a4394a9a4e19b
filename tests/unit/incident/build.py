"""Latches, and the incidents that they open."""

from datetime import UTC, datetime, timedelta
from typing import Any

from goaround.api.base import ObjectMeta
from goaround.api.digest import release_digest
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.kinds import AIFeature, AIIncident
from goaround.api.status import AIFeatureStatus, KnownRelease, Latch, LatchCause, SignalStatus
from goaround.incident.decide import decide
from goaround.incident.opening import opening
from goaround.incident.planned import Plan
from goaround.incident.seen import Seen

AT = datetime(2026, 11, 21, 9, 48, 8, 123000, tzinfo=UTC)
NAME = "chat-20261121-0a1b2c"


def a_release(version: str, **parts: Any) -> Release:
    whole = {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
    }
    return Release.model_validate(whole | parts)


FAILED, SERVING = a_release("v43"), a_release("v42")


def known(release: Release) -> KnownRelease:
    return KnownRelease(
        digest=release_digest(release), release=release, since=AT - timedelta(days=1)
    )


def a_latch(**changes: Any) -> Latch:
    """Proof of harm at the first step, with all that was known when it was decided."""
    found: dict[str, Any] = {
        "cause": LatchCause.SIGNAL,
        "at": AT,
        "digest": release_digest(FAILED),
        "release": FAILED,
        "attempt": 1,
        "back_to": known(SERVING),
        "signal": "errors",
        "layer": "OutputQuality",
        "message": "errors ratio 4.1% vs 2.0% (n=1,210): e-value 312 >= 100 -> breach",
        "weight": 10,
        "stage": "Ramping",
        "proven_at": AT - timedelta(seconds=1),
        "started_at": AT - timedelta(seconds=41),
        "exposed_requests": 1210,
        "signals": [SignalStatus(name="errors", verdict="Bad", message="4.1% bad (n=1,210)")],
        "revision": 1_795_254_488,
        "incident": NAME,
    }
    return Latch(**found | changes)


def a_kill(**changes: Any) -> Latch:
    """A kill while last-known-good served everybody."""
    found = {
        "cause": LatchCause.KILL,
        "release": SERVING,
        "digest": release_digest(SERVING),
        "attempt": 0,
        "back_to": None,
        "signal": None,
        "layer": None,
        "message": "killed by AIKillSwitch stop: it swears",
        "weight": 100,
        "stage": "Live",
        "proven_at": None,
        "started_at": None,
        "exposed_requests": None,
        "signals": [],
    }
    return a_latch(**found | changes)


def a_spec(exposure_limit: int | None = None) -> AIFeatureSpec:
    counters = {"bad": 'errors_total{$match,result="bad"}', "total": "errors_total{$match}"}
    return AIFeatureSpec.model_validate(
        {
            "release": FAILED.wire(),
            "delivery": [{"name": "app", "role": "Split", "flag": {}}],
            "acceptance": {
                "scope": "support questions in English",
                "signals": [
                    {"name": name, "ratio": counters, "max": "0.02"} for name in ("errors", "toxic")
                ],
            },
            "incident": {"exposureLimit": exposure_limit} if exposure_limit else {},
        }
    )


def a_feature(*latches: Latch, exposure_limit: int | None = None) -> AIFeature:
    return AIFeature(
        metadata=ObjectMeta(name="chat", namespace="shop", uid="feature-uid", generation=4),
        spec=a_spec(exposure_limit),
        status=AIFeatureStatus(latches=list(latches)),
    )


def decided(incident: AIIncident, *features: AIFeature, at: datetime = AT) -> Plan:
    """The plan of a pass that sees these features."""
    return decide(Seen(incident, features), at)


def an_incident(latch: Latch | None = None, **changes: Any) -> AIIncident:
    """The incident that this latch opened, as nobody has looked at it yet."""
    latch = latch or a_latch()
    return AIIncident(
        metadata=ObjectMeta(name=NAME, namespace="shop", uid="incident-uid", generation=2),
        spec=opening(a_feature(latch), latch),
    ).but(**changes)
