"""The acts, each with its end: adopt, climb, go around, kill and come back."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import yaml

from goaround.api.base import Json
from goaround.api.conditions import find
from goaround.api.content import hash_of
from goaround.api.digest import release_digest, short
from goaround.api.feature import Release
from goaround.api.kinds import EVENTS, INCIDENTS, KILL_SWITCHES, RECORDS, AIFeature
from goaround.api.names import ATTEMPTS, record_name
from goaround.api.reasons import ConditionType, Reason, Stage
from hack.demo.look import Look, unix
from hack.demo.stack import FEATURE, NAMESPACE, ROOT

MANIFEST = ROOT / "examples" / "demo" / "support-chat.yaml"
CONTRACT = ROOT / "examples" / "demo" / "contract.yaml"
KILL_SWITCH = ROOT / "examples" / "demo" / "kill.yaml"
BETTER: Json = {
    "model": {"name": "extractor", "version": "2026-11-09"},
    "prompt": {"name": "support", "version": "v43"},
    "index": {"name": "faq", "version": "2026-11-20"},
}
THIRD: Json = {**BETTER, "prompt": {"name": "support", "version": "v42"}}
# Half the holds: what the crash act shows does not hang on them.
QUICKER_STEPS: list[Json] = [
    {"weightPercent": 10, "holdSeconds": 10, "minSamples": 50},
    {"weightPercent": 50, "holdSeconds": 5, "minSamples": 50},
    {"weightPercent": 100},
]
# It flies after a kill, so that it takes the re-enable ramp.
QUICKER: Json = {
    "intervalSeconds": 1,
    "steps": QUICKER_STEPS,
    "reenable": QUICKER_STEPS,
    "cruiseSeconds": 5,
}
BAD: Json = {**BETTER, "prompt": {"name": "support", "version": "v43-bad"}}


@dataclass(slots=True)
class Report:
    """What was measured."""

    acts: list[Json] = field(default_factory=list)
    evidence: Json = field(default_factory=dict)
    rollback: Json = field(default_factory=dict)
    kill: Json = field(default_factory=dict)
    crash: Json = field(default_factory=dict)
    golden: Json = field(default_factory=dict)
    sign_off: Json = field(default_factory=dict)
    on_call: Json = field(default_factory=dict)
    incident: str | None = None


Act = Callable[[Look, Report], Awaitable[None]]


def manifest() -> Json:
    found: Json = yaml.safe_load(MANIFEST.read_text())
    return found


async def adopt(look: Look, _: Report) -> None:
    """What serves already is taken over, without moving anybody."""
    look.stack.plane.kubectl("apply", "-f", str(CONTRACT), "-f", str(MANIFEST))
    feature = await look.until(lambda f: f.status.stage is Stage.LIVE, "adoption", 60)
    assert feature.status.last_known_good is not None


async def climb(look: Look, report: Report) -> None:
    """A good release climbs 10 → 50 → 100 % on measured users, and becomes last-known-good."""
    seen: set[int] = set()
    rests_on: list[str] = []

    def landed(f: AIFeature) -> bool:
        if f.status.candidate is not None:
            seen.add(f.status.split.candidate)
            assumed = find(f.status.conditions, ConditionType.EVIDENCE_ASSUMPTIONS)
            rests_on.extend([assumed.reason] if assumed is not None else [])
        good = f.status.last_known_good
        return good is not None and f.status.stage is Stage.LIVE and good.digest == digest(BETTER)

    await ask_for(look, BETTER)
    await look.until(landed, "the climb of a good release", 120)
    if not {10, 50, 100} <= seen:
        raise AssertionError(f"the climb was not seen at 10, 50 and 100 %, only at {sorted(seen)}")
    report.evidence = {"restsOn": list(dict.fromkeys(rests_on))}
    if set(rests_on) - {Reason.NO_DATA} != {Reason.MEASURED}:
        raise AssertionError(f"users were not measured: {report.evidence}")


async def go_around(look: Look, report: Report) -> None:
    """A prompt that breaks the schema goes around at 10 %, with an incident."""
    await ask_for(look, BAD)
    feature = await look.until(
        lambda f: bool(f.status.latches) and f.status.latches[0].contained_at is not None,
        "going around",
        90,
    )
    latch = feature.status.latches[0]
    assert latch.incident is not None
    assert latch.cause == "Signal"
    told = await look.evaluations()
    flown = told["releases"][short(digest(BAD))]
    proven = unix(latch.proven_at) or 0.0
    on_the_wire = look.ear.zero_after(proven)
    zero = max(float(flown["last"]), on_the_wire or 0.0)
    report.rollback = {
        "secondsFromProofToZero": round(max(zero - proven, 0.0), 3),
        "secondsFromOnsetToZero": round(zero - float(flown["first_bad"]), 3),
        "exposedRequests": int(flown["count"]),
        "badResponses": int(flown["bad"]),
        "secondsFromProofToLatch": round(latch.at.timestamp() - proven, 3),
        "weightAtRollback": latch.weight,
        "exposedRequestsByOperator": latch.exposed_requests,
        "proof": latch.message,
    }
    report.incident = latch.incident
    incident = await look.incident(latch.incident)
    if incident is None:
        raise AssertionError(f"incident {latch.incident} does not exist")
    while incident.status.phase != "Contained":
        await asyncio.sleep(0.1)
        incident = await look.incident(latch.incident) or incident


async def kill(look: Look, report: Report) -> None:
    """The kill switch: the fallback serves; then the way back to last-known-good."""
    await ask_for(look, BETTER)
    await look.until(lambda f: f.status.stage is Stage.LIVE, "the Git revert", 30)
    body: Json = yaml.safe_load(KILL_SWITCH.read_text())
    name = body["metadata"]["name"]
    await look.api.create(KILL_SWITCHES, NAMESPACE, body)
    created = time.time()
    look.say(f"AIKillSwitch {name} created")
    await look.until(lambda f: f.status.stage is Stage.KILLED, "the kill", 30)
    first = await first_fallback(look, after=created - 1)
    report.kill = {"secondsToEffect": round(max(first - created, 0.0), 4)}
    await look.until(
        lambda f: bool(f.status.latches) and f.status.latches[0].contained_at is not None,
        "containment of the kill",
        30,
    )
    look.stack.plane.kubectl(
        "-n", NAMESPACE, "wait", f"aiks/{name}", "--for=jsonpath={.status.latchedAt}",
        "--timeout=20s",
    )  # fmt: skip
    look.stack.plane.kubectl("-n", NAMESPACE, "delete", "aikillswitch", name)
    look.say(f"AIKillSwitch {name} deleted")
    await look.until(lambda f: f.status.stage is Stage.LIVE, "the way back", 30)
    for body in await look.api.list(INCIDENTS, namespace=NAMESPACE):
        patch = ("--type=merge", '--patch={"spec": {"requestedPhase": "Resolved"}}')
        look.stack.plane.kubectl(
            "-n", NAMESPACE, "patch", f"aiincident/{body['metadata']['name']}", *patch
        )
    look.say("people say that the incidents are resolved: new releases may fly")


async def crash(look: Look, report: Report) -> None:
    """The operator is SIGKILLed in mid-ramp and started again: it goes on, nothing is doubled."""
    incidents = len(await look.api.list(INCIDENTS, namespace=NAMESPACE))
    known = {e["metadata"]["name"] for e in await look.api.list(EVENTS, namespace=NAMESPACE)}
    await ask_for(look, THIRD, ramp=QUICKER)
    await look.until(lambda f: f.status.split.candidate == 10, "the first step", 30)
    await asyncio.sleep(4)
    look.stack.crash("operator")
    look.say("operator SIGKILLed")
    await asyncio.sleep(2)
    look.stack.restart("operator")
    look.say("operator started again")
    feature = await look.until(
        lambda f: f.status.stage is Stage.LIVE and served(f) == digest(THIRD), "going on", 120
    )
    events = await look.api.list(EVENTS, namespace=NAMESPACE)
    told = Counter(e["reason"] + e["message"] for e in events if e["metadata"]["name"] not in known)
    records = await look.api.list(RECORDS, namespace=NAMESPACE)
    name = record_name(FEATURE, digest(THIRD))
    attempts = next(
        int(r["metadata"]["annotations"][ATTEMPTS])
        for r in records
        if r["metadata"]["name"] == name
    )
    doubled = {
        "events": sum(n - 1 for n in told.values()),
        "attempts": attempts - 1,
        "incidents": len(await look.api.list(INCIDENTS, namespace=NAMESPACE)) - incidents,
        "transitions": len(feature.status.history) - len({t.at for t in feature.status.history}),
    }
    report.crash = {"doubledEffects": sum(doubled.values()), **doubled}
    if report.crash["doubledEffects"]:
        raise AssertionError(f"something was done twice: {doubled}")


def served(feature: AIFeature) -> str | None:
    good = feature.status.last_known_good
    return good.digest if good is not None else None


async def first_fallback(look: Look, *, after: float, seconds: float = 10) -> float:
    """When the application first evaluated to the fallback after `after`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = (await look.evaluations())["variants"].get("fallback") or {}
        for at in (seen.get("resumed"), seen.get("first")):
            if at is not None and at >= after:
                return float(at)
        await asyncio.sleep(0.05)
    raise TimeoutError("the application never evaluated to the fallback")


async def ask_for(look: Look, release: Json, **spec: Json) -> None:
    """What a GitOps pipeline would do: change spec.release, and whole parts of the spec."""
    wanted = manifest()
    wanted["spec"] |= {"release": release, **spec}
    text = yaml.safe_dump(wanted)
    look.stack.plane.kubectl("apply", "-f", "-", stdin=text)
    look.say(f"spec asks for {title(release)}")


def title(release: Json) -> str:
    return Release.model_validate(release).title


def digest(release: Json) -> str:
    """Of the release with the schemas that it flies with."""
    texts = yaml.safe_load(CONTRACT.read_text())["data"]
    contract = {
        side: ref | {"hash": hash_of(texts[ref["key"]])}
        for side, part in manifest()["spec"]["contract"].items()
        for ref in [part["schemaRef"]]
    }
    return release_digest(Release.model_validate(release | {"contract": contract}))
