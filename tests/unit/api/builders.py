"""A small but complete feature with a status, and a walk over schemas."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from goaround.api.base import Json
from goaround.api.conditions import Condition
from goaround.api.crd import crd
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.kinds import SERVED, Served
from goaround.api.reasons import Stage
from goaround.api.status import (
    AIFeatureStatus,
    Candidate,
    EvidenceState,
    KillSource,
    KillState,
    KnownRelease,
    Latch,
    LatchCause,
    Split,
    Step,
)

NOW = datetime(2026, 11, 21, 9, 48, 8, 123000, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
CONTENT: Json = {
    "model": {"name": "chat-7b", "version": "2026-11-02"},
    "prompt": {"name": "support", "version": "v42"},
    "parameters": {"temperature": "0.2", "tools": "search"},
}
SPEC: Json = {
    "release": CONTENT,
    "delivery": [{"name": "app", "role": "Split", "flag": {}}],
    "acceptance": {
        "scope": "English support questions",
        "signals": [
            {
                "name": "errors",
                "ratio": {
                    "bad": 'ai_requests_total{$match,result="error"}',
                    "total": "ai_requests_total{$match}",
                },
                "max": "0.02",
            },
            {
                "name": "answered",
                "ratio": {
                    "bad": 'ai_requests_total{$match,result="answer"}',
                    "total": "ai_requests_total{$match}",
                },
                "min": "0.9",
            },
        ],
    },
}


def a_release(**parts: Json | None) -> Release:
    return Release.model_validate({**CONTENT, **parts})


def a_spec(**parts: Json) -> AIFeatureSpec:
    return AIFeatureSpec.model_validate({**SPEC, **parts})


def a_status() -> AIFeatureStatus:
    """A status in which most fields say something."""
    known = KnownRelease(digest=DIGEST, release=a_release(), since=NOW)
    return AIFeatureStatus(
        observed_generation=3,
        stage=Stage.KILLED,
        split=Split(fallback=100),
        revision=1_795_000_000,
        last_known_good=known,
        candidate=Candidate(
            **dict(known), plan_digest=DIGEST, attempt=2, deadline_at=NOW + timedelta(days=2)
        ),
        step=Step(index=1, since=NOW, deadline_at=NOW + timedelta(hours=6)),
        evidence=[EvidenceState(name="errors", state="b64:AAAA")],
        latches=[
            Latch(
                cause=LatchCause.KILL,
                at=NOW,
                attempt=2,
                message="killed by Spec chat: drill",
                weight=50,
                stage=Stage.RAMPING,
                revision=1_795_000_000,
                back_to=known,
            )
        ],
        kill=KillState(since=NOW, sources=[KillSource(kind="Spec", name="chat")]),
        conditions=[
            Condition(
                type="Killed",
                status="True",
                observed_generation=3,
                last_transition_time=NOW,
                reason="SpecKillSwitch",
                message="",
            )
        ],
    )


_VERSIONS: Final[dict[tuple[str, type], Json]] = {}


def version(served: Served) -> Json:
    """The one version of the generated CRD, to be read only: it is made once per process."""
    key = served.kind.kind, served.spec
    if key not in _VERSIONS:
        (_VERSIONS[key],) = crd(served)["spec"]["versions"]
    return _VERSIONS[key]


def schema(served: Served) -> Json:
    found: Json = version(served)["schema"]["openAPIV3Schema"]
    return found


def fields(below: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    """Every field at every depth, by its path; items of lists and values of maps included."""
    for name, field in below.get("properties", {}).items():
        yield f"{at}.{name}", field
        yield from fields(field, f"{at}.{name}")
    for inner, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if inner in below:
            yield f"{at}{mark}", below[inner]
            yield from fields(below[inner], f"{at}{mark}")


def all_fields() -> list[tuple[str, Json]]:
    """Every field of all four kinds."""
    return [
        (f"{served.kind.kind}{path}", field)
        for served in SERVED
        for path, field in fields(schema(served))
    ]
