"""The act of the person on call: an incident from the rollback to its end, by the plugin alone."""

import asyncio
import subprocess
import sys
import time

from hack.demo.acts import Report
from hack.demo.look import Look
from hack.demo.stack import NAMESPACE, ROOT

SECONDS = 60
DAY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("assign", ("--commander=ana", "--comms=li", "--tech=tom", "--responder=tom:Senior")),
    ("classify", ("--outcome=Investigate", "--scope=Subset", "--kind=Logic")),
    ("impact", ("--business=1 in 5 answers could not be shown", "--data=None", "--facing=yes")),
    ("check", ("deployment", "Cause", "--note=prompt v43-bad")),
    ("rca", ("--bin=CodePrompt", "--detail=SchemaMismatch", "--line=the prompt drops a field")),
    ("fix", ("--type=Rollback", "--line=back to prompt v43", "--fixed-at=now")),
    ("guardrail", ("--type=Test", "--ref=golden case quoted", "--added-at=now")),
    ("resolve", ()),
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


async def on_call(look: Look, report: Report) -> None:
    """Whoever is on call reads the whiteboard, and types until the incident is closed."""
    name, began = report.incident, time.monotonic()
    assert name is not None
    print(await _typed(look, "show", name))
    for verb, words in DAY:
        group, _, rest = verb.partition(" ")
        told = await _typed(look, group, *([rest] if rest else []), name, *words)
        look.say(f"$ kubectl goaround incident {verb} {name} {' '.join(words)}"[:140])
        look.say(f"    {told.splitlines()[0]}")
    phase = await _until_closed(look, name)
    report.on_call = {
        "commands": len(DAY) + 1,
        "seconds": round(time.monotonic() - began, 1),
        "phase": phase,
    }
    if phase != "Closed":
        raise AssertionError(f"the incident is {phase}: {await _typed(look, 'show', name)}")


async def _until_closed(look: Look, name: str) -> str:
    end = time.monotonic() + SECONDS
    while True:
        incident = await look.incident(name)
        phase = str(incident.status.phase) if incident is not None else "gone"
        if phase == "Closed" or time.monotonic() > end:
            return phase
        await asyncio.sleep(0.2)


async def _typed(look: Look, *words: str) -> str:
    """What the plugin printed. Raises AssertionError where it fails."""
    where = (f"--namespace={NAMESPACE}", f"--kubeconfig={look.stack.plane.kubeconfig}")
    argv = [sys.executable, "-m", "goaround", "incident", *words, *where]
    done = await asyncio.to_thread(
        subprocess.run, argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise AssertionError(f"goaround incident {words[0]}: {done.stderr.strip()}")
    return str(done.stdout)
