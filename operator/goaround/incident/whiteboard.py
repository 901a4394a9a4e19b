"""The whiteboard: the incident in plain lines, for the person who runs it at 3 a.m.

Decides what comes first: the worst on top, what to do next at the end, where `kubectl describe`
leaves a terminal. It is written again when something happened, never for the clock's sake: times
are absolute, and the header says when it was written.
"""

from datetime import datetime

from goaround.api.incident import AIIncidentStatus
from goaround.incident.board import fitted
from goaround.incident.board_duties import duties, steps
from goaround.incident.board_facts import details, facts, header
from goaround.incident.seen import Seen

LINES, BYTES = 40, 5000


def with_whiteboard(seen: Seen, after: AIIncidentStatus, now: datetime) -> AIIncidentStatus:
    """The last step of a pass: what all the others found, in words."""
    before = seen.incident.status
    then = before.updated_at or now
    kept = after.but(updated_at=before.updated_at, whiteboard=before.whiteboard)
    if kept == before and whiteboard(seen, after, then) == before.whiteboard:
        return kept
    return after.but(updated_at=now, whiteboard=whiteboard(seen, after, now))


def whiteboard(seen: Seen, after: AIIncidentStatus, now: datetime) -> list[str]:
    """The page as it is at `now`."""
    return fitted(
        [header(seen, after, now), *facts(seen, after, now)],
        list(details(seen, after, now)),
        [*duties(seen, after, now), *steps(seen, after)],
        lines=LINES,
        size=BYTES,
    )
