"""`python -m hack.demo`: run every act, print what happens, write build/demo/report.json.

Exit code 0 only if every act reached its end.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import httpx

from goaround.api.base import Json
from goaround.world.connect import load_api_client
from goaround.world.kube import KubeApi
from hack.controlplane import StartFailed, ToolMissing
from hack.demo.acts import Act, Report, adopt, climb, crash, go_around, kill
from hack.demo.gates import golden, sign_off
from hack.demo.look import Look
from hack.demo.oncall import on_call
from hack.demo.stack import FEATURE, LIFE_SECONDS, NAMESPACE, ROOT, Stack, running
from hack.demo.stream import Ear

BUILD = ROOT / "build" / "demo"
RATE = 100
ACTS: tuple[tuple[str, str, Act], ...] = (
    ("adopt", "Adopt what serves", adopt),
    ("climb", "A good release climbs 10 → 50 → 100 %", climb),
    ("goAround", "A bad prompt goes around at 10 %", go_around),
    ("golden", "The same prompt with a golden set: rejected before anybody gets it", golden),
    ("kill", "Kill switch, fallback, and the way back", kill),
    ("onCall", "A person, a keyboard: the incident from the rollback to its end", on_call),
    ("crash", "The operator is killed in mid-ramp, and goes on", crash),
    ("signOff", "A ramp waits for a person", sign_off),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running")
    args = parser.parse_args()
    try:
        with running(BUILD / "logs", load_seconds=LIFE_SECONDS, rate=RATE) as stack:
            report = asyncio.run(play(stack))
            ok = publish(report, stack, BUILD / "report.json")
            if args.keep:
                keep(stack)
    except (ToolMissing, StartFailed, RuntimeError) as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1
    return 0 if ok else 1


async def play(stack: Stack) -> Report:
    """All acts in order; the first that fails ends the play."""
    report = Report()
    client = await load_api_client(str(stack.plane.kubeconfig))
    async with client, httpx.AsyncClient(trust_env=False, timeout=5) as http:
        ear = Ear(stack.flag_port)
        listening = asyncio.create_task(ear.listen())
        look = Look(stack, KubeApi(client), http, ear)
        for name, title, act in ACTS:
            look.say(f"== {title} ==")
            ok, seconds = await one(look, report, act)
            report.acts.append({"name": name, "ok": ok, "seconds": round(seconds, 1)})
            if not ok:
                break
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return report


async def one(look: Look, report: Report, act: Act) -> tuple[bool, float]:
    began = time.monotonic()
    try:
        await act(look, report)
    except (AssertionError, TimeoutError, httpx.HTTPError) as err:
        look.say(f"FAILED: {err}")
        return False, time.monotonic() - began
    return True, time.monotonic() - began


def publish(report: Report, stack: Stack, where: Path) -> bool:
    """The incident as an on-call person sees it, the figures, and the file."""
    if report.incident is not None:
        print(f"\n$ kubectl -n {NAMESPACE} describe aiincident {report.incident}\n")
        described = stack.plane.kubectl("-n", NAMESPACE, "describe", "aii", report.incident)
        print(described.stdout)
    ok = len(report.acts) == len(ACTS) and all(a["ok"] for a in report.acts)
    body: Json = {"acts": report.acts, "rollback": report.rollback, "kill": report.kill}
    body |= {"crash": report.crash, "evidence": report.evidence}
    body |= {"golden": report.golden, "signOff": report.sign_off, "onCall": report.on_call}
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text(json.dumps(body, indent=1) + "\n")
    print("act          ok     seconds")
    for act in report.acts:
        print(f"{act['name']:12} {act['ok']!s:6} {act['seconds']:7.1f}")
    for group in ("evidence", "rollback", "golden", "kill", "onCall", "crash", "signOff"):
        for name, value in body[group].items():
            print(f"{group + '.' + name:38} {value}")
    print(f"\nreport: {where.relative_to(ROOT)}; logs: {stack.logs.relative_to(ROOT)}")
    return ok


def keep(stack: Stack) -> None:
    """Leave everything running, and say how to talk to it."""
    print(
        f"\nStill running for {LIFE_SECONDS // 60} minutes, or until Ctrl-C. In another shell:\n"
        f"  export KUBECONFIG={stack.plane.kubeconfig}\n"
        f"  kubectl -n {NAMESPACE} get aif,aii,aiks\n"
        f"  kubectl -n {NAMESPACE} describe aif {FEATURE}\n"
        f"  kubectl create -f examples/demo/kill.yaml   # and delete it again\n"
        f"Prometheus: {stack.plane.prometheus}   operator: {stack.operator}/metrics\n"
    )
    try:
        time.sleep(LIFE_SECONDS)
    except KeyboardInterrupt:
        print("stopping")


if __name__ == "__main__":
    sys.exit(main())
