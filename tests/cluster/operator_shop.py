"""What people and pipelines do with features in a namespace of one test, and what they see.

Reads and writes as administrator, with kubectl where kubectl is the point and with a plain client
where a test waits.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx

from goaround.api.base import Json
from goaround.api.digest import release_digest
from goaround.api.feature import Release
from goaround.api.kinds import FEATURES, INCIDENTS, KILL_SWITCHES, RECORDS, AIFeature, Kind
from goaround.api.names import EVIDENCE_LABEL, FEATURE_LABEL
from goaround.api.reasons import Stage
from goaround.world.kube import path
from hack.controlplane import ControlPlane
from tests.cluster.operator_traffic import App, Traffic

PATIENCE: Final = 40.0
GOOD: Final = "v41"
STEPS: Final = [
    {"weightPercent": 10, "holdSeconds": 2, "minSamples": 50},
    {"weightPercent": 50, "holdSeconds": 2, "minSamples": 50},
    {"weightPercent": 100},
]
MERGE_PATCH: Final = {"Content-Type": "application/merge-patch+json"}


def eventually(holds: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Return as soon as it holds; fail with `what` when it never does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Shop:
    """One namespace, and what people and pipelines do in it."""

    plane: ControlPlane
    api: httpx.Client
    traffic: Traffic
    namespace: str

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl printed, on both of its outputs."""
        done = self.plane.kubectl(f"--namespace={self.namespace}", *args, stdin=stdin, check=check)
        return done.stdout + done.stderr

    def apply(self, *bodies: Json) -> None:
        """What a GitOps pipeline does; users of each feature begin to ask, if they do not yet."""
        for body in bodies:
            self.traffic.serve(self.namespace, body["metadata"]["name"])
        listed = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(listed))

    def serve(self, name: str, rate: float = 1000.0, **wrong: float) -> None:
        """Users ask, and get bad answers: `candidate_error=0.3` is the share of one arm."""
        parts = {(arm, result): share for key, share in wrong.items()
                 for arm, _, result in [key.partition("_")]}  # fmt: skip
        self.traffic.serve(self.namespace, name, App(rate, parts))

    def get(self, kind: Kind, name: str) -> Json | None:
        answer = self.api.get(path(kind, self.namespace, name))
        return None if answer.status_code == 404 else _body(answer)

    def all(self, kind: Kind) -> list[Json]:
        found: list[Json] = _body(self.api.get(path(kind, self.namespace)))["items"]
        return found

    def patch(self, name: str, patch: Json, *, status: bool = False) -> httpx.Response:
        """A merge patch of a feature by somebody else than the operator."""
        where = path(FEATURES, self.namespace, name) + ("/status" if status else "")
        return self.api.patch(where, json=patch, headers=MERGE_PATCH)

    def ask_for(self, name: str, version: str) -> None:
        """Spec asks for a release, as after a merge in Git; nothing else changes."""
        _body(self.patch(name, {"spec": {"release": release(version)}}))

    def create(self, kind: Kind, name: str, spec: Json) -> Json:
        body: Json = {"apiVersion": kind.api_version, "kind": kind.kind}
        body |= {"metadata": {"name": name}, "spec": spec}
        return _body(self.api.post(path(kind, self.namespace), json=body))

    def delete(self, kind: Kind, name: str) -> httpx.Response:
        return self.api.delete(path(kind, self.namespace, name))

    def resolve(self) -> None:
        """People say of every incident that it is over: the freeze ends."""
        for incident in self.all(INCIDENTS):
            where = path(INCIDENTS, self.namespace, incident["metadata"]["name"])
            said: Json = {"spec": {"requestedPhase": "Resolved"}}
            _body(self.api.patch(where, json=said, headers=MERGE_PATCH))

    def feature(self, name: str) -> AIFeature:
        body = self.get(FEATURES, name)
        assert body is not None, f"there is no feature {name}"
        return AIFeature.model_validate(body)

    def until(
        self, name: str, holds: Callable[[AIFeature], object], what: str, seconds: float = PATIENCE
    ) -> AIFeature:
        """The feature as soon as it holds; fails with its summary when it never does."""
        until = time.monotonic() + seconds
        while not holds(seen := self.feature(name)):
            told = [f"{t.reason}: {t.message}" for t in seen.status.history]
            story = "\n".join([str(seen.status.summary), *told])
            assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}; {story}"
            time.sleep(0.1)  # parsing what is read costs as much as the wait
        return seen

    def until_stage(self, name: str, stage: Stage, seconds: float = PATIENCE) -> AIFeature:
        return self.until(name, lambda f: f.status.stage is stage, stage, seconds)

    def until_live(self, name: str, version: str = GOOD) -> AIFeature:
        """The release of `version` is last-known-good and serves everybody."""
        return self.until(name, lambda f: is_live(f, version), f"{version} Live")

    def events(self, name: str) -> list[Json]:
        """The events about one of our objects, oldest first."""
        where = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        found: list[Json] = _body(self.api.get(where))["items"]
        about = [e for e in found if e["regarding"]["name"] == name]
        return sorted(about, key=lambda e: str(e["eventTime"]))

    def told(self, name: str, *, last: str) -> list[str]:
        """Reasons of its events, oldest first, once the last is there: events follow the status."""
        eventually(lambda: reasons(self.events(name))[-1:] == [last], f"event {last}")
        return reasons(self.events(name))

    def records(self) -> Mapping[str, Json]:
        """Annotations of the release records, by digest."""
        return {
            r["data"]["digest"]: r["metadata"].get("annotations", {})
            for r in self.all(RECORDS)
            if EVIDENCE_LABEL not in r["metadata"]["labels"]
        }

    def segments(self, name: str) -> list[Json]:
        """Segments of the evidence binder of one feature, oldest first."""
        found = [r for r in self.all(RECORDS) if EVIDENCE_LABEL in r["metadata"]["labels"]]
        mine = [r for r in found if r["metadata"]["labels"][FEATURE_LABEL] == name]
        return sorted(mine, key=lambda r: int(r["data"]["number"]))

    def empty(self) -> None:
        """Delete all of ours, switches first: they stay until the operator latched them."""
        for kind in (KILL_SWITCHES, FEATURES, INCIDENTS):
            eventually(partial(self._swept, kind), f"{kind.plural} of {self.namespace} deleted")

    def _swept(self, kind: Kind) -> bool:
        swept = self.api.delete(path(kind, self.namespace))
        return swept.is_success and not self.all(kind)


