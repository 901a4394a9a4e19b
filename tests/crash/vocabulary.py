"""What people write and what they wait for: the vocabulary of the scenarios.

Steps are short, so that a whole flight takes minutes of virtual time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from goaround.api import names
from goaround.api.base import Json
from goaround.api.digest import plan_digest, release_digest
from goaround.api.feature import AIFeatureSpec, Release
from goaround.api.kinds import CONFIG_MAPS, FEATURES, INCIDENTS, KILL_SWITCHES, SIGN_OFFS
from goaround.api.reasons import Stage
from tests.crash.script import FEATURE, Annotate, Put, Say, Sight
from tests.crash.traffic import Conditions, Quality

BAD: Final = Quality(errors=0.2)
BAD_UNDER_LOAD: Final = Quality(errors=0.2, from_weight=50)
SWITCH: Final = "stop-chat"
LIVE_INTERVAL: Final = 20
"""Windows of a live release, in seconds: short, so that the end of a run is soon seen to be one."""


def _steps(*weights: int) -> list[Json]:
    return [{"weightPercent": w, "holdSeconds": 20, "minSamples": 50} for w in weights]


FROM_HALF: Final = {"steps": _steps(50, 100)}
SCHEMA: Final = {"name": "contract", "key": "answer.json"}
Seen = Callable[[Sight], bool]


# -- what people write ---------------------------------------------------------------------------


def note(text: str) -> Say:
    """`kubectl annotate aiincident … goaround.dev/note=…`."""
    return Say({"metadata": {"annotations": {names.NOTE: text}}})


def commander(who: str) -> Say:
    return Say({"spec": {"roles": {"commander": who}}})


def release(version: str) -> Json:
    return {
        "model": {"name": "chat-7b", "version": "2026-11-02"},
        "prompt": {"name": "support", "version": version},
    }


def digest(version: str) -> str:
    return release_digest(Release.model_validate(release(version)))


def feature(
    version: str,
    *,
    ramp: Mapping[str, object] | None = None,
    provider: str = "default",
    **parts: Json | str | bool,
) -> Put:
    """The feature at this release; `parts` replace parts of its spec, `ramp` fields of the plan."""
    steps = _steps(10, 50, 100)
    plan = {"intervalSeconds": 10, "steps": steps, "cruiseSeconds": 30, **(ramp or {})}
    plan = {"reenable": plan["steps"], **plan}
    signals = [_signal("errors", "error"), _signal("refusals", "refused")]
    spec: Json = {
        "release": release(version),
        "delivery": [{"name": "app", "role": "Split", "flag": {"bucketBy": "Request"}}],
        "fallback": {"type": "LegacyLogic"},
        "acceptance": {
            "scope": "English support questions",
            "provider": provider,
            "signals": signals,
        },
        "ramp": plan,
        "watch": {"intervalSeconds": LIVE_INTERVAL},
        **parts,
    }
    return Put(FEATURES, FEATURE, spec, {"team": "support"})


def _signal(name: str, result: str) -> Json:
    total = "ai_requests_total{$match}"
    bad = f'ai_requests_total{{$match,result="{result}"}}'
    return {"name": name, "ratio": {"bad": bad, "total": total}, "max": "0.02"}


def schema(text: str) -> Put:
    """The ConfigMap that holds the schema of answers."""
    return Put(CONFIG_MAPS, SCHEMA["name"], {SCHEMA["key"]: text})


def switch(**target: Json) -> Put:
    wanted = target or {"featureRef": {"name": FEATURE}}
    return Put(KILL_SWITCHES, SWITCH, {**wanted, "reason": "answers in Latin"})


def drill(seconds: int = 90) -> Put:
    return Put(
        KILL_SWITCHES,
        SWITCH,
        {"featureRef": {"name": FEATURE}, "reason": "monthly", "drill": True}
        | {"durationSeconds": seconds},
    )


def retry(version: str, attempt: int) -> Put:
    spec: Json = {
        "featureRef": {"name": FEATURE},
        "decision": "Retry",
        "digest": digest(version),
        "attempt": attempt,
    }
    return Put(SIGN_OFFS, f"retry-{version}-{attempt}", spec)


def approve(wanted: Put, attempt: int = 1) -> Put:
    """A person approves the plan of this feature; the API server has stamped who."""
    spec: Json = {
        "featureRef": {"name": FEATURE},
        "decision": "Approve",
        "digest": plan_digest(AIFeatureSpec.model_validate(wanted.spec)),
        "attempt": attempt,
        "approver": "ann",
    }
    return Put(SIGN_OFFS, f"approve-{attempt}", spec)


def abort(version: str, attempt: int = 1) -> Annotate:
    """Whoever is on call ends this attempt."""
    return Annotate(FEATURES, FEATURE, {names.ABORT: f"{digest(version)}/{attempt}"})


def asks(action: str, **parts: Any) -> Put:
    """An incident that a person opened, and what it asks for now."""
    spec: Json = {
        "affects": [{"name": FEATURE}],
        "trigger": {"source": "Manual", "key": "support heard of it"},
        "severity": "P3",
        "severityReason": "customers wrote in",
        "containment": {"action": action, **parts},
    }
    return Put(INCIDENTS, "by-hand", spec)


# -- what can be seen ----------------------------------------------------------------------------


def always(_: Sight) -> bool:
    return True


def flying(version: str, weight: int) -> Seen:
    def seen(sight: Sight) -> bool:
        status = sight.status
        return (
            status is not None
            and status.candidate is not None
            and status.candidate.digest == digest(version)
            and status.split.candidate == weight
        )

    return seen


def weighing(weight: int) -> Seen:
    """Whatever flies has that many users."""
    return lambda sight: sight.status is not None and sight.status.split.candidate == weight


def at(stage: Stage) -> Seen:
    return lambda sight: sight.status is not None and sight.status.stage is stage


def people_asked(sight: Sight) -> bool:
    status = sight.status
    return status is not None and any(c.type == "AwaitingSignOff" for c in status.conditions)


def contained(sight: Sight) -> bool:
    status = sight.status
    return bool(status and status.latches and status.latches[0].contained_at)


def latched(sight: Sight) -> bool:
    """The policy lets the switch go."""
    found = sight.seen(KILL_SWITCHES, SWITCH)
    return found is not None and "latchedAt" in found["status"]


def latched_and_contained(sight: Sight) -> bool:
    return latched(sight) and contained(sight)


def drill_over(sight: Sight) -> bool:
    found = sight.seen(KILL_SWITCHES, SWITCH)
    return found is not None and "endedAt" in found["status"]


def killed_but_unlatched(sight: Sight) -> bool:
    found = sight.seen(KILL_SWITCHES, SWITCH)
    return at(Stage.KILLED)(sight) and found is not None and not latched(sight)


def frozen(sight: Sight) -> bool:
    """A new release waits, and every incident that it waits for can be spoken of."""
    status = sight.status
    waits = status is not None and (status.hold or "").startswith("ChangeFreeze: AIIncident")
    return waits and all(
        latch.incident is not None and sight.seen(INCIDENTS, latch.incident) is not None
        for latch in (status.latches if status is not None else [])
    )


def contained_and_frozen(sight: Sight) -> bool:
    """People say that it is over only of what the page says is contained."""
    latches = sight.status.latches if sight.status is not None else []
    found = [sight.seen(INCIDENTS, latch.incident or "") for latch in latches]
    return frozen(sight) and all(
        b is not None and "containedAt" in (b.get("status") or {}).get("milestones", {})
        for b in found
    )


def asked_and_contained(version: str, weight: int) -> Seen:
    """What an incident asked is carried out, and the incident says so."""

    def seen(sight: Sight) -> bool:
        found = sight.seen(INCIDENTS, "by-hand")
        status = (found or {}).get("status") or {}
        return flying(version, weight)(sight) and "containedAt" in status.get("milestones", {})

    return seen


def noted(sight: Sight) -> bool:
    """No note waits on any incident of the feature."""
    latches = sight.status.latches if sight.status is not None else []
    found = [sight.seen(INCIDENTS, latch.incident or "") for latch in latches]
    return not any(names.NOTE in (b["metadata"].get("annotations") or {}) for b in found if b)


def stalled(sight: Sight) -> bool:
    status = sight.status
    return status is not None and any(c.type == "Stalled" for c in status.conditions)


def gone(sight: Sight) -> bool:
    return sight.status is None


def bad(version: str, quality: Quality = BAD) -> Conditions:
    return Conditions(quality={version: quality})
