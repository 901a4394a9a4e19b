"""What the actions of Argo CD must offer in a state, and do: said here without any Lua."""

from collections.abc import Mapping
from typing import Final

from goaround.api.base import Json
from goaround.api.kinds import KILL_SWITCHES, SIGN_OFFS, Kind

ALWAYS: Final = {"kill", "hold"}
FLIES: Final = ALWAYS | {"abort", "promote"}
ENDED: Final = ALWAYS | {"retry"}

OFFERED: Final[Mapping[str, set[str]]] = {
    "new": ALWAYS,
    "stale-generation": ALWAYS,
    "preflight": FLIES,
    "ramping": FLIES,
    "holding-no-data": FLIES,
    "cruising": ALWAYS | {"abort"},
    "drill": ALWAYS,
    "awaiting-sign-off": FLIES,
    "suspended": FLIES,
    "held": (FLIES - {"hold"}) | {"resume"},
    "change-freeze": ALWAYS,  # what it waits with is another release than the one that ended
    "live": ALWAYS,
    "live-and-held": {"kill", "resume"},
    "rolled-back": ENDED,
    "rejected": ENDED,
    "invalid": FLIES,
    "inconclusive": ENDED,
    "killed": {"hold"},
    "deleting": set(),
}
SAID: Final = "asked for in Argo CD; its events say by whom"
EXTRANEOUS: Final = {
    "argocd.argoproj.io/sync-options": "Prune=false",
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
}
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "kill": ("ramping", "live"),
    "hold": ("ramping", "no-status"),
    "resume": ("held", "held-alone"),
    "abort": ("ramping",),
    "retry": ("rolled-back", "inconclusive"),
    "promote": ("holding-no-data", "awaiting-sign-off"),
}
"""The states that Argo CD's own test files try each action in."""


def done(action: str, source: Json) -> tuple[str, Json]:
    """What must come of an action: operation and object."""
    status = source.get("status", {})
    match action:
        case "kill":
            about = {"reason": "killed in Argo CD; its events say by whom"}
            return "create", _created(KILL_SWITCHES, "argocd-kill", source, about)
        case "hold":
            return "patch", _noted(source, hold="held in Argo CD; its events say by whom")
        case "resume":
            return "patch", _noted(source, hold=None)
        case "abort":
            flown = status["candidate"]
            return "patch", _noted(source, abort=f"{flown['digest']}/{flown['attempt']}")
        case "retry":
            latch = status["latches"][0]
            return "create", _signed("Retry", latch["digest"], latch["attempt"], source)
        case _:
            flown = status["candidate"]
            about_it = ("Promote", flown["planDigest"], flown["attempt"])
            return "create", _signed(*about_it, source)


def _noted(source: Json, **annotations: str | None) -> Json:
    """The same object with annotations of ours; none at all where none is left."""
    found = dict(source["metadata"].get("annotations", {}))
    for name, value in annotations.items():
        found.pop(f"goaround.dev/{name}", None)
        if value is not None:
            found[f"goaround.dev/{name}"] = value
    metadata = {k: v for k, v in source["metadata"].items() if k != "annotations"}
    return source | {"metadata": metadata | ({"annotations": found} if found else {})}


def _signed(decision: str, digest: str, attempt: int, source: Json) -> Json:
    prefix = f"argocd-{decision.lower()}"
    spec: Json = {"decision": decision, "digest": digest, "attempt": attempt, "comment": SAID}
    found = _created(SIGN_OFFS, prefix, source, spec)
    found["metadata"]["name"] += f"-{source['status']['revision']}"
    return found


def _created(kind: Kind, prefix: str, source: Json, spec: Json) -> Json:
    name = source["metadata"]["name"]
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": f"{prefix}-{name}",
            "namespace": source["metadata"]["namespace"],
            "annotations": dict(EXTRANEOUS),
        },
        "spec": {"featureRef": {"name": name}, **spec},
    }
