"""All clocks of an incident: `status.deadlines`, and what of it is told in one line.

One clock is the business of `ledger.py`. Calls nobody (`escalation.py` says who should be).
"""

from collections.abc import Iterator
from datetime import datetime

from goaround.api.base import rfc3339
from goaround.api.clocks import ClockName
from goaround.api.conditions import Wanted, condition, some
from goaround.api.incident import AIIncidentStatus
from goaround.api.incident_status import ENDED, Deadline, DeadlineState
from goaround.api.reasons import ConditionType, Reason
from goaround.incident.calendar import earliest
from goaround.incident.clocks import CLOCKS, start
from goaround.incident.ledger import MISSES, Ledger, judged
from goaround.incident.regimes import regulatory
from goaround.incident.seen import Seen

ROLLING = frozenset({ClockName.UPDATE_INTERNAL, ClockName.UPDATE_EXTERNAL})
SHORT = {ClockName.UPDATE_INTERNAL: "update", ClockName.UPDATE_EXTERNAL: "external update"}


def with_deadlines(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The step of a pass that keeps the ledger."""
    if seen.incident.status.phase in ENDED:
        return after
    found = dict(_entries(Ledger(seen, after, now), after, now)) | regulatory(seen, after, now)
    return after.but(deadlines=found, next_due=_next_due(after, found), missed=_missed(found))


def _entries(
    ledger: Ledger, after: AIIncidentStatus, now: datetime
) -> Iterator[tuple[str, Deadline]]:
    for name in CLOCKS:
        known = after.deadlines.get(name)
        if name in ROLLING:
            known, miss = _rolled(name, known, after, now)
            if miss is not None:
                yield late(name), miss
        found = ledger.entry(name, known)
        if found is not None and name in ROLLING and found.state is DeadlineState.PENDING:
            found = found.but(met_at=start(name, after))
        if found is not None:
            yield str(name), found


def late(name: ClockName) -> str:
    """Under which name the first miss of a rolling clock stays once it was made good."""
    return f"{name}Late"


def _rolled(
    name: ClockName, known: Deadline | None, after: AIIncidentStatus, now: datetime
) -> tuple[Deadline | None, Deadline | None]:
    """A clock that starts anew with each message: its entry without what a newer one settled, and
    its first miss. metAt of the entry is the message that it counts from."""
    miss, newest = after.deadlines.get(late(name)), start(name, after)
    if known is None or newest is None or (known.met_at is not None and newest <= known.met_at):
        return known, miss
    settled = judged(known.but(met_at=None), newest, now)
    return None, miss or (settled if settled.state in MISSES else None)


# -- what is told ----------------------------------------------------------------------------------


def _next_due(after: AIIncidentStatus, found: dict[str, Deadline]) -> str | None:
    """`update 14:50Z`; with the day where that is not the day of its detection. In words, because
    `kubectl get` shows a date that is to come as invalid."""
    waiting = [(d.due, name) for name, d in found.items() if d.state is DeadlineState.PENDING]
    if not waiting:
        return None
    due, name = min(waiting)
    began = after.milestones.detected_at
    today = began is not None and began.date() == due.date()
    told = {str(k): short for k, short in SHORT.items()}.get(name, name)
    return f"{told} {due:{'%H:%M' if today else '%Y-%m-%d %H:%M'}}Z"


def _missed(found: dict[str, Deadline]) -> str | None:
    named = [
        f"{name} (late)" if d.state is DeadlineState.LATE else name
        for name, d in found.items()
        if d.state in MISSES
    ]
    return some(named)[:200] or None


def on_time(seen: Seen, after: AIIncidentStatus) -> Iterator[Wanted]:
    """Condition `DeadlinesMet`."""
    kind, ledger = ConditionType.DEADLINES_MET, after.deadlines
    missed = {name: d for name, d in ledger.items() if d.state in MISSES}
    if not missed:
        met = sum(d.state is DeadlineState.MET for d in ledger.values())
        then = f"next: {after.next_due}" if after.next_due else "nothing else is due"
        yield condition(kind, "True", Reason.ON_TIME, f"{met} met, none missed; {then}")
        return
    told = [
        f"{name} was due {rfc3339(d.due)}"
        + (f", done {rfc3339(d.met_at)}" if d.state is DeadlineState.LATE and d.met_at else "")
        for name, d in missed.items()
    ]
    yield condition(kind, "False", Reason.DEADLINE_MISSED, f"missed: {some(told)}")


def next_deadline(seen: Seen, after: AIIncidentStatus) -> datetime | None:
    """When the next clock is due."""
    return earliest(d.due for d in after.deadlines.values() if d.state is DeadlineState.PENDING)
