"""Features, flights and windows for tests of the command line; counts are exact shares."""

from datetime import UTC, datetime, timedelta
from typing import Any

from goaround.api.base import Json, ObjectMeta
from goaround.api.digest import plan_digest, release_digest
from goaround.api.feature import AIFeatureSpec
from goaround.api.kinds import AIFeature
from goaround.api.reasons import EventReason, Stage
from goaround.api.status import AIFeatureStatus, Candidate, KnownRelease, Split, Step, Transition
from goaround.cli.replay import Replay, flight_of, replay
from goaround.evidence.judge import Counts, Window

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
START = int(BEGAN.timestamp())
INTERVAL = 10
SECOND_STEP = BEGAN + timedelta(minutes=10)


def a_signal(name: str, **bounds: Any) -> Json:
    ratio = {"bad": f'{name}_total{{$match,result="bad"}}', "total": f"{name}_total{{$match}}"}
    return {"name": name, "ratio": ratio, **bounds}


def a_manifest(*signals: Json, name: str = "chat", **spec: Any) -> Json:
    """As a user writes it."""
    return {
        "apiVersion": "goaround.dev/v1alpha1",
        "kind": "AIFeature",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "release": {"model": {"name": "chat-7b", "version": "2"}},
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
            "acceptance": {
                "scope": "support questions",
                "signals": list(signals)
                or [a_signal("errors", max="0.02"), a_signal("refusals", max="0.10")],
            },
        }
        | spec,
    }


def a_flight(*signals: Json, name: str = "chat") -> AIFeature:
    """A candidate that climbed to 50 % after ten minutes, beside a last-known-good."""
    body = a_manifest(*signals, name=name)
    spec = AIFeatureSpec.model_validate(body["spec"])
    told = "Release 2 at {0} % (step {1} of 3), at least 600 s and 100 samples."
    status = AIFeatureStatus(
        stage=Stage.RAMPING,
        split=Split(candidate=50, stable=50),
        last_known_good=KnownRelease(
            digest="sha256:" + "0" * 64, release=spec.release, since=BEGAN
        ),
        candidate=Candidate(
            digest=release_digest(spec.release),
            release=spec.release,
            since=BEGAN,
            plan_digest=plan_digest(spec),
            attempt=1,
            deadline_at=BEGAN + timedelta(days=1),
        ),
        step=Step(index=1, since=SECOND_STEP, deadline_at=BEGAN + timedelta(days=1)),
        history=[
            Transition(
                at=at, reason=EventReason.STEP_STARTED, type="Normal", message=told.format(w, i)
            )
            for at, w, i in ((BEGAN, 10, 1), (SECOND_STEP, 50, 2))
        ],
    )
    return AIFeature(
        metadata=ObjectMeta(name=name, namespace="shop", uid="1"), spec=spec, status=status
    )


def windows(
    share: float, *, count: int = 90, worse_from: int = 10**9, worse: float = 0.3
) -> list[Window]:
    """Ten requests of the candidate and ninety of stable per window; from window `worse_from` on
    the candidate is worse."""
    return [
        Window(
            START + INTERVAL * (i + 1),
            {
                "candidate": Counts(10.0, 10 * (worse if i >= worse_from else share)),
                "stable": Counts(90.0, 90 * share),
            },
        )
        for i in range(count)
    ]


def told(feature: AIFeature, **by_signal: list[Window]) -> Replay:
    """The replay of everything that was read, long after the flight."""
    flown = flight_of(feature, START + 36000.0)
    assert flown is not None
    return replay(feature, flown, by_signal)
