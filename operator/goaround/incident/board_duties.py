"""The lower half of the whiteboard: what is due, what is missing, and the commands that do it.

Every command works when pasted. What is due stands in absolute times: a page is read later than it
was written.
"""

from collections.abc import Iterator
from datetime import datetime

from goaround.api.conditions import find
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import ENDED, OVER, DeadlineState, MessageState, Phase
from goaround.api.judgement import DataExposure
from goaround.api.reasons import ConditionType
from goaround.api.trigger import TriggerSource
from goaround.incident.board import clock, command, joined, told
from goaround.incident.gate import is_freezing
from goaround.incident.latched import FALLBACK
from goaround.incident.seen import Seen

MOST_DUE = 5
MOST_TODO = 6
PLUGIN = "kubectl goaround"


def duties(seen: Seen, after: AIIncidentStatus, now: datetime) -> Iterator[str]:
    """Clocks, what is missing, the gate."""
    if after.phase in ENDED:
        return
    yield from joined("DUE", list(_due(after, now)))
    if after.missed:
        yield from told("MISSED", after.missed)
    if after.escalation.level > 0:
        called = after.escalation.contact or "nobody is named"
        yield from told("CALL", f"level {after.escalation.level}: {called}")
    yield from joined("TODO", list(_todo(seen, after))[:MOST_TODO], 3)
    closed = [rule for rule in after.gate if not rule.open]
    if after.gate and is_freezing(seen, after):
        verdicts = [f"{r.name} {'ok' if r.open else 'NO'}" for r in after.gate]
        yield from told("GATE", "re-enable: " + ", ".join(verdicts), 2)
        yield from told("", closed[0].reason if closed else "", 2)


def steps(seen: Seen, after: AIIncidentStatus) -> Iterator[str]:
    """What to do next, the most urgent first; the last line is for when it gets worse."""
    if after.phase in ENDED:
        return
    for advice in _advice(seen, after):
        yield from told("NEXT", advice)
    for words in _commands(seen, after):
        yield from command("NEXT", words)
    if after.phase not in OVER:
        stop = f"{PLUGIN} kill {seen.subject} -n {_namespace(seen)} --reason 'why'"
        yield from command("WORSE?", f"{stop}   # the fallback serves everybody")


def _due(after: AIIncidentStatus, now: datetime) -> Iterator[str]:
    waiting = [(d.due, name) for name, d in after.deadlines.items() if _waits(d.state)]
    for due, name in sorted(waiting)[:MOST_DUE]:
        yield f"{clock(due, now)} {name}"


def _waits(state: DeadlineState) -> bool:
    return state is DeadlineState.PENDING


def _todo(seen: Seen, after: AIIncidentStatus) -> Iterator[str]:
    spec = seen.spec
    if spec.impact.business is None:
        yield "say what it does to the business: spec.impact.business"
    if seen.is_grave and spec.impact.data_exposure is DataExposure.UNKNOWN:
        yield "spec.impact.dataExposure is Unknown: ask, then set None or Confirmed"
    drafts = [i for i, m in after.comms.messages.items() if m.state is MessageState.DRAFT]
    if drafts:
        yield f"approve or send: {', '.join(drafts[:3])}"
    for action in after.system_actions.values():
        if not action.done:
            yield action.title
    missing = find(after.conditions, ConditionType.CLOSABLE)
    if after.phase in (Phase.RESOLVED, Phase.REVIEWED) and missing and missing.status == "False":
        yield missing.message


def _commands(seen: Seen, after: AIIncidentStatus) -> Iterator[str]:
    """One per thing that only a person can say."""
    at, where = after.milestones, f"{seen.incident.metadata.name} -n {_namespace(seen)}"
    verb = f"{PLUGIN} incident"
    if after.phase in OVER:
        if after.phase is Phase.RESOLVED:
            yield f"{verb} review {where} --help"
        yield f"{verb} close {where}"
        return
    if at.assigned_at is None:
        yield f"{verb} assign {where} --commander YOU"
    if at.classified_at is None:
        yield f"{verb} classify {where} --outcome Investigate"
    if at.cause_found_at is None and at.contained_at is not None:
        yield f"{verb} rca {where} --bin Config --line 'why'"
    if is_freezing(seen, after) and after.phase is not Phase.RECOVERING:
        yield f"{verb} recover {where}   # a fix is found and may fly through the gate"
    if seen.is_grave and at.contained_at is not None:
        yield f"{verb} resolve {where}   # it is over"


def _advice(seen: Seen, after: AIIncidentStatus) -> Iterator[str]:
    source, digest = seen.spec.trigger.source, seen.spec.trigger.digest
    if after.phase in OVER or after.serving_release is None:
        return
    if source is TriggerSource.OUTAGE:
        yield "no release is to blame: look at what both arms share (data, network, a provider)"
        return
    if source is TriggerSource.KILL:
        yield "the fallback serves until every kill source is gone: kubectl get aikillswitches"
        return
    if after.milestones.contained_at is None:
        yield "not seen to be contained yet: watch SAFE?; if in doubt, kill it"
    fixed = "put the release that serves back into Git, or a fixed one with new versions"
    backed = after.serving_release != FALLBACK
    yield fixed if backed else "put a fixed release with new versions into Git"
    if digest is not None and after.failed_attempt is not None:
        yield f"to fly it again: an AISignOff Retry, attempt {after.failed_attempt}, {digest}"


def _namespace(seen: Seen) -> str:
    return seen.incident.metadata.namespace
