"""One feature's page: stage, split, step, signals against their bounds, gates, latches, incidents.

Decides order and words, from the object as it is stored. What is next is derived from what status
says, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from goaround.api.plain import short
from goaround.api.reasons import CAME_BACK, FLYING, Stage

Json = dict[str, Any]

ARMS: Final = ("stable", "candidate", "fallback")
SAID_ELSEWHERE: Final = ("Ready", "Reconciling")
MOST_LATE: Final = 3


def lines(feature: Mapping[str, Any], incidents: Sequence[Json], now: datetime) -> Iterator[str]:
    """The whole page."""
    status, spec = feature.get("status", {}), feature.get("spec", {})
    yield head(feature)
    if summary := status.get("summary"):
        yield f"  {summary}"
    for title, told in (
        ("RELEASES", list(_releases(status, now))),
        ("STEP", list(_step(status, spec, now))),
        ("HOLD", [status["hold"]] if status.get("hold") else []),
        ("SIGNALS", list(_signals(status, spec))),
        ("GATE", [_rule(rule) for rule in status.get("gate", [])]),
        ("SIGN-OFF", list(_sign_off(status))),
        ("KEPT DOWN BY", [_source(s) for s in status.get("kill", {}).get("sources", [])]),
        ("LATCHES", [_latch(x, now) for x in status.get("latches", [])]),
        ("INCIDENTS", [_incident(i) for i in incidents]),
        ("CONDITIONS", [_condition(c) for c in status.get("conditions", []) if _is_news(c)]),
        ("LATELY", [_transition(t, now) for t in status.get("history", [])[-MOST_LATE:]]),
        ("NEXT", list(next_acts(feature))),
    ):
        if told:
            yield from ("", title, *(f"  {line}" for line in told))


def head(feature: Mapping[str, Any]) -> str:
    """`chat  Ramping  stable 90 %  candidate 10 %  fallback 0 %`"""
    status = feature.get("status", {})
    split = status.get("split", {})
    arms = "  ".join(f"{arm} {split.get(arm, 0)} %" for arm in ARMS)
    return f"{feature['metadata']['name']}  {status.get('stage', 'not seen yet')}  {arms}"


def ago(text: str, now: datetime) -> str:
    """`12 min ago`, or `in 3 h`; the text itself where it is no time."""
    try:
        seconds = (now - datetime.fromisoformat(text.replace("Z", "+00:00"))).total_seconds()
    except (ValueError, TypeError):
        return text
    size, unit = next(
        ((s, u) for s, u in ((86400, "d"), (3600, "h"), (60, "min")) if abs(seconds) >= 2 * s),
        (1, "s"),
    )
    told = f"{abs(seconds) / size:.0f} {unit}"
    return f"{told} ago" if seconds >= 0 else f"in {told}"


def _releases(status: Json, now: datetime) -> Iterator[str]:
    for title, key in (("last known good", "lastKnownGood"), ("candidate", "candidate")):
        found = status.get(key)
        if not found:
            continue
        attempt = f", attempt {found['attempt']}" if "attempt" in found else ""
        named = release(found.get("release", {}))
        yield f"{title}: {named} ({short(found['digest'])}{attempt}), {ago(found['since'], now)}"


def release(found: Mapping[str, Any]) -> str:
    """`chat-7b@2026-11-02 support@v42`: all versions that make it."""
    parts = [found[key] for key in ("model", "prompt", "index") if found.get(key)]
    told = [f"{part.get('name', '?')}@{part.get('version', '-')}" for part in parts]
    return " ".join(told) or "unnamed"


def _step(status: Json, spec: Json, now: datetime) -> Iterator[str]:
    step, steps = status.get("step"), spec.get("ramp", {}).get("steps", [])
    if not step or status.get("stage") not in FLYING - {Stage.PREFLIGHT}:
        return
    at = step.get("index", 0)
    weight = f"{steps[at]['weightPercent']} %" if at < len(steps) else "re-enable ramp"
    began, ends = ago(step["since"], now), ago(step["deadlineAt"], now)
    yield f"{at + 1} of {len(steps) or '?'}: {weight}, began {began}, deadline {ends}"


def _signals(status: Json, spec: Json) -> Iterator[str]:
    bounds = {s.get("name"): _bound(s) for s in spec.get("acceptance", {}).get("signals", [])}
    for signal in status.get("signals", []):
        bound = bounds.get(signal["name"])
        limit = f" [{bound}]" if bound else ""
        yield f"{signal['name']} {signal['verdict']}{limit}: {signal['message']}"


def _bound(signal: Json) -> str:
    told = [f"{key} {signal[key]}" for key in ("max", "min") if key in signal]
    for key in ("vsStable", "vsBaseline"):
        if key in signal:
            told.append(f"{key} worseBy {signal[key].get('worseBy', '?')}")
    return ", ".join(told) or ("preset" if "preset" in signal else "")


def _rule(rule: Json) -> str:
    return f"{rule['name']} {'open' if rule.get('open') else 'closed'}: {rule.get('reason', '')}"


def _sign_off(status: Json) -> Iterator[str]:
    asked = status.get("signOff")
    if not asked:
        return
    said = ", ".join(a["approver"] for a in asked.get("approvals", [])) or "nobody yet"
    yield f"{asked.get('needed', 1)} people have to agree; agreed: {said}"
    if asked.get("rejectedBy"):
        yield f"rejected by {asked['rejectedBy']}"


def _source(source: Json) -> str:
    return f"{source['kind']} {source['name']}: {source.get('reason', '')}"


def _latch(latch: Json, now: datetime) -> str:
    what = short(latch["digest"]) if latch.get("digest") else "no release"
    contained = "contained" if latch.get("containedAt") else "not seen to be contained yet"
    about = f"{latch['cause']} {what} at {latch.get('weight', 0)} %, {ago(latch['at'], now)}"
    return f"{about}, {contained}: {latch['message']}"


def _incident(incident: Json) -> str:
    status = incident.get("status", {})
    due = f", next due {status['nextDue']}" if status.get("nextDue") else ""
    severity = status.get("severity") or incident["spec"].get("severity", "?")
    phase = status.get("phase", "not seen yet")
    return f"{incident['metadata']['name']}: {severity}, {phase}{due}"


def _is_news(found: Json) -> bool:
    """What is not as it should be, and not told above."""
    bad_if_true = ("Stalled", "Killed", "Suspended", "DriftDetected", "ChangeFrozen")
    if found["type"] in SAID_ELSEWHERE:
        return False
    wrong = "True" if found["type"] in bad_if_true else "False"
    return bool(found["status"] == wrong)


def _condition(found: Json) -> str:
    return f"{found['type']}={found['status']} {found['reason']}: {found['message']}"


def _transition(told: Json, now: datetime) -> str:
    return f"{ago(told['at'], now)} {told['reason']}: {told['message']}"


def next_acts(feature: Mapping[str, Any]) -> Iterator[str]:
    """What happens or has to be done next, and by whom."""
    status, name = feature.get("status", {}), feature["metadata"]["name"]
    stage, hold = status.get("stage"), status.get("hold") or ""
    if not stage:
        yield "the operator has not looked at it yet: goaround doctor says whether one runs"
    elif status.get("kill"):
        yield f"somebody who may: goaround revive {name} (its gate stands above)"
    elif stage in CAME_BACK:
        yield f"another release in Git, or: goaround retry {name} --comment WHY"
    elif hold.startswith("AwaitingSignOff"):
        yield f"people decide: goaround approve {name} --comment WHY (or reject)"
    elif hold.startswith("Suspended"):
        yield f"goaround resume {name} (and take spec.suspend out of Git, if it is there)"
    elif hold:
        yield "nothing goes up until what HOLD says is over; every way down stays open"
    elif stage == "Live":
        yield "nothing: it is watched, and a new release in Git flies"
    else:
        yield "it goes on by itself: up on complete good evidence, down on proof of harm"
