"""Features in the middle of something, as the operator would have left them."""

from typing import Any

from goaround.api.base import Json
from goaround.api.kinds import FEATURES
from tests.unit.cli.people_kit import Desk

RELEASE, PLAN, OLD = (f"sha256:{digit * 64}" for digit in "abc")
AT = "2026-11-21T09:00:00Z"
LATER = "2026-11-21T15:00:00Z"


def known(digest: str, prompt: str) -> Json:
    release = {
        "model": {"name": "chat-7b", "version": "1"},
        "prompt": {"name": "p", "version": prompt},
    }
    return {"digest": digest, "release": release, "since": AT}


def ramping(**more: Any) -> Json:
    """10 % of users are on the candidate, and people are asked."""
    return {
        "observedGeneration": 1,
        "stage": "Holding",
        "summary": "v42 at 10 %, waits for people",
        "live": "v41",
        "split": {"stable": 90, "candidate": 10, "fallback": 0},
        "revision": 7,
        "releaseDigest": RELEASE,
        "lastKnownGood": known(OLD, "v41"),
        "candidate": known(RELEASE, "v42")
        | {"planDigest": PLAN, "attempt": 2, "deadlineAt": LATER},
        "step": {"index": 0, "since": AT, "deadlineAt": LATER},
        "hold": "AwaitingSignOff: 1 of 2 approvals",
        "signOff": {
            "planDigest": PLAN,
            "attempt": 2,
            "needed": 2,
            "approvals": [{"approver": "ann", "at": AT, "name": "chat-1"}],
        },
        "signals": [{"name": "errors", "verdict": "Good", "message": "1.0% <= 2%"}],
        "conditions": [
            {
                "type": kind,
                "status": "Unknown",
                "reason": "AwaitingSignOff",
                "message": "people decide",
                "lastTransitionTime": AT,
                "observedGeneration": 1,
            }
            for kind in ("Ready", "EvidenceAssumptions")
        ],
    } | more


def came_down(**more: Any) -> Json:
    """The candidate was sent back."""
    latch = {
        "cause": "Signal",
        "at": AT,
        "digest": RELEASE,
        "attempt": 2,
        "message": "errors 9% > 2%",
        "weight": 10,
        "stage": "Ramping",
        "revision": 8,
        "containedAt": AT,
    }
    down = ramping(stage="RolledBack", latches=[latch])
    down |= {"split": {"stable": 100, "candidate": 0, "fallback": 0}}
    return {k: v for k, v in down.items() if k not in ("hold", "signOff", "step")} | more


def desk_with(status: Json, **spec: Any) -> Desk:
    """A desk with feature `chat` of that status."""
    desk = Desk().feature(**spec)
    version = desk.store.get(FEATURES, "shop", "chat")["metadata"]["resourceVersion"]
    patch: Json = {"metadata": {"resourceVersion": version}, "status": status}
    desk.store.patch(FEATURES, "shop", "chat", patch=patch, status=True, author="operator")
    return desk
