"""One act: a person on call takes an incident from breach to closed with kubectl and the plugin.

The person is a script; whatever it does, a person could paste. Pages are kept as they were printed.
"""

import asyncio
import os
import re
import subprocess
import sys
import time

from goaround.api.base import Json
from goaround.api.incident_status import Phase
from goaround.api.kinds import AIIncident
from hack.demo.acts import Report
from hack.demo.look import Look
from hack.demo.stack import NAMESPACE, ROOT

PATIENCE_SECONDS = 30
NOTE = re.compile(r"goaround[.]dev/note([.].*)?")


Line = tuple[str, tuple[str, ...]]

LOOKS: tuple[Line, ...] = (
    ("assign", ("--commander=ana", "--comms=li", "--tech=tom", "--responder=tom:Senior")),
    ("classify", ("--outcome=Investigate", "--scope=Subset", "--kind=Logic")),
    ("impact", ("--business=1 in 10 chats broke the form", "--data=None", "--facing=yes")),
    ("check", ("deployment", "Cause", "--note=prompt v43-bad, and nothing else")),
)
MENDS: tuple[Line, ...] = (
    ("rca", ("--bin=CodePrompt", "--detail=SchemaMismatch", "--line=the prompt drops a field")),
    ("fix", ("--type=Rollback", "--line=back to prompt v43", "--fixed-at=now")),
    ("guardrail", ("--type=Test", "--ref=golden case quoted", "--added-at=now")),
    ("recover", ()),
)
LEARNS: tuple[Line, ...] = (
    (
        "review",
        (
            "--gap=seconds: the signal on the schema saw it",
            "--cause=a field was dropped from the prompt",
            "--findings=the golden set was not asked for",
            "--response=timely, by itself",
            "--question=productionDistribution=yes",
            "--question=pipelineAssumptions=yes",
            "--question=promptsTested=versioned, but not tested",
            "--question=retrievalMonitored=yes",
            "--question=killSwitch=there, and not needed",
            *("--reviewer=ana", "--reviewer=tom", "--held=now", "--next=30d"),
        ),
    ),
    (
        "action add",
        (
            *("case", "--title=golden case for the field", "--owner=tom", "--due=30d"),
            *("--kind=Test", "--prevents=Instance"),
        ),
    ),
    (
        "action add",
        (
            *("watch", "--title=alert on the share of the field", "--owner=tom", "--due=30d"),
            *("--kind=Monitoring", "--prevents=Class"),
        ),
    ),
    ("close", ()),
)
DAY = (*LOOKS, *MENDS, ("resolve", ()), *LEARNS)


async def on_call(look: Look, report: Report) -> None:
    """The incident of the bad prompt is run, reviewed and closed."""
    assert report.incident is not None
    shift = Shift(look, report.incident)
    await shift.until(Phase.CONTAINED)
    shift.does(*LOOKS)
    await shift.until(Phase.DIAGNOSING)
    shift.annotates("the answers lack a field; v42 has it")
    shift.types("note", "the schema check of the app refuses what v43-bad writes")
    await shift.until_told("v42 has it", "the schema check")
    shift.shows("while it is diagnosed")
    shift.does(*MENDS)
    await shift.until(Phase.RECOVERING)
    shift.types("resolve")
    await shift.until(Phase.RESOLVED)
    shift.does(*LEARNS)
    closed = await shift.until(Phase.CLOSED)
    await shift.until_quiet()
    shift.shows("when it is closed")
    report.on_call = {
        "phases": " ".join(shift.phases),
        "entries": closed.status.timeline_anchor.length,
        "verified": shift.types("verify").splitlines()[-1],
        "missedClocks": closed.status.missed or "none",
        "secondsFromBreachToClosed": round(time.time() - _began(closed), 1),
    }


def _began(incident: AIIncident) -> float:
    at = incident.status.milestones.detected_at
    return at.timestamp() if at is not None else time.time()


class Shift:
    """One person at one terminal."""

    def __init__(self, look: Look, incident: str) -> None:
        self._look, self._incident = look, incident
        self.phases: dict[str, None] = {}

    def does(self, *lines: Line) -> None:
        """One after another."""
        for verb, words in lines:
            self.types(verb, *words)

    def types(self, verb: str, *words: str) -> str:
        """`kubectl goaround incident VERB INCIDENT ...`, and what it printed. Raises
        AssertionError where it fails."""
        line = ["incident", *verb.split(), self._incident, *words]
        self._look.say(f"$ kubectl goaround {' '.join(line)}"[:150])
        done = subprocess.run(
            [sys.executable, "-m", "goaround", *line, f"--namespace={NAMESPACE}"],
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
            waits = [a for a in found.metadata.annotations if NOTE.fullmatch(a)]
            if all(text in told for text in texts) and not waits:
                return
            if time.monotonic() > end:
                raise AssertionError(f"the timeline has not {texts}: {told} {waits}")
            await asyncio.sleep(0.1)

    async def until_quiet(self) -> None:
        """Wait until all of it stands in the timeline."""
        known = -1
        while (length := (await self._now()).status.timeline_anchor.length) != known:
            known = length
            await asyncio.sleep(3)

    async def _now(self) -> AIIncident:
        found = await self._look.incident(self._incident)
        if found is None:
            raise AssertionError(f"incident {self._incident} does not exist")
        return found


def _why(incident: AIIncident) -> Json:
    return {c.type: f"{c.status} {c.message}" for c in incident.status.conditions}
