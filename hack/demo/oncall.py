"""One act: a person on call takes an incident from breach to closed with kubectl and the plugin.

The person is a script; whatever it does, a person could paste. Pages are kept as they were printed.
"""

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from goaround.api.base import Json
from goaround.api.incident_status import Phase
from goaround.api.kinds import AIIncident
from hack.demo.acts import Report
from hack.demo.look import Look
from hack.demo.stack import NAMESPACE, ROOT

PATIENCE_SECONDS = 30


async def on_call(look: Look, report: Report) -> None:
    """The incident of the bad prompt is run, reviewed and closed."""
    assert report.incident is not None
    shift = Shift(look, report.incident)
    await shift.until(Phase.CONTAINED)
    shift.does("assign", "--commander", "ana", "--comms", "li", "--responder", "tom:Senior")
    shift.does("classify", "--outcome", "Investigate", "--scope", "Subset", "--kind", "Logic")
    shift.does("impact", "--business", "1 in 10 chats broke the form", "--data", "None")
    shift.does("check", "deployment", "Cause", "--note", "prompt v42 -> v43-bad, nothing else")
    await shift.until(Phase.DIAGNOSING)
    shift.annotates("the answers lack a field; v42 has it")
    shift.does("note", "the schema check of the app refuses what v43-bad writes")
    await shift.until_told("v42 has it", "the schema check")
    shift.shows("while it is diagnosed")
    shift.does(
        *("rca", "--bin", "CodePrompt", "--detail", "SchemaMismatch"),
        *("--line", "v43-bad does not ask for the field that the app needs"),
    )
    shift.does("fix", "--type", "PromptUpdate", "--line", "v43 asks for it again")
    shift.does("guardrail", "--type", "Test", "--ref", "golden case schema-of-answers")
    shift.does("recover")
    await shift.until(Phase.RECOVERING)
    shift.does("resolve")
    await shift.until(Phase.RESOLVED)
    for words in REVIEW:
        shift.does(*words)
    for name, prevents in (("golden-schema", "Instance"), ("schema-alert", "Class")):
        due = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
        shift.does(
            *("action", "add", name, "--title", f"{name} in place", "--owner", "tom"),
            *("--due", due, "--kind", "Monitoring", "--prevents", prevents),
        )
        shift.does("action", "done", name)
    shift.does("close")
    closed = await shift.until(Phase.CLOSED)
    shift.shows("when it is closed")
    verified = shift.does("verify")
    report.on_call = {
        "phases": list(shift.phases),
        "entries": closed.status.timeline_anchor.length,
        "verified": verified.splitlines()[-1] if verified else "",
        "missedClocks": closed.status.missed or "none",
        "secondsFromBreachToClosed": round(time.time() - _began(closed), 1),
    }


REVIEW = (
    (
        *("review", "--gap", "none: the ramp saw it in seconds", "--cause", "a form nobody tested"),
        *("--findings", "a prompt is an interface", "--response", "timely", "--reviewer", "li"),
        *("--question", "productionDistribution=yes, by the ramp"),
        *("--question", "pipelineAssumptions=not concerned"),
        *("--question", "promptsTested=not for the form; they are now"),
        *("--question", "retrievalMonitored=yes"),
        *("--question", "killSwitch=there, not needed"),
    ),
)


def _began(incident: AIIncident) -> float:
    at = incident.status.milestones.detected_at
    return at.timestamp() if at is not None else time.time()


class Shift:
    """One person at one terminal."""

    def __init__(self, look: Look, incident: str) -> None:
        self._look, self._incident = look, incident
        self.phases: dict[str, None] = {}

    def does(self, *words: str) -> str:
        """`kubectl goaround incident VERB ... INCIDENT`, printed as it is typed."""
        verb, rest = words[0], list(words[1:])
        sub = [rest.pop(0)] if verb == "action" else []
        line = ["incident", verb, *sub, self._incident, "-n", NAMESPACE, *rest]
        self._look.say(f"$ kubectl goaround {' '.join(line)}")
        done = subprocess.run(
            [sys.executable, "-m", "goaround", *line],
            cwd=ROOT,
            env={**os.environ, "KUBECONFIG": str(self._look.stack.plane.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(line)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def annotates(self, text: str) -> None:
        """What a person types who has no plugin."""
        note = f"goaround.dev/note={text}"
        self._look.say(f"$ kubectl -n {NAMESPACE} annotate aii/{self._incident} '{note}'")
        self._look.stack.plane.kubectl("-n", NAMESPACE, "annotate", f"aii/{self._incident}", note)

    def shows(self, when: str) -> None:
        """The page of kubectl describe, from the whiteboard on."""
        described = self._look.stack.plane.kubectl(
            "-n", NAMESPACE, "describe", "aii", self._incident
        )
        page = described.stdout
        print(f"\n$ kubectl -n {NAMESPACE} describe aiincident {self._incident}   # {when}\n")
        print(page[page.index("  Whiteboard:") :], flush=True)

    async def until(self, phase: Phase) -> AIIncident:
        """Wait for the phase. Raises AssertionError."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = await self._now()
            if found.status.phase is not None:
                self.phases.setdefault(found.status.phase)
            if found.status.phase is phase:
                self._look.say(f"the incident is {phase}")
                return found
            if time.monotonic() > end:
                raise AssertionError(f"not {phase} but {found.status.phase}: {_why(found)}")
            await asyncio.sleep(0.1)

    async def until_told(self, *texts: str) -> None:
        """Wait until the timeline has them, and no note waits any more."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = await self._now()
            told = "\n".join(found.status.timeline)
            waits = [a for a in found.metadata.annotations if a.startswith("goaround.dev/note")]
            if all(text in told for text in texts) and not waits:
                return
            if time.monotonic() > end:
                raise AssertionError(f"the timeline has not {texts}: {told} {waits}")
            await asyncio.sleep(0.1)

    async def _now(self) -> AIIncident:
        found = await self._look.incident(self._incident)
        if found is None:
            raise AssertionError(f"incident {self._incident} does not exist")
        return found


def _why(incident: AIIncident) -> Json:
    return {c.type: f"{c.status} {c.message}" for c in incident.status.conditions}
