"""Objects of our four kinds as people would send them, and the largest ones that are legal."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import httpx

from goaround.api import API_VERSION
from goaround.api.base import Json
from goaround.api.kinds import OURS
from goaround.world.kube import path
from hack.controlplane import ControlPlane
from tests.cluster.operator_kit import with_crds

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "crds"
NAMESPACE = "api-objects"

# The feature of the design page, with a second ratio where the page has a latency.
MINIMAL: Json = {
    "release": {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": "v42"},
        "index": {"name": "faq", "version": "2026-11-20"},
    },
    "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Session"}}],
    "fallback": {"type": "LegacyLogic"},
    "acceptance": {
        "scope": "English and German support questions",
        "signals": [
            {
                "name": "schema-errors",
                "ratio": {
                    "bad": 'ai_requests_total{$match,result="schema_error"}',
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
                "min": "0.90",
            },
        ],
    },
}
INCIDENT: Json = {
    "affects": [{"name": "chat"}],
    "trigger": {"source": "Manual", "key": "users call"},
    "severity": "P3",
    "severityReason": "few users",
}
SWITCH: Json = {"featureRef": {"name": "chat"}, "reason": "it swears"}
SIGN_OFF: Json = {
    "featureRef": {"name": "chat"},
    "decision": "Retry",
    "digest": "sha256:" + "ab" * 32,
    "attempt": 1,
}
EXAMPLES = {
    "AIFeature": MINIMAL,
    "AIIncident": INCIDENT,
    "AIKillSwitch": SWITCH,
    "AISignOff": SIGN_OFF,
}


def install(plane: ControlPlane) -> None:
    """Our CRDs, and a namespace without any of our objects; may be called again."""
    with_crds(plane)
    plane.kubectl("create", "namespace", NAMESPACE, check=False)
    plane.kubectl("delete", "aif,aii,aiks,aiso", "--all", f"--namespace={NAMESPACE}")


def an_object(kind: str, name: str, change: Callable[[Json], object] = lambda spec: spec) -> Json:
    """An object of `kind` whose spec was changed in place by `change`."""
    spec = copy.deepcopy(EXAMPLES[kind])
    change(spec)
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def create(plane: ControlPlane, body: Json, *options: str) -> str:
    """What the API server says to a create: "" when it takes the object."""
    told = plane.kubectl("create", "--filename=-", *options, stdin=json.dumps(body), check=False)
    return told.stderr if told.returncode else ""


def tried(api: httpx.Client, body: Json) -> str:
    """What the API server says to a create that stores nothing: "" when it would take the object.

    Quicker than kubectl, for tests with many objects.
    """
    (kind,) = (k for k in OURS if k.kind == body["kind"])
    where = path(kind, body["metadata"]["namespace"])
    strictly = {"dryRun": "All", "fieldValidation": "Strict"}
    answer = api.post(where, params=strictly, json=body)
    return "" if answer.is_success else str(answer.json()["message"])


def patch(plane: ControlPlane, what: str, change: Json, *options: str) -> str:
    """What the API server says to a merge patch: "" when it takes it."""
    # By standard input: the largest status is longer than a command line may be.
    arguments = ["patch", what, "--type=merge", "--patch-file=/dev/stdin", *options]
    told = plane.kubectl(
        *arguments, f"--namespace={NAMESPACE}", stdin=json.dumps(change), check=False
    )
    return told.stderr if told.returncode else ""


def stored(plane: ControlPlane, what: str) -> Json:
    told = plane.kubectl("get", what, f"--namespace={NAMESPACE}", "--output=json")
    found: Json = json.loads(told.stdout)
    return found
