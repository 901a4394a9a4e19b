"""The largest objects that our schemas allow, for tests of bounds and of sizes.

Only what a schema says is known here; rules between fields are obeyed in `largest_spec`.
"""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from goaround.api.base import Json
from goaround.api.clocks import ClockName
from goaround.api.crd import crd
from goaround.api.kinds import SERVED
from goaround.api.preflight import Neighbour
from goaround.api.risk import FailureClass


def schema(kind: str, part: str) -> Json:
    """The schema of `spec` or `status` of one of our kinds, as the API server gets it."""
    (served,) = (s for s in SERVED if s.kind.kind == kind)
    (version,) = crd(served)["spec"]["versions"]
    found: Json = version["schema"]["openAPIV3Schema"]["properties"][part]
    return found


def largest_spec(kind: str) -> Json:
    """The largest spec that also obeys the rules between fields."""
    spec: Json = largest(schema(kind, "spec"))
    if kind == "AIFeature":
        _obey(spec)
    if kind == "AIIncident":
        _obey_of_incidents(spec)
    if kind == "AIKillSwitch":
        del spec["featureRef"]
        spec["drill"] = True
    return spec


def largest_status(kind: str) -> Json:
    """The largest status that also obeys the rules between fields."""
    status: Json = largest(schema(kind, "status"))
    if kind == "AIFeature":
        for release in _releases(status):
            release["parameters"] = {}
            del release["prompt"]["name"], release["prompt"]["version"]
        status["split"] = status["drill"]["split"] = {"stable": 100, "candidate": 0, "fallback": 0}
    return status


def _releases(part: Any) -> Iterator[Json]:
    """Every release in a status."""
    match part:
        case {"prompt": {"configMapRef": _}}:
            yield part
        case dict():
            yield from (r for inner in part.values() for r in _releases(inner))
        case list():
            yield from (r for inner in part for r in _releases(inner))


def _obey(spec: Json) -> None:
    """Take out of a feature what may not stand beside something larger."""
    spec["delivery"] = spec["delivery"][:1]
    spec["rollbackTo"] = "a" * 64
    # 32 names of 30 characters with two each make the 1024 that all may have together
    spec["release"]["parameters"] = {f"{n:02}".ljust(30, "k"): "vv" for n in range(32)}
    del spec["release"]["contract"], spec["release"]["prompt"]["name"]
    del spec["release"]["prompt"]["version"]
    for steps in (spec["ramp"]["steps"], spec["ramp"]["reenable"]):
        for number, step in enumerate(steps, start=1):
            step["weightPercent"] = 100 if number == len(steps) else 10 * number
    _end_in_no_model(spec["fallback"])
    for number, signal in enumerate(spec["acceptance"]["signals"]):
        for other in ("latency", "mean", "count", "query", "preset", "min"):
            del signal[other]
        if number > 0:
            del signal["slices"]
        signal["max"] = "0.000000001"
        signal["vsStable"] |= {"worseBy": "0.000000001", "rejectAt": "0.000000002"}
        signal["vsStable"]["worseByFactor"] = "100.000000"
    for asked in (spec["preflight"], *spec["preflight"]["contracts"]):
        del asked["endpoint"]["service"]
    for mode, failure in zip(spec["failureModes"], FailureClass, strict=True):
        mode["class"] = str(failure)  # one of each
    for seconds, step in enumerate(spec["incident"]["escalation"]):
        step["afterSeconds"] -= seconds
    each = product(ClockName, ("P1", "P2", "P3", "P4"))
    for clock, (name, severity) in zip(spec["incident"]["clocks"], each, strict=False):
        clock |= {"name": str(name), "severity": severity}
    for waiver, neighbour in zip(spec["preflight"]["waivers"], Neighbour, strict=True):
        waiver["neighbour"] = str(neighbour)
    for watched in spec["drift"]["inputs"]:
        del watched["histogram"], watched["similarity"], watched["centroid"]


def _obey_of_incidents(spec: Json) -> None:
    """Take out of an incident what may not stand beside something larger."""
    del spec["drill"], spec["containment"]["percent"], spec["containment"]["filter"]
    spec["rootCause"]["detail"] = "Other"
    for approval in spec["commsApprovals"]:
        approval["hash"] = "a" * 64


def _end_in_no_model(fallback: Json) -> None:
    """A chain of small models, and a sentence at its end."""
    del fallback["type"], fallback["text"], fallback["breaker"]["above"]
    del fallback["indexCheck"]["endpoint"]["service"]
    for member in fallback["chain"]:
        member["type"] = "SmallModel"
        del member["text"]
    sentence = largest(schema("AIFeature", "spec"))["fallback"]["text"]
    fallback["chain"][-1] |= {"type": "Disabled", "text": sentence}
    del fallback["chain"][-1]["model"]


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
    numbered = f"{'a' * (length - 3)}-{index + 10}"
    candidates = (*texts, *decimals, *signed, numbered)
    return next(c for c in candidates if re.search(schema.get("pattern", ""), c))