def _body(answer: httpx.Response) -> Json:
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


def is_live(feature: AIFeature, version: str) -> bool:
    good = feature.status.last_known_good
    landed = good is not None and good.digest == digest(version)
    return landed and feature.status.stage is Stage.LIVE


def release(version: str) -> Json:
    return {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
    }


def digest(version: str) -> str:
    return release_digest(Release.model_validate(release(version)))


def a_feature(name: str, version: str = GOOD, **spec: object) -> Json:
    """A feature that flies fast: 10, 50, 100 in steps of two seconds."""
    return {
        "apiVersion": FEATURES.api_version,
        "kind": FEATURES.kind,
        "metadata": {"name": name},
        "spec": {
            "release": release(version),
            "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
            "fallback": {"type": "LegacyLogic"},
            "acceptance": acceptance(),
            "ramp": {
                "intervalSeconds": 1,
                "steps": deepcopy(STEPS),
                "reenable": deepcopy(STEPS),
                "cruiseSeconds": 2,
            },
        }
        | spec,
    }


def acceptance(*, provider: str = "default", bad: str | None = None) -> Json:
    """Two ratios; `bad` replaces the selector of the first one's bad events."""
    return {
        "provider": provider,
        "scope": "English support questions",
        "signals": [
            _signal("errors", bad or 'ai_requests_total{$match,result="error"}'),
            _signal("refusals", 'ai_requests_total{$match,result="refused"}'),
        ],
    }


def _signal(name: str, bad: str) -> Json:
    return {
        "name": name,
        "ratio": {"bad": bad, "total": "ai_requests_total{$match}"},
        "max": "0.10",
    }


def condition(feature: AIFeature, kind: str) -> tuple[str, str, str]:
    """(status, reason, message) of a condition; empty strings where there is none."""
    for c in feature.status.conditions:
        if c.type == kind:
            return c.status, c.reason, c.message
    return "", "", ""


def reasons(events: Sequence[Json]) -> list[str]:
    return [e["reason"] for e in events]
