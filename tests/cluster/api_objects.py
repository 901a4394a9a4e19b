"""Objects of our four kinds as people would send them, and the largest ones that are legal."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from goaround.api import API_VERSION
from goaround.api.base import Json
from hack.controlplane import ControlPlane, apply_crds

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
    apply_crds(plane, sorted(CRDS.glob("goaround.dev_*.yaml")))
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


def largest(schema: Json, index: int = 0) -> Any:
    """The largest value that the schema allows; CEL rules are the caller's business."""
    match schema["type"]:
        case "string":
            return _longest(schema, index)
        case "integer":
            return schema.get("maximum", 10**15)
        case "array":
            return [largest(schema["items"], i) for i in range(schema["maxItems"])]
        case "object" if "additionalProperties" in schema:
            (limit,) = re.findall(r"key\.size\(\) <= (\d+)", json.dumps(schema))
            keys = [f"{i:02}".ljust(int(limit), "k") for i in range(schema["maxProperties"])]
            return {key: largest(schema["additionalProperties"]) for key in keys}
        case "object":
            return {k: largest(v, index) for k, v in schema["properties"].items()}
        case _:
            return False


def _longest(schema: Json, index: int) -> str:
    words: list[str] = schema.get("enum", [])
    if words:
        return max(words, key=len)
    if schema.get("format") == "date-time":
        return "2026-11-21T09:48:08.123Z"
    length: int = schema["maxLength"]
    # Two digits make the names of a list differ.
    name = f"{index:02}".rjust(length, "a")
    decimals = ("0.".ljust(length - 1, "0") + "1", "999.".ljust(length, "9"))
    signed = (f"-{'9' * (length - 11)}.{'9' * 9}", f"{'9' * (length - 7)}.{'9' * 6}")
    texts = (name, name.capitalize(), *(b.ljust(length, "a") for b in ("sha256:", "https://")))
    candidates = (*texts, *decimals, *signed)
    return next(c for c in candidates if re.search(schema.get("pattern", ""), c))
