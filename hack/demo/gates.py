"""The gates on the way up: a golden set turns a release away, a person lets one go on."""

import asyncio
import json
import time

import yaml

from goaround.api import API_VERSION
from goaround.api.base import Json
from goaround.api.conditions import find
from goaround.api.digest import short
from goaround.api.kinds import SIGN_OFFS, AIFeature
from goaround.api.reasons import ConditionType, EventReason, Reason, Stage
from hack.demo.acts import BETTER, Report, ask_for, digest, served
from hack.demo.look import Look
from hack.demo.stack import APP_ENDPOINT, FEATURE, NAMESPACE, ROOT

GOLDEN_SET = ROOT / "examples" / "golden-set.yaml"
ROLES = ROOT / "examples" / "roles.yaml"
APPROVER = "ann"
# The prompt that went around, with another model: another digest, so that nothing knows it.
SUSPECT: Json = {
    **BETTER,
    "model": {"name": "extractor", "version": "2026-11-02"},
    "prompt": {"name": "support", "version": "v43-bad"},
}
SIGNED: Json = {**BETTER, "prompt": {"name": "support", "version": "v41"}}
SIGNED_RAMP: Json = {
    "intervalSeconds": 1,
    "steps": [
        {"weightPercent": 50, "holdSeconds": 3, "minSamples": 50, "requireSignOff": True},
        {"weightPercent": 100},
    ],
    "cruiseSeconds": 3,
}
STILL_SECONDS = 3
"""How long the demo looks on while nobody has signed."""


async def golden(look: Look, report: Report) -> None:
    """The same bad prompt, with a golden set: rejected, and no user ever saw it."""
    golden_set, _ = yaml.safe_load_all(GOLDEN_SET.read_text())
    look.stack.plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(golden_set))
    source = {"configMapRef": {"name": golden_set["metadata"]["name"]}}
    began = time.time()
    preflight = {"goldenSet": source, "endpoint": {"endpointRef": APP_ENDPOINT}}
    await ask_for(look, SUSPECT, preflight=preflight)
    wanted = digest(SUSPECT)

    def rejected(f: AIFeature) -> bool:
        known = f.status.preflight
        return f.status.stage is Stage.REJECTED and known is not None and known.digest == wanted

    feature = await look.until(rejected, "the rejection", 60)
    known, told = feature.status.preflight, await look.evaluations()
    assert known is not None
    users = int(told["releases"].get(short(wanted), {"count": 0})["count"])
    report.golden = {
        "secondsToRejection": round(time.time() - began, 1),
        "goldenRequests": int(told["variants"]["golden"]["count"]),
        "runsPassed": f"{known.passed} of {known.total}",
        "casesAgainst": list(known.regressions),
        "requestsOfUsers": users,
    }
    look.say(f"rejected for {', '.join(known.regressions)}; requests of users: {users}")
    if users or not known.regressions:
        raise AssertionError(f"the golden set did not keep it from users: {report.golden}")


async def sign_off(look: Look, report: Report) -> None:
    """A ramp that asks people: it holds, the author is refused, another approves, it goes on."""
    plane = look.stack.plane
    plane.kubectl("apply", "-f", str(ROLES))
    plane.kubectl("-n", NAMESPACE, "create", "rolebinding", f"{APPROVER}-approves",
                  "--clusterrole=goaround-approver", f"--user={APPROVER}")  # fmt: skip
    await ask_for(look, SIGNED, ramp=SIGNED_RAMP)
    asked = await look.until(asks_people, "that people are asked", 60)
    began = time.time()
    look.say("the evidence is complete; the ramp holds for a sign-off")
    await asyncio.sleep(STILL_SECONDS)
    held = (await look.feature()).status.split.candidate
    author, other = approve(look, asked), approve(look, asked, f"--as={APPROVER}")
    signed = time.time()
    look.say(f"the author tries to approve: …{author.strip()[-120:]}")
    look.say(f"AISignOff of {APPROVER}: {other or 'created'}")
    await look.until(lambda f: f.status.split.candidate == 100, "going on", 30)
    raised = time.time()
    landed = await look.until(
        lambda f: f.status.stage is Stage.LIVE and served(f) == digest(SIGNED), "landing", 60
    )
    granted = EventReason.SIGN_OFF_GRANTED
    told = " ".join(t.message for t in landed.status.history if t.reason == granted)
    report.sign_off = {
        "heldAtPercent": held,
        "secondsHeld": round(signed - began, 1),
        "authorRefused": "wrote this change" in author,
        "secondsFromSignOffToRaise": round(raised - signed, 2),
        "granted": told,
    }
    if held != 50 or not report.sign_off["authorRefused"] or APPROVER not in told:
        raise AssertionError(f"the ramp did not wait for {APPROVER}: {report.sign_off}")


def asks_people(feature: AIFeature) -> bool:
    ready = find(feature.status.conditions, ConditionType.READY)
    return ready is not None and ready.reason == Reason.AWAITING_SIGN_OFF


def approve(look: Look, asked: AIFeature, *options: str) -> str:
    """What the API server says against an approval; "" when it takes it."""
    wanted = asked.status.sign_off
    assert wanted is not None
    body = {
        "apiVersion": API_VERSION,
        "kind": SIGN_OFFS.kind,
        "metadata": {"generateName": f"{FEATURE}-", "namespace": NAMESPACE},
        "spec": {
            "featureRef": {"name": FEATURE},
            "decision": "Approve",
            "digest": wanted.plan_digest,
            "attempt": wanted.attempt,
            "comment": "the answers of the demo look right",
        },
    }
    text = json.dumps(body)
    told = look.stack.plane.kubectl("create", "-f", "-", *options, stdin=text, check=False)
    return told.stderr if told.returncode else ""
